"""W3: one workflow with 500 tasks at once; milliseconds, from submission to result."""

import statistics
import time
from collections.abc import Mapping

from tests.bench.connection import request
from tests.bench.counts import timed
from tests.bench.daemon import daemon, fresh_folder
from tests.bench.prototype import limit_of
from tests.bench.workload import Figure, Sample, Size, Workload


def _ours(size: Size, syncs: bool) -> Sample:
    run = request("POST", "/workflows/default/fan/run/sync", str(size.parallel).encode())
    took: list[float] = []
    with fresh_folder() as folder, daemon(folder) as under_test:
        connection = under_test.connect()

        def work() -> int:
            took.clear()
            for _ in range(size.rounds):
                started = time.perf_counter()
                assert connection.ask(run).json()["state"] == "COMPLETED"
                took.append(time.perf_counter() - started)
            return size.rounds * size.parallel

        for _ in range(4):  # both workers have loaded the source
            connection.ask(run)
        done = timed(under_test, connection, work, syncs=False)
        median = statistics.median(took)
        counts = timed(under_test, connection, work, syncs=True).counts if syncs else done.counts
    return Sample(values={"W3": median * 1e3}, counts=counts)


def _limit(size: Size) -> Mapping[str, float]:
    return {"W3": limit_of("W3")["wall_s"] * 1e3}


W3 = Workload(
    name="W3",
    figures=(Figure(key="W3", about="one workflow, 500 parallel tasks", unit="ms", must=10, digits=1),),
    ours=_ours,
    limit=_limit,
)
