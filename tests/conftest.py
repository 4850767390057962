"""What every test may use, and the options of the whole run. Rooms have conftest files of their own."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--full`: the slow tests too, and the long form of the random ones."""
    parser.addoption("--full", action="store_true", help="run slow tests too, and random tests at full length")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests marked `slow` out of a run without `--full`."""
    if config.getoption("--full"):
        return
    left_out = pytest.mark.skip(reason="slow: give --full")
    for item in items:
        if item.get_closest_marker("slow") is not None:
            item.add_marker(left_out)


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether this is the long run."""
    return bool(pytestconfig.getoption("--full"))
