"""Processes of a daemon that may outlive it: noted when they start, ended by the next daemon."""

from flux.store import processes
from flux.store.database import Reader, Transaction


def note(tx: Transaction, pid: int, start: int, kind: str) -> None:
    """A process exists."""
    processes.add(tx, pid, start, kind)


def forget(tx: Transaction, pid: int, start: int, kind: str) -> None:
    """A process is dead and reaped."""
    processes.drop(tx, pid, start)


def noted(reader: Reader) -> list[tuple[int, int]]:
    """(pid, start time in ticks) of all that may still live."""
    return processes.everything(reader)
