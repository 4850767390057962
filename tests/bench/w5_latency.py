"""W5: from the request to the result of a one-task workflow, over HTTP on the socket; milliseconds."""

import time
from collections.abc import Mapping

from tests.bench.connection import request
from tests.bench.counts import timed
from tests.bench.daemon import daemon, fresh_folder
from tests.bench.limit import common
from tests.bench.prototype import limit_of
from tests.bench.workload import Figure, Sample, Size, Workload


def _ours(size: Size, syncs: bool) -> Sample:
    run = request("POST", "/workflows/default/sequential/run/sync", b"1")
    took: list[float] = []
    with fresh_folder() as folder, daemon(folder) as under_test:
        connection = under_test.connect()

        def work() -> int:
            for _ in range(size.calls):
                started = time.perf_counter()
                assert connection.ask(run).json()["state"] == "COMPLETED"
                took.append(time.perf_counter() - started)
            return size.calls

        for _ in range(20):
            connection.ask(run)
        done = timed(under_test, connection, work, syncs=syncs)
    measured = took[: size.calls]
    return Sample(
        values={"W5": common.pct(measured, 50) * 1e3, "W5 p99": common.pct(measured, 99) * 1e3}, counts=done.counts
    )


def _limit(size: Size) -> Mapping[str, float]:
    found = limit_of("W5")
    return {"W5": found["p50_ms"], "W5 p99": found["p99_ms"]}


W5 = Workload(
    name="W5",
    figures=(
        Figure(key="W5", about="submit → result, one task, HTTP: p50", unit="ms", must=2.7, digits=2),
        Figure(key="W5 p99", about="submit → result, one task, HTTP: p99", unit="ms", must=8, of_limit=False, digits=2),
    ),
    ours=_ours,
    limit=_limit,
)
