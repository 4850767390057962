"""The gate: one commit for all who wait, and nobody pays for another's failure."""

import asyncio
from pathlib import Path

import pytest

from flux.engine.live import Overlay
from flux.errors import DiskFull, NotFound, StorageFailed
from flux.store import processes
from flux.store.database import Database, Transaction
from flux.testing.faulty_disk import FaultyDisk
from tests.engine.desk import Desk


def note(tx: Transaction, live: Overlay, pid: int) -> int:
    """Write a row."""
    processes.add(tx, pid, 1, "test")
    return pid


def fail(tx: Transaction, live: Overlay, pid: int) -> None:
    """Write a row, then fail."""
    processes.add(tx, pid, 1, "test")
    live.numbers.key += 1000
    raise NotFound("on purpose")


def fill(tx: Transaction, live: Overlay, disk: FaultyDisk) -> None:
    """Write more than the page cache holds while the disk is full, so that SQLite must spill and fails."""
    disk.full = True
    tx.execute("PRAGMA cache_size = 1")
    tx.execute("PRAGMA cache_spill = 1")
    for pid in range(20_000):
        processes.add(tx, 1_000_000 + pid, pid, "x" * 500)


async def test_calls_of_one_turn_share_one_commit(desk: Desk) -> None:
    """A hundred callers, one fsync."""
    before = desk.gate.counters.commits

    results = await asyncio.gather(*(desk.gate.write(note, pid) for pid in range(100)))

    assert results == list(range(100))
    assert desk.gate.counters.commits == before + 1
    assert len(processes.everything(desk.database.reader)) == 100


async def test_a_call_that_fails_takes_nothing_else_with_it(desk: Desk) -> None:
    """Its rows and its overlay are gone, its neighbours' stay."""
    key = desk.gate.live.numbers.key

    first, second, third = await asyncio.gather(
        desk.gate.write(note, 1), desk.gate.write(fail, 2), desk.gate.write(note, 3), return_exceptions=True
    )

    assert (first, third) == (1, 3)
    assert isinstance(second, NotFound)
    assert sorted(pid for pid, _ in processes.everything(desk.database.reader)) == [1, 3]
    assert desk.gate.live.numbers.key == key


async def test_a_caller_that_leaves_leaves_no_half_write(desk: Desk) -> None:
    """A write is whole or not there, whoever waits for it."""
    waiting = asyncio.ensure_future(desk.gate.write(note, 1))
    await asyncio.sleep(0)
    waiting.cancel()

    await desk.gate.write(note, 2)

    assert sorted(pid for pid, _ in processes.everything(desk.database.reader)) == [1, 2]


async def test_listeners_hear_of_a_commit_only_after_it(desk: Desk) -> None:
    """What the bell tells can be read at once, and a failed call rings no bell."""
    heard: list[int] = []
    desk.gate.on_commit(lambda committed: heard.append(len(committed.events)))

    await desk.submit()
    await asyncio.gather(desk.gate.write(fail, 1), return_exceptions=True)

    assert heard == [1]


async def test_a_full_disk_under_one_call_spares_its_neighbours(tmp_path: Path) -> None:
    """SQLite ends the whole transaction; the neighbours run again and are written once space is there."""
    with FaultyDisk.registered() as disk:
        database = Database.open(tmp_path / "flux.db", vfs=disk.name)
        desk = Desk.over(database)

        async def culprit() -> None:
            await desk.gate.write(fill, disk)

        def give_room(tx: Transaction, live: Overlay) -> None:
            disk.full = False

        results = await asyncio.gather(
            desk.gate.write(give_room), desk.gate.write(note, 1), culprit(), desk.gate.write(note, 2),
            return_exceptions=True,
        )  # fmt: skip

        assert isinstance(results[2], DiskFull)
        assert (results[1], results[3]) == (1, 2)
        assert sorted(pid for pid, _ in processes.everything(database.reader)) == [1, 2]
        assert not desk.fatal
        database.close()


async def test_a_full_disk_at_commit_refuses_all_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """Nothing is acknowledged that is not written; the next batch is a new chance."""
    with FaultyDisk.registered() as disk:
        database = Database.open(tmp_path / "flux.db", vfs=disk.name)
        desk = Desk.over(database)
        await desk.register("work")
        disk.full = True

        refused = await asyncio.gather(*(desk.submit() for _ in range(3)), return_exceptions=True)
        disk.full = False
        accepted = await desk.submit()

        assert all(isinstance(one, DiskFull) for one in refused)
        assert not desk.fatal
        assert accepted.key == 1
        assert [execution.id for execution in desk.gate.live.executions.values()] == [accepted.id]
        database.close()


async def test_a_sync_that_fails_stops_the_gate_for_good(tmp_path: Path) -> None:
    """Nobody knows what is on a disk that did not sync: no retry, the daemon must recover from it."""
    with FaultyDisk.registered() as disk:
        database = Database.open(tmp_path / "flux.db", vfs=disk.name)
        desk = Desk.over(database)
        disk.broken_sync = True

        with pytest.raises(StorageFailed):
            await desk.gate.write(note, 1)
        disk.broken_sync = False
        with pytest.raises(StorageFailed):
            await desk.gate.write(note, 2)

        assert len(desk.fatal) == 1
        database.close()


async def test_a_daemon_that_was_replaced_writes_nothing_any_more(desk: Desk, tmp_path: Path) -> None:
    """The epoch in the file is another's: whoever finds that stops."""
    tx = desk.database.begin(0)
    processes.raise_epoch(tx)
    desk.database.commit()

    with pytest.raises(StorageFailed, match="another daemon"):
        await desk.gate.write(note, 1)

    assert processes.everything(desk.database.reader) == []
