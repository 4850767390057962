"""W7: 64 tasks of some 50 ms of pure Python each, as plain `def`: the time beside that of bare processes.

The limit is the same work in a pool of plain processes, one for each core, warm in both cases.
"""

import json
import multiprocessing
import os
import time
from collections.abc import Mapping

from tests.bench.connection import request
from tests.bench.daemon import daemon, fresh_folder
from tests.bench.limit.common import BURN_LOOPS, burn
from tests.bench.workload import Figure, Sample, Size, Workload


def _ours(size: Size, syncs: bool) -> Sample:
    with fresh_folder() as folder, daemon(folder) as under_test:
        connection = under_test.connect()
        for _ in range(2):  # task processes of both workers are there
            connection.ask(_run(4, 1))
        started = time.perf_counter()
        assert connection.ask(_run(size.burns, BURN_LOOPS)).json()["state"] == "COMPLETED"
        took = time.perf_counter() - started
    return Sample(values={"W7": took})


def _run(tasks: int, loops: int) -> bytes:
    body = json.dumps({"tasks": tasks, "loops": loops}).encode()
    return request("POST", "/workflows/default/burning/run/sync", body)


def _limit(size: Size) -> Mapping[str, float]:
    cores = len(os.sched_getaffinity(0))
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        pool.map(burn, [1] * cores * 4, chunksize=1)
        started = time.perf_counter()
        pool.map(burn, [BURN_LOOPS] * size.burns, chunksize=1)
        return {"W7": time.perf_counter() - started}


W7 = Workload(
    name="W7",
    figures=(Figure(key="W7", about="64 × 50 ms of Python on all cores", unit="s", must=1.15, digits=2),),
    ours=_ours,
    limit=_limit,
)
