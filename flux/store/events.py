"""Table `events`: the log. Rows are only added here; nothing changes one.

`history` gives rows in the shape of a worker's history, untouched, since ten thousand of them must
cross to a worker without a Python object each.
"""

from collections.abc import Iterable
from typing import Final

from flux.core.events import BY_NUMBER, NUMBERS, Event
from flux.store.database import Reader, Row, Transaction

_APPEND: Final = """
    INSERT INTO events (position, execution, sequence, type, instant, call, parent, name, attempt, seen, digest,
                        actor, worker, detail, payload)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_HISTORY: Final = """
    SELECT sequence, type, instant, call, parent, name, attempt, seen, digest, detail, payload
      FROM events WHERE execution = :execution ORDER BY position
"""
_OF: Final = """
    SELECT position, sequence, type, instant, call, parent, name, attempt, seen, digest, actor, worker, detail, payload
      FROM events WHERE execution = :execution AND position > :after ORDER BY position LIMIT :limit
"""
_ALL: Final = """
    SELECT e.position, e.sequence, e.type, e.instant, e.call, e.parent, e.name, e.attempt, e.seen, e.digest, e.actor,
           e.worker, e.detail, e.payload, x.id
      FROM events AS e JOIN executions AS x ON x.key = e.execution
     WHERE e.position > :after ORDER BY e.position LIMIT :limit
"""
_LAST: Final = """
    SELECT position, sequence, type, instant, call, parent, name, attempt, seen, digest, actor, worker, detail, payload
      FROM events WHERE execution = :execution AND type IN (SELECT value FROM json_each(:types))
     ORDER BY position DESC LIMIT 1
"""
# 9, 24, 40, 41, 42: WORKFLOW_CANCELLING, TASK_DENIED, PAUSE_OPENED, PAUSE_CLOSED, TIMER_FIRED
_WAITS: Final = """
    SELECT position, sequence, type, instant, call, parent, name, attempt, seen, digest, actor, worker, detail, payload
      FROM events WHERE execution = :execution AND type IN (9, 24, 40, 41, 42) ORDER BY position
"""
_LAST_POSITION: Final = "SELECT coalesce(max(position), 0) FROM events"
_LAST_SEQUENCE: Final = "SELECT sequence FROM events WHERE execution = :execution ORDER BY position DESC LIMIT 1"


def append(tx: Transaction, execution: int, events: Iterable[Event]) -> None:
    """Write events that already carry their position and sequence."""
    rows = [
        (
            e.position, execution, e.sequence, NUMBERS[e.type], e.instant, e.call, e.parent, e.name, e.attempt, e.seen,
            e.digest, e.actor, e.worker, e.detail, e.payload,
        )
        for e in events
    ]  # fmt: skip
    tx.many(_APPEND, rows)


def history(reader: Reader, execution: int) -> list[Row]:
    """The whole log of one execution, oldest first, with the columns of `wire.frames.Recorded`."""
    return reader.all(_HISTORY, execution=execution)


def of(reader: Reader, execution: int, *, after: int = 0, limit: int = -1) -> list[Event]:
    """Events of one execution after a position, oldest first; `limit` -1: all."""
    return [_record(row) for row in reader.all(_OF, execution=execution, after=after, limit=limit)]


def everything(reader: Reader, *, after: int, limit: int) -> list[tuple[str, Event]]:
    """(execution id, event) of the whole log after a position, oldest first."""
    return [(str(row[14]), _record(row[:14])) for row in reader.all(_ALL, after=after, limit=limit)]


def last(reader: Reader, execution: int, types: str) -> Event | None:
    """The newest event of one of these types. `types`: JSON text of a list of numbers."""
    row = reader.one(_LAST, execution=execution, types=types)
    return None if row is None else _record(row)


def waits_of(reader: Reader, execution: int) -> list[Event]:
    """Every input of one execution and every pause it opened, oldest first."""
    return [_record(row) for row in reader.all(_WAITS, execution=execution)]


def last_position(reader: Reader) -> int:
    """The highest position in the log, 0 in an empty one."""
    return _number(reader.one(_LAST_POSITION))


def last_sequence(reader: Reader, execution: int) -> int:
    """The highest sequence in the log of one execution."""
    return _number(reader.one(_LAST_SEQUENCE, execution=execution))


def _number(row: Row | None) -> int:
    return row[0] if row is not None and isinstance(row[0], int) else 0


def _record(row: Row) -> Event:
    position, sequence, kind, instant, call, parent, name, attempt, seen, digest, actor, worker, detail, payload = row
    return Event(
        type=BY_NUMBER[_int(kind)],
        position=_int(position),
        sequence=_int(sequence),
        instant=_int(instant),
        call=_text(call),
        parent=_text(parent),
        name=_text(name),
        attempt=_int(attempt),
        seen=_int(seen),
        digest=_bytes(digest),
        actor=_text(actor),
        worker=_text(worker),
        detail=_text(detail),
        payload=_bytes(payload),
    )


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _bytes(value: object) -> bytes | None:
    return value if isinstance(value, bytes) else None
