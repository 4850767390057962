"""Table `timers`: timers that are open, with the instant at which each is due. A fired one is an event."""

from typing import Final, NamedTuple

from flux.store.database import Reader, Transaction

_OPEN: Final = "INSERT OR REPLACE INTO timers (execution, call, due, opened, parent) VALUES (?, ?, ?, ?, ?)"
_CLOSE: Final = "DELETE FROM timers WHERE execution = :execution AND call = :call"
_CLOSE_ALL: Final = "DELETE FROM timers WHERE execution = :execution"
_ALL: Final = """
    SELECT x.id, t.call, t.due, t.opened, t.parent FROM timers AS t JOIN executions AS x ON x.key = t.execution
"""
_OF: Final = """
    SELECT x.id, t.call, t.due, t.opened, t.parent FROM timers AS t JOIN executions AS x ON x.key = t.execution
     WHERE t.execution = :execution
"""


class Timer(NamedTuple):
    """One open timer: whose, its id there, when it is due, when it was opened, in whose body."""

    execution: str
    call: str
    due: int
    opened: int
    parent: str | None


def open_one(tx: Transaction, execution: int, call: str, due: int, parent: str | None) -> None:
    """Write an open timer; the same call again moves it."""
    tx.many(_OPEN, ((execution, call, due, tx.now, parent),))


def close(tx: Transaction, execution: int, call: str) -> None:
    """Remove a timer; one that is not there is no error."""
    tx.execute(_CLOSE, execution=execution, call=call)


def close_all(tx: Transaction, execution: int) -> None:
    """Remove all timers of an execution."""
    tx.execute(_CLOSE_ALL, execution=execution)


def everything(reader: Reader) -> list[Timer]:
    """All open timers of the file."""
    return [_record(row) for row in reader.all(_ALL)]


def of(reader: Reader, execution: int) -> list[Timer]:
    """The open timers of one execution."""
    return [_record(row) for row in reader.all(_OF, execution=execution)]


def _record(row: tuple[object, ...]) -> Timer:
    execution, call, due, opened, parent = row
    return Timer(
        str(execution),
        str(call),
        due if isinstance(due, int) else 0,
        opened if isinstance(opened, int) else 0,
        None if parent is None else str(parent),
    )
