"""`flux bench`: how fast this checkout is on this machine, beside what the machine could do.

The benchmarks live in `tests/bench/`, which an installation does not have; they run in a process of
their own. Figures go to stdout, progress to stderr.
"""

import subprocess
import sys
from typing import Final

import click

from flux.cli import places
from flux.cli.exits import ExitCode

WORKLOADS: Final = ("W1", "W2", "W3", "W4", "W5", "W6", "W7")


@click.command()
@click.argument("workloads", nargs=-1, type=click.Choice(WORKLOADS, case_sensitive=False))
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@click.option("--repeat", type=click.IntRange(1), default=3, show_default=True, help="Runs of each workload.")
@click.option("--no-limit", is_flag=True, help="Leave out the limit prototype, and with it the ratios.")
@click.option("--tiny", is_flag=True, help="A few tasks only: to see that it works. The figures mean nothing.")
def bench(workloads: tuple[str, ...], as_json: bool, repeat: int, no_limit: bool, tiny: bool) -> ExitCode:
    """Measure the workloads W1 to W7, each beside the limit of this machine. About five minutes for all."""
    root = places.checkout()
    if root is None or not (root / "tests" / "bench").is_dir():
        raise click.UsageError("`flux bench` measures a checkout; this is an installation. Clone the repository first.")
    flags = [name for name, given in (("--json", as_json), ("--no-limit", no_limit), ("--tiny", tiny)) if given]
    command = [sys.executable, "-m", "tests.bench", *workloads, *flags, "--repeat", str(repeat)]
    done = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, check=False)
    return ExitCode.FAILED if done.returncode else ExitCode.OK
