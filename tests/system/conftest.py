"""Houses for tests. What one leaves behind fails the test."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.system.house import House

MakeHouse = Callable[..., House]
Figure = Callable[[str, float], None]
_FIGURES: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests of whole systems more time than others: a crowded machine starts processes slowly."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(300))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured."""
    if _FIGURES:
        terminalreporter.section("measured", sep="=")
        for figure in _FIGURES:
            terminalreporter.write_line(figure)


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Notes a number of this test, shown at the end of the run."""
    return lambda what, number: _FIGURES.append(f"{what}: {number:g} ({request.node.name})")


@pytest.fixture(scope="module")
def make_house() -> Iterator[MakeHouse]:
    """Builds houses, started, with settings of the test's; each is shown to leave no process behind."""
    with ExitStack() as leaving:

        def make(**settings: str) -> House:
            folder = Path(tempfile.mkdtemp(prefix="flux-"))  # short: a socket's path has room for 107 bytes
            leaving.callback(shutil.rmtree, folder)
            house = House(folder, **{"workers": "2", "processes": "2", **settings})
            leaving.callback(house.close)
            house.start()
            return house

        yield make


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A file in which task bodies note what they do; what stands there cannot be undone."""
    path = tmp_path / "ledger"
    path.touch()
    return path
