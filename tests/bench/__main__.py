"""`python -m tests.bench`, which is what `flux bench` runs: the workloads, one after the other, in rounds.

In each round the prototype runs right after ours or right before, in turns, so that both see the same
machine. Nothing here judges by an exit code: figures are for people, and times are never asserted.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from flux.cli import render
from tests.bench import report
from tests.bench.machine import this_machine
from tests.bench.report import Runs
from tests.bench.w1_sequential import W1
from tests.bench.w2_many import W2
from tests.bench.w3_parallel import W3
from tests.bench.w4_history import W4
from tests.bench.w5_latency import W5
from tests.bench.w6_footprint import W6
from tests.bench.w7_cores import W7
from tests.bench.workload import TINY, Sample, Size, Workload

WORKLOADS: Final = {workload.name: workload for workload in (W1, W2, W3, W4, W5, W6, W7)}


def main(arguments: Sequence[str]) -> None:
    """Measure and show."""
    given = _arguments(arguments)
    size = TINY if given.tiny else Size()
    machine = this_machine()
    render.say(str(machine))
    found = [Runs(WORKLOADS[name]) for name in given.workloads or WORKLOADS]
    for number in range(1, given.repeat + 1):
        for runs in found:
            render.say(f"[{number}/{given.repeat}] {runs.workload.name} …")
            ours, limit = _pair(runs.workload, size, number, with_limit=not given.no_limit)
            render.say(f"[{number}/{given.repeat}] {runs.workload.name}: {_shown(ours.values)}  limit: {_shown(limit)}")
            runs.add(ours, limit)
    if given.json:
        render.value(report.document(machine, found))
    else:
        render.rows(report.rows(found), report.COLUMNS)


def _pair(workload: Workload, size: Size, number: int, *, with_limit: bool) -> tuple[Sample, Mapping[str, float]]:
    """One run of ours and one of the limit. Syncs are counted in the first round only: they are no matter of luck."""
    if not with_limit:
        return workload.ours(size, number == 1), {}
    if number % 2:
        ours = workload.ours(size, number == 1)
        return ours, workload.limit(size)
    limit = workload.limit(size)
    return workload.ours(size, False), limit


def _shown(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items()) or "–"


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="flux bench")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", choices=[[], *WORKLOADS])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-limit", action="store_true")
    parser.add_argument("--tiny", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
