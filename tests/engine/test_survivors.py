"""Processes that may outlive their daemon."""

from flux.engine import survivors
from flux.store.database import Database


def test_the_next_daemon_knows_whom_to_end(database: Database):
    """Everything that was noted and not reaped, by pid and start."""
    tx = database.begin(0)
    survivors.note(tx, 7, 100, "worker")
    survivors.note(tx, 8, 200, "task")
    survivors.forget(tx, 7, 100, "worker")
    database.commit()

    assert survivors.noted(database.reader) == [(8, 200)]
