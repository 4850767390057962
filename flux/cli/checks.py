"""`flux test`: every check of a checkout, with the same four commands for everybody.

Formatting, lint, types, then pytest (which holds the architecture test). A step that fails does not
keep the later ones from running: one round shows everything. Steps are announced on stderr with their
duration; the last line is pytest's own unless an earlier step failed.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from flux.cli import places, render
from flux.cli.exits import ExitCode
from flux.clock import perf

_TYPED: Final = ("flux", "tui", "examples", "tests")
_TOOLS: Final = ("ruff", "mypy", "pytest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One check: what it is called and the Python module, with arguments, that does it."""

    name: str
    arguments: tuple[str, ...]


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--full", is_flag=True, help="The slow tests too, and the long form of the random ones.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def test(full: bool, pytest_arguments: tuple[str, ...]) -> ExitCode:
    """Run every check: format, lint, types, tests. Other arguments go to pytest."""
    root = places.checkout()
    if root is None:
        raise click.UsageError("`flux test` checks a checkout; this is an installation. Clone the repository first.")
    missing = [tool for tool in _TOOLS if find_spec(tool) is None]
    if missing:
        raise click.UsageError(f"not installed here: {', '.join(missing)}. `python3 flux.py test` installs them.")
    steps = [*_static(root), _pytest([*(["--full"] if full else []), *pytest_arguments])]
    failed = [step.name for at, step in enumerate(steps, 1) if not _passes(step, root, f"[{at}/{len(steps)}]")]
    if failed and failed != ["pytest"]:
        render.problem(f"failed: {', '.join(failed)}")
    return ExitCode.FAILED if failed else ExitCode.OK


def _static(root: Path) -> list[Step]:
    """The checks that run nothing of ours."""
    typed = [name for name in _TYPED if (root / name).is_dir()]
    return [
        Step(name="ruff format", arguments=("ruff", "format", "--check", "--output-format=concise", ".")),
        Step(name="ruff check", arguments=("ruff", "check", "--output-format=concise", ".")),
        Step(name="mypy", arguments=("mypy", "--no-error-summary", *typed)),
    ]


def _pytest(arguments: Sequence[str]) -> Step:
    return Step(name="pytest", arguments=("pytest", "-q", *arguments))


def _passes(step: Step, root: Path, count: str) -> bool:
    """Whether the step ended well; it writes to our own streams while it runs."""
    render.say(f"{count} {step.name} …")
    started = perf()
    done = subprocess.run([sys.executable, "-m", *step.arguments], cwd=root, stdin=subprocess.DEVNULL, check=False)
    good = done.returncode == 0
    if step.name != "pytest":
        render.say(f"{count} {step.name}: {'ok' if good else 'FAILED'} in {perf() - started:.1f} s")
    return good
