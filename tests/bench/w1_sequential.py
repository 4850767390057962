"""W1: one workflow with 100 tasks one after the other; microseconds a task, from submission to result."""

import json
import time
from collections.abc import Mapping

from tests.bench.connection import request
from tests.bench.counts import timed
from tests.bench.daemon import daemon, fresh_folder
from tests.bench.prototype import limit_of
from tests.bench.workload import Figure, Sample, Size, Workload


def _ours(size: Size, syncs: bool) -> Sample:
    run = request("POST", "/workflows/default/sequential/run/sync", json.dumps(size.tasks).encode())
    with fresh_folder() as folder, daemon(folder) as under_test:
        connection = under_test.connect()

        def work() -> int:
            until, tasks = time.perf_counter() + size.seconds, 0
            while time.perf_counter() < until:
                assert connection.ask(run).json()["state"] == "COMPLETED"
                tasks += size.tasks
            return tasks

        for _ in range(4):  # both workers have loaded the source
            connection.ask(run)
        done = timed(under_test, connection, work, syncs=syncs)
    return Sample(values={"W1": done.seconds / done.tasks * 1e6}, counts=done.counts)


def _limit(size: Size) -> Mapping[str, float]:
    return {"W1": limit_of("W1")["us_step"]}


W1 = Workload(
    name="W1",
    figures=(Figure(key="W1", about="one workflow, 100 sequential tasks", unit="µs/task", must=2.8),),
    ours=_ours,
    limit=_limit,
)
