"""W4: 5,000 tasks one after the other: what the last cost beside the first, and coming back after `kill -9`.

The tasks take the time themselves. Coming back is the time from the daemon's death to the first body that
runs again: a new daemon, new workers, the whole history replayed. No finished task may run again.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from tests.bench.connection import Connection, request
from tests.bench.daemon import Daemon, daemon, fresh_folder
from tests.bench.prototype import limit_of
from tests.bench.workload import Figure, Sample, Size, Workload


def _ours(size: Size, syncs: bool) -> Sample:
    with fresh_folder() as folder:
        mark = folder / "mark"
        under_test = Daemon(folder)
        try:
            execution = _start(under_test, size.history, mark)
            _await(mark, folder)
        finally:
            under_test.kill()
        killed = time.monotonic()
        with daemon(folder) as again:
            connection = Connection(again.socket)
            found = connection.get(f"/executions/{execution}?wait=60")
    assert found["state"] == "COMPLETED", found
    stamps, resumed = found["output"]["stamps"], found["output"]["resumed"]  # type: ignore[index]  # what `long` gives
    assert resumed["bodies"] == 0, f"{resumed['bodies']} finished tasks ran again"
    first = stamps[size.edge] - stamps[0]
    last = stamps[-1] - stamps[-1 - size.edge]
    return Sample(values={"W4": resumed["at"] - killed, "W4 growth": last / first})


def _start(under_test: Daemon, count: int, mark: Path) -> str:
    connection = under_test.connect()
    body = json.dumps({"count": count, "mark": str(mark)}).encode()
    return str(connection.ask(request("POST", "/workflows/default/long/run", body)).json()["execution_id"])


def _await(mark: Path, folder: Path) -> None:
    """Wait until the workflow stands where it is to be killed."""
    until = time.perf_counter() + 120
    while not mark.exists():
        if time.perf_counter() > until:
            raise RuntimeError((folder / "log").read_text(errors="replace")[-4000:])
        time.sleep(0.002)


def _limit(size: Size) -> Mapping[str, float]:
    found = limit_of("W4")
    return {"W4": found["recover_s"], "W4 growth": found["growth"]}


W4 = Workload(
    name="W4",
    figures=(
        Figure(key="W4", about="kill -9 at task 5,000, going on", unit="s", must=6, digits=2),
        Figure(key="W4 growth", about="last 500 tasks / first 500", unit="×", must=1.1, of_limit=False, digits=2),
    ),
    ours=_ours,
    limit=_limit,
)
