"""`flux test`, tried on a small checkout and outside of one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import flux.cli

ROOT = Path(flux.cli.__file__).parent.parent.parent
GOOD = '"""A test."""\n\n\ndef test_it() -> None:\n    """Sums are right."""\n    assert 1 + 1 == 2\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the command line and one test in it."""
    shutil.copytree(ROOT / "flux" / "cli", tmp_path / "flux" / "cli", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("flux/errors.py", "flux/clock.py", "flux/py.typed", "tests/conftest.py", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    keep = (
        "__init__.py",
        "__main__.py",
        "checks.py",
        "exits.py",
        "lazy.py",
        "main.py",
        "places.py",
        "render.py",
        "version.py",
    )
    for path in (tmp_path / "flux" / "cli").iterdir():
        if path.name not in keep:
            path.unlink()
    (tmp_path / "flux" / "__init__.py").write_text('"""Flux."""\n')
    (tmp_path / "tests" / "test_it.py").write_text(GOOD)
    return tmp_path


def run_checks(where: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`flux test` from the code in `where`."""
    command = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(where)!r}); import flux.cli.__main__"]
    return subprocess.run(
        [*command, "test", "-p", "no:cacheprovider", *arguments], capture_output=True, text=True, check=False
    )


def test_a_good_checkout_passes(checkout: Path) -> None:
    """All four steps are announced and timed; the last line is pytest's own."""
    done = run_checks(checkout)

    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split(":")[0] for line in done.stderr.splitlines() if " ok in " in line] == [
        "[1/4] ruff format",
        "[2/4] ruff check",
        "[3/4] mypy",
    ]
    assert "1 passed" in done.stdout.splitlines()[-1]


def test_every_step_runs_and_the_failed_ones_are_named(checkout: Path) -> None:
    """One round shows everything that is wrong, and the exit code says that something is."""
    (checkout / "tests" / "test_it.py").write_text("import os\nX: int = 'a'\ndef test_it(): assert False\n")

    done = run_checks(checkout)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: failed: ruff format, ruff check, mypy, pytest"


def test_other_arguments_go_to_pytest(checkout: Path) -> None:
    """`flux test -k name` runs what pytest would."""
    done = run_checks(checkout, "-k", "nothing_of_that_name")

    assert "1 deselected" in done.stdout


def test_outside_a_checkout_it_says_so(checkout: Path) -> None:
    """An installation has no tests to run: code 2."""
    shutil.rmtree(checkout / "tests")

    done = run_checks(checkout)

    assert done.returncode == 2
    assert "checkout" in done.stderr
