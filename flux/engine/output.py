"""Writing captured output of user code."""

from collections.abc import Sequence
from typing import NamedTuple

from flux.engine.live import Overlay
from flux.errors import NotFound
from flux.store import logs
from flux.store.database import Transaction


class Line(NamedTuple):
    """A piece of output and where it came from. `call` None: the workflow itself."""

    execution: str
    call: str | None
    attempt: int
    stream: str
    instant: int
    text: str


class Printed(NamedTuple):
    """Effect: the oldest `lines` of those that waited are written."""

    lines: int


def append(tx: Transaction, live: Overlay, lines: Sequence[Line]) -> None:
    """Write lines in their order; those of executions that do not exist are dropped. Rings with `Printed`."""
    if not lines:
        return
    keys: dict[str, int] = {}
    rows = []
    for line in lines:
        if line.execution not in keys:
            try:
                keys[line.execution] = live.execution(tx, line.execution).key
            except NotFound:
                keys[line.execution] = 0
        if keys[line.execution]:
            rows.append((keys[line.execution], line.call, line.attempt, line.stream, line.instant, line.text))
    logs.append(tx, rows)
    live.effect(Printed(len(lines)))
