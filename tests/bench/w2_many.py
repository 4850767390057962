"""W2: 1,000 workflows of three tasks, 64 at a time; workflows a second, from the first byte to the last result.

In bulk: one request with a line for each. Apart from that: one request each, which waits for its result,
over 64 connections.
"""

import json
from collections.abc import Mapping
from selectors import EVENT_READ, DefaultSelector

from tests.bench.connection import Connection, request
from tests.bench.counts import timed
from tests.bench.daemon import daemon, fresh_folder
from tests.bench.prototype import limit_of
from tests.bench.workload import Figure, Sample, Size, Workload

_TASKS = 3
_ROUTE = "/workflows/default/sequential/run"


def _ours(size: Size, syncs: bool) -> Sample:
    # Two workers of 32 slots: what is in flight is then what the limit has in flight.
    with fresh_folder() as folder, daemon(folder, slots=size.in_flight // 2) as under_test:
        connection = under_test.connect()
        _bulk(connection, 2 * size.in_flight)
        done = timed(under_test, connection, lambda: _TASKS * _bulk(connection, size.workflows), syncs=syncs)
        connections = [Connection(under_test.socket) for _ in range(size.in_flight)]
        _each(connections, 2 * size.in_flight)
        each = timed(under_test, connection, lambda: _TASKS * _each(connections, size.workflows), syncs=False)
        for one in connections:
            one.close()
    return Sample(
        values={"W2": size.workflows / done.seconds, "W2 each": size.workflows / each.seconds}, counts=done.counts
    )


def _bulk(connection: Connection, count: int) -> int:
    """Submit so many in one request, and wait for the last result."""
    body = b"\n".join([str(_TASKS).encode()] * count)
    reply = connection.ask(request("POST", f"{_ROUTE}/batch", body, "application/x-ndjson"))
    lines = reply.body.splitlines()
    assert len(lines) == count, reply.body[-500:]
    last = str(json.loads(lines[-1])["execution_id"])
    while last:
        connection.get(f"/executions/{last}?wait=60")
        last = _unfinished(connection)
    return count


def _unfinished(connection: Connection) -> str:
    """One that has not ended; empty if all have."""
    items = connection.get("/executions?state=QUEUED&state=RUNNING&limit=1")["items"]
    assert isinstance(items, list)
    return str(items[0]["execution_id"]) if items else ""


def _each(connections: list[Connection], count: int) -> int:
    """Send so many requests, one at a time over each connection."""
    run = request("POST", f"{_ROUTE}/sync", str(_TASKS).encode())
    started = ended = 0
    with DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, EVENT_READ)
            connection.send(run)
            started += 1
        while ended < count:
            for key, _ in selector.select():
                connection = key.fileobj  # type: ignore[assignment]  # what was registered above
                if connection.feed() is None:
                    continue
                ended += 1
                if started < count:
                    connection.send(run)
                    started += 1
    return count


def _limit(size: Size) -> Mapping[str, float]:
    found = limit_of("W2")["workflows_s"]
    return {"W2": found, "W2 each": found}


W2 = Workload(
    name="W2",
    figures=(
        Figure(key="W2", about="1,000 workflows of 3 tasks, in bulk", unit="workflows/s", must=0.12, rising=True),
        Figure(
            key="W2 each",
            about="the same, one request each",
            unit="workflows/s",
            must=1000,
            of_limit=False,
            rising=True,
        ),
    ),
    ours=_ours,
    limit=_limit,
)
