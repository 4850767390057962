"""Tables `facts` and `processes`: the daemon's epoch, and which processes of it may still live."""

from typing import Final

from flux.store.database import Reader, Transaction

_RAISE: Final = "UPDATE facts SET value = value + 1 WHERE name = 'epoch' RETURNING value"
_EPOCH: Final = "SELECT value FROM facts WHERE name = 'epoch'"
_ADD: Final = "INSERT OR REPLACE INTO processes (pid, start, kind) VALUES (:pid, :start, :kind)"
_DROP: Final = "DELETE FROM processes WHERE pid = :pid AND start = :start"
_CLEAR: Final = "DELETE FROM processes"
_ALL: Final = "SELECT pid, start FROM processes"


def raise_epoch(tx: Transaction) -> int:
    """The epoch of the daemon that starts now: one more than that of the last."""
    row = tx.one(_RAISE)
    return row[0] if row is not None and isinstance(row[0], int) else 0


def epoch(reader: Reader) -> int:
    """The epoch of the last daemon that started."""
    row = reader.one(_EPOCH)
    return row[0] if row is not None and isinstance(row[0], int) else 0


def add(tx: Transaction, pid: int, start: int, kind: str) -> None:
    """Note a process. `start`: its start time in clock ticks since boot: pids are used again."""
    tx.execute(_ADD, pid=pid, start=start, kind=kind)


def drop(tx: Transaction, pid: int, start: int) -> None:
    """Forget a process that has been reaped."""
    tx.execute(_DROP, pid=pid, start=start)


def clear(tx: Transaction) -> None:
    """Forget all processes: they have been ended."""
    tx.execute(_CLEAR)


def everything(reader: Reader) -> list[tuple[int, int]]:
    """(pid, start) of every noted process."""
    return [(int(pid or 0), int(start or 0)) for pid, start in reader.all(_ALL)]
