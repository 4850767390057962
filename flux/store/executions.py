"""Table `executions`: the fold of each execution's log, one row an execution.

`labels` are JSON text; a row's `sequence` may be older than its log, since events that change nothing
here do not touch it. Waits and running bodies stand in no column: the log has them.
"""

from typing import Final

from flux.core.execution import Execution, State
from flux.errors import NotFound
from flux.store.database import Reader, Row, Transaction

_COLUMNS: Final = (
    "key, id, namespace, name, version, principal, state, sequence, fence, worker, deaths, alone, priority, "
    "created, updated, started, finished, reason"
)
_INSERT: Final = """
    INSERT INTO executions (key, id, namespace, name, version, principal, state, sequence, fence, worker, deaths, alone,
                            priority, created, updated, started, finished, reason, labels)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_UPDATE: Final = """
    UPDATE executions
       SET state = ?, sequence = ?, fence = ?, worker = ?, deaths = ?, alone = ?,
           updated = ?, started = ?, finished = ?, reason = ?
     WHERE key = ? AND fence <= ?
"""
_BY_ID: Final = f"SELECT {_COLUMNS} FROM executions WHERE id = :id"
_OPEN: Final = f"SELECT {_COLUMNS} FROM executions WHERE state NOT IN ('COMPLETED', 'FAILED', 'CANCELLED') ORDER BY key"
_LIKE: Final = "SELECT id FROM executions WHERE id >= :low AND id < :high ORDER BY id LIMIT 3"
_ENDING: Final = "SELECT id FROM executions WHERE id LIKE :pattern ORDER BY key DESC LIMIT 3"
_PAGE: Final = f"""
    SELECT {_COLUMNS} FROM executions
     WHERE key < :before
       AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
       AND (:namespace IS NULL OR namespace = :namespace)
       AND (:name IS NULL OR name = :name)
     ORDER BY key DESC LIMIT :limit
"""
_COUNT: Final = """
    SELECT count(*) FROM executions
     WHERE (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
       AND (:namespace IS NULL OR namespace = :namespace)
       AND (:name IS NULL OR name = :name)
"""
_STATES: Final = "SELECT state, count(*) FROM executions GROUP BY state"
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
        new.reason, labels,
    )  # fmt: skip
    tx.many(_INSERT, (row,))


def update(tx: Transaction, new: Execution) -> None:
    """Write what can change of an execution. A row with a newer fencing token is left alone."""
    row = (
        new.state, new.sequence, new.fence, new.worker, new.deaths, new.alone, new.updated, new.started, new.finished,
        new.reason, new.key, new.fence,
    )  # fmt: skip
    tx.many(_UPDATE, (row,))


def get(reader: Reader, execution: str) -> Execution:
    """The row of an execution, without waits and bodies.

    Raises:
        NotFound: there is none.
    """
    row = reader.one(_BY_ID, id=execution)
    if row is None:
        raise NotFound(f"there is no execution {execution}", execution=execution)
    return _record(row)


def open_ones(reader: Reader) -> list[Execution]:
    """Every execution that has not ended, oldest first, without waits and bodies."""
    return [_record(row) for row in reader.all(_OPEN)]


def resembling(reader: Reader, text: str) -> list[str]:
    """At most three ids that start or end with `text`."""
    text = text.upper()
    found = [str(row[0]) for row in reader.all(_LIKE, low=text, high=text + "~")]
    if found:
        return found
    escaped = text.replace("%", "").replace("_", "")
    return [str(row[0]) for row in reader.all(_ENDING, pattern="%" + escaped)]


def page(
    reader: Reader,
    *,
    states: str | None,
    namespace: str | None,
    name: str | None,
    before: int,
    limit: int,
) -> list[Execution]:
    """The newest rows with a key below `before`. `states`: JSON text of a list, or None for all."""
    rows = reader.all(_PAGE, states=states, namespace=namespace, name=name, before=before, limit=limit)
    return [_record(row) for row in rows]


def count(reader: Reader, *, states: str | None, namespace: str | None, name: str | None) -> int:
    """How many rows the filter lets through."""
    row = reader.one(_COUNT, states=states, namespace=namespace, name=name)
    return _int(row)


def count_by_state(reader: Reader) -> dict[State, int]:
    """How many executions stand in each state."""
    return {State(str(state)): int(number or 0) for state, number in reader.all(_STATES)}


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
        created, updated, started, finished, reason,
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
        bodies={},
        waits={},
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _int(row: Row | None) -> int:
    return 0 if row is None else _number(row[0])
