"""Rows of processes that may live, and the daemon's epoch."""

from flux.store import processes


def test_every_daemon_that_starts_raises_the_epoch(tx):
    """So the one before it can notice that it was replaced."""
    before = processes.epoch(tx)

    assert [processes.raise_epoch(tx), processes.raise_epoch(tx)] == [before + 1, before + 2]
    assert processes.epoch(tx) == before + 2


def test_a_process_is_known_by_its_pid_and_its_start(tx):
    """Pids are used again: a later process of the same number is another one."""
    processes.add(tx, 7, 100, "worker")
    processes.add(tx, 7, 200, "task")
    processes.add(tx, 7, 200, "task")
    processes.drop(tx, 7, 100)
    processes.drop(tx, 7, 999)

    assert processes.everything(tx) == [(7, 200)]


def test_a_new_daemon_forgets_them_all(tx):
    """It has ended them."""
    processes.add(tx, 7, 100, "worker")
    processes.clear(tx)

    assert processes.everything(tx) == []
