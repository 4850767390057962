"""Tables `executions` and `totals`: the fold of each execution's log, one row an execution, and how many there are.

What an execution was started with (id, workflow, version, principal, narrowing, priority, labels) never
changes; everything else is the fold of its log. A row's `sequence` may be older than its log, since events
that change nothing here do not touch it. Waits and running bodies stand in no column: the log has them.

A place is a state of a workflow: (state, namespace, name). Pages are cut out of places, so that they cost
what they hold and not what the table holds.

`labels` and `narrowing` are JSON text.
"""

import json
from collections.abc import Collection, Mapping
from heapq import merge
from itertools import islice
from typing import Final

from flux.core.execution import Execution, State
from flux.errors import NotFound, StaleLease
from flux.store.database import Reader, Row, Transaction

_COLUMNS: Final = (
    "key, id, namespace, name, version, principal, state, sequence, fence, worker, deaths, alone, priority, "
    "created, updated, started, finished, reason, narrowing"
)
_INSERT: Final = """
    INSERT INTO executions (key, id, namespace, name, version, principal, state, sequence, fence, worker, deaths, alone,
                            priority, created, updated, started, finished, reason, narrowing, labels)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_UPDATE: Final = """
    UPDATE executions
       SET state = ?, sequence = ?, fence = ?, worker = ?, deaths = ?, alone = ?,
           updated = ?, started = ?, finished = ?, reason = ?
     WHERE key = ? AND fence <= ?
"""
_UNLOAD: Final = "UPDATE executions SET worker = NULL WHERE state IN ('WAITING', 'PAUSED') AND worker IS NOT NULL"
_BY_ID: Final = f"SELECT {_COLUMNS} FROM executions WHERE id = :id"
_EXISTS: Final = "SELECT 1 FROM executions WHERE id = :id"
_OPEN: Final = f"""
    SELECT {_COLUMNS} FROM executions
     WHERE state IN ('QUEUED', 'RUNNING', 'WAITING', 'PAUSED', 'CANCELLING') ORDER BY key
"""
_VISIBLE: Final = "(:visible IS NULL OR namespace || '/' || name IN (SELECT value FROM json_each(:visible)))"
_BEGINNING: Final = f"SELECT id FROM executions WHERE id >= :low AND id < :high AND {_VISIBLE} ORDER BY id LIMIT 2"
_ENDING: Final = f"""
    SELECT id FROM executions WHERE key > :oldest AND id LIKE :pattern AND {_VISIBLE} ORDER BY key DESC LIMIT 2
"""
_PAGE: Final = f"SELECT {_COLUMNS} FROM executions WHERE key < :before ORDER BY key DESC LIMIT :limit"
_PAGE_OF: Final = f"""
    SELECT {_COLUMNS} FROM executions
     WHERE state = :state AND namespace = :namespace AND name = :name AND key < :before
     ORDER BY key DESC LIMIT :limit
"""
_PAGE_AMONG: Final = f"""
    SELECT {_COLUMNS} FROM executions
     WHERE key < :before AND state || '/' || namespace || '/' || name IN (SELECT value FROM json_each(:places))
     ORDER BY key DESC LIMIT :limit
"""
_ADD: Final = """
    INSERT INTO totals (state, namespace, name, number) VALUES (?, ?, ?, ?)
        ON CONFLICT (state, namespace, name) DO UPDATE SET number = number + excluded.number
"""
_TOTALS: Final = "SELECT state, namespace, name, number FROM totals WHERE number > 0"
_COUNTED: Final = "SELECT state, namespace, name, count(*) FROM executions GROUP BY state, namespace, name"
MAX_PLACES: Final = 64  # above it, reading row by row finds enough of them soon
RECENT: Final = 20_000  # executions that are found by the end of their id: each must be looked at
Place = tuple[State, str, str]

_LAST_KEY: Final = "SELECT coalesce(max(key), 0) FROM executions"
_LABELS: Final = "SELECT labels FROM executions WHERE key = :key"
_REMEMBER: Final = """
    INSERT INTO idempotency (namespace, name, principal, key, digest, execution)
    VALUES (:namespace, :name, :principal, :key, :digest, :execution)
"""
_REMEMBERED: Final = """
    SELECT i.digest, e.id FROM idempotency AS i JOIN executions AS e ON e.key = i.execution
     WHERE i.namespace = :namespace AND i.name = :name AND i.principal = :principal AND i.key = :key
"""


def insert(tx: Transaction, new: Execution, labels: str | None) -> None:
    """Write the row of a new execution. `labels`: JSON text of an object, or None."""
    row = (
        new.key, new.id, new.namespace, new.name, new.version, new.principal, new.state, new.sequence, new.fence,
        new.worker, new.deaths, new.alone, new.priority, new.created, new.updated, new.started, new.finished,
        new.reason, None if new.narrowing is None else json.dumps(new.narrowing), labels,
    )  # fmt: skip
    tx.many(_INSERT, (row,))


def update(tx: Transaction, new: Execution) -> None:
    """Write what can change of an execution.

    Raises:
        StaleLease: the row carries a newer fencing token, or is gone; it is left alone.
    """
    row = (
        new.state, new.sequence, new.fence, new.worker, new.deaths, new.alone, new.updated, new.started, new.finished,
        new.reason, new.key, new.fence,
    )  # fmt: skip
    tx.many(_UPDATE, (row,))
    if tx.touched != 1:
        raise StaleLease(f"execution {new.id} was granted anew after fence {new.fence}", execution=new.id)


def unload_resting(tx: Transaction) -> None:
    """Note that what rests is loaded nowhere: no worker of an earlier daemon lives."""
    tx.execute(_UNLOAD)


def get(reader: Reader, execution: str) -> Execution:
    """The row of an execution, without waits and bodies.

    Raises:
        NotFound: there is none.
    """
    row = reader.one(_BY_ID, id=execution)
    if row is None:
        raise NotFound(f"there is no execution {execution}", execution=execution)
    return _record(row)


def exists(reader: Reader, execution: str) -> bool:
    """Whether there is an execution of this id."""
    return reader.one(_EXISTS, id=execution) is not None


def open_ones(reader: Reader) -> list[Execution]:
    """Every execution that has not ended, oldest first, without waits and bodies."""
    return [_record(row) for row in reader.all(_OPEN)]


def resembling(reader: Reader, text: str, visible: str | None) -> list[str]:
    """At most two ids that start with `text`, or else end with it and are among the newest.

    `visible`: JSON text of a list of `namespace/name`: no others are found; None: all.
    """
    if not (text.isascii() and text.isalnum()):  # no id holds anything else, and for LIKE it would mean something
        return []
    text = text.upper()
    found = reader.all(_BEGINNING, low=text, high=text + "~", visible=visible)
    if not found:
        found = reader.all(_ENDING, oldest=last_key(reader) - RECENT, pattern="%" + text, visible=visible)
    return [str(row[0]) for row in found]


def page(reader: Reader, *, places: Collection[Place] | None, before: int, limit: int) -> list[Execution]:
    """The newest rows with a key below `before`. `places`: only what stands in one of them; None: everything."""
    if places is None:
        return [_record(row) for row in reader.all(_PAGE, before=before, limit=limit)]
    if len(places) > MAX_PLACES:
        among = json.dumps(["/".join(place) for place in places])
        return [_record(row) for row in reader.all(_PAGE_AMONG, places=among, before=before, limit=limit)]
    found = [
        reader.all(_PAGE_OF, state=state, namespace=namespace, name=name, before=before, limit=limit)
        for state, namespace, name in places
    ]
    return [_record(row) for row in islice(merge(*found, reverse=True), limit)]  # a row begins with its key


def add_to_totals(tx: Transaction, differences: Mapping[Place, int]) -> None:
    """Note that so many more, or less, stand in these places."""
    tx.many(_ADD, [(*place, number) for place, number in differences.items() if number])


def totals(reader: Reader) -> dict[Place, int]:
    """How many executions stand in each place, as whoever changed them says."""
    return _by_place(reader.all(_TOTALS))


def counted(reader: Reader) -> dict[Place, int]:
    """How many executions stand in each place, counted. Reads the whole index."""
    return _by_place(reader.all(_COUNTED))


def last_key(reader: Reader) -> int:
    """The highest key in the file, 0 in an empty one."""
    return _int(reader.one(_LAST_KEY))


def labels(reader: Reader, key: int) -> str | None:
    """The labels of an execution as JSON text, or None."""
    row = reader.one(_LABELS, key=key)
    return None if row is None or row[0] is None else str(row[0])


def remember(
    tx: Transaction, *, namespace: str, name: str, principal: str, key: str, digest: bytes, execution: int
) -> None:
    """Note which execution an idempotency key made. `digest`: of the input."""
    tx.execute(
        _REMEMBER, namespace=namespace, name=name, principal=principal, key=key, digest=digest, execution=execution
    )


def remembered(reader: Reader, *, namespace: str, name: str, principal: str, key: str) -> tuple[bytes, str] | None:
    """Digest of the input and id of the execution that this idempotency key made, or None."""
    row = reader.one(_REMEMBERED, namespace=namespace, name=name, principal=principal, key=key)
    if row is None or not isinstance(row[0], bytes):
        return None
    return row[0], str(row[1])


def _record(row: Row) -> Execution:
    (
        key, identity, namespace, name, version, principal, state, sequence, fence, worker, deaths, alone, priority,
        created, updated, started, finished, reason, narrowing,
    ) = row  # fmt: skip
    return Execution(
        key=_number(key),
        id=str(identity),
        namespace=str(namespace),
        name=str(name),
        version=str(version),
        principal=str(principal),
        state=State(str(state)),
        sequence=_number(sequence),
        fence=_number(fence),
        worker=None if worker is None else str(worker),
        deaths=_number(deaths),
        alone=bool(alone),
        priority=_number(priority),
        created=_number(created),
        updated=_number(updated),
        started=_number(started),
        finished=_number(finished),
        reason=None if reason is None else str(reason),
        narrowing=None if narrowing is None else tuple(json.loads(str(narrowing))),
        bodies={},
        waits={},
    )


def _by_place(rows: list[Row]) -> dict[Place, int]:
    return {(State(str(state)), str(namespace), str(name)): _number(number) for state, namespace, name, number in rows}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _int(row: Row | None) -> int:
    return 0 if row is None else _number(row[0])
