"""W6: what it takes to be there: memory of all processes when idle, the start, bytes in the file per task.

Memory is the proportional set size, which counts a shared page once. Bytes are of tasks without arguments
and results, in a file that nothing lies beside any more.
"""

import time
from collections.abc import Mapping

from tests.bench.connection import request
from tests.bench.daemon import daemon, fresh_folder
from tests.bench.limit import common
from tests.bench.prototype import limit_of
from tests.bench.workload import Figure, Sample, Size, Workload

_SETTLE = 2.0  # seconds


def _ours(size: Size, syncs: bool) -> Sample:
    run = request("POST", "/workflows/default/empty/run/sync", str(size.tasks).encode())
    with fresh_folder() as folder:
        with daemon(folder) as under_test:
            cold = under_test.ready_after
            under_test.connect().ask(run)
            time.sleep(_SETTLE)
            _, memory = common.rss_mb(under_test.pid)
        before = under_test.database.stat().st_size
        with daemon(folder) as under_test:
            connection = under_test.connect()
            for _ in range(size.kept // size.tasks):
                connection.ask(run)
        grown = under_test.database.stat().st_size - before
    return Sample(values={"W6": memory, "W6 cold start": cold, "W6 bytes": grown / size.kept})


def _limit(size: Size) -> Mapping[str, float]:
    return {"W6 cold start": limit_of("W4")["boot_s"]}


W6 = Workload(
    name="W6",
    figures=(
        Figure(key="W6", about="idle memory, all processes (PSS)", unit="MB", must=120, of_limit=False),
        Figure(key="W6 cold start", about="start to ready, new folder", unit="s", must=0.8, of_limit=False, digits=2),
        Figure(key="W6 bytes", about="in the file per task", unit="B", must=400, of_limit=False),
    ),
    ours=_ours,
    limit=_limit,
)
