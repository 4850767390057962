"""The gate: one commit for all who wait, and nobody pays for another's failure."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from flux.engine.gate import CHECKPOINT_PAGES, IDLE_PAGES, MAX_BYTES, MAX_CALLS, MAX_WAITING, QUIET, STUCK
from flux.engine.live import Overlay
from flux.errors import Busy, DiskFull, NotFound, StorageFailed
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


class Told:
    """Takes the outcomes of calls, and lets a test wait for so many of them."""

    def __init__(self, then: Callable[[], None] | None = None) -> None:
        self.errors: list[BaseException | None] = []
        self._then = then
        self._news = asyncio.Event()

    def __call__(self, result: object, error: BaseException | None) -> None:
        self.errors.append(error)
        self._news.set()
        if self._then is not None:
            self._then()

    async def until(self, number: int) -> None:
        """Return when so many outcomes are there."""
        while len(self.errors) < number:
            self._news.clear()
            await self._news.wait()


def large(tx: Transaction, live: Overlay) -> None:
    """Write more than the log beside the file may hold."""
    for pid in range(200):
        processes.add(tx, pid, pid, "x" * 100_000)


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


async def test_a_program_that_holds_the_file_is_no_reason_to_stop(desk: Desk) -> None:
    """Nothing was written; who comes back later finds the file free."""
    desk.database._writer.set_busy_timeout(10)  # noqa: SLF001 - nobody wants to wait for five seconds
    other = apsw.Connection(desk.database.path)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(Busy):
        await desk.gate.write(note, 1)
    other.execute("ROLLBACK")
    other.close()

    assert await desk.gate.write(note, 2) == 2
    assert desk.fatal == []


async def test_a_full_disk_at_a_checkpoint_hurts_nobody(tmp_path: Path) -> None:
    """Everything is durable in the log beside the file: whoever was told that his write stands is told once."""
    with FaultyDisk.registered() as disk:
        database = Database.open(tmp_path / "flux.db", vfs=disk.name)
        desk = Desk.over(database)
        told = Told(then=lambda: setattr(disk, "full", True))
        desk.gate.submit(large, told)
        desk.gate.submit(large, told)
        await told.until(2)
        left = database.wal_pages
        disk.full = False
        await desk.gate.write(note, 1)

        assert told.errors == [None, None]
        assert desk.fatal == []
        assert left > CHECKPOINT_PAGES > database.wal_pages
        database.close()


async def test_a_disk_that_breaks_at_a_checkpoint_stops_the_gate(tmp_path: Path) -> None:
    """What is in the file now, nobody knows; the log beside it is sound, and the next start begins with that."""
    with FaultyDisk.registered() as disk:
        database = Database.open(tmp_path / "flux.db", vfs=disk.name)
        desk = Desk.over(database)
        told = Told(then=lambda: setattr(disk, "broken_sync", True))
        desk.gate.submit(large, told)
        await told.until(1)
        disk.broken_sync = False

        assert told.errors == [None]
        assert len(desk.fatal) == 1
        with pytest.raises(StorageFailed):
            await desk.gate.write(note, 1)
        database.close()
    again = Database.open(tmp_path / "flux.db")
    assert len(processes.everything(again.reader)) == 200
    again.close()


async def test_the_wal_is_folded_while_nobody_writes(desk: Desk) -> None:
    """Not in the middle of a burst, and not for a few pages."""

    def some(tx: Transaction, live: Overlay) -> None:
        for pid in range(60):
            processes.add(tx, pid, pid, "x" * 100_000)

    await desk.gate.write(some)
    pages = desk.database.wal_pages
    desk.gate.tidy()
    in_the_burst = desk.database.wal_pages
    desk.clock.advance(QUIET + 1)
    desk.gate.tidy()

    assert pages > IDLE_PAGES
    assert (in_the_burst, desk.database.wal_pages) == (pages, 0)


async def test_too_many_who_wait_are_sent_away(desk: Desk) -> None:
    """With when to come back; those who wait already are served."""
    told = Told()
    for _ in range(MAX_WAITING + 1):
        desk.gate.submit(lambda tx, live: None, told)
    await told.until(MAX_WAITING + 1)

    (refused,) = [error for error in told.errors if error is not None]
    assert isinstance(refused, Busy)
    assert refused.facts["retry_after"] == 1


async def test_a_batch_is_bounded_by_calls_and_by_weight(desk: Desk) -> None:
    """So that nobody waits for a commit of everything."""
    before = desk.gate.counters.commits
    told = Told()
    for _ in range(MAX_CALLS + 1):
        desk.gate.submit(lambda tx, live: None, told)
    for _ in range(3):
        desk.gate.submit(lambda tx, live: None, told, weight=MAX_BYTES)
    await told.until(MAX_CALLS + 4)

    assert desk.gate.counters.commits == before + 4


async def test_a_bug_in_a_call_is_its_callers_and_is_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Whole, with its traceback; the neighbours are written."""

    def bug(tx: Transaction, live: Overlay) -> None:
        raise ZeroDivisionError("on purpose")

    one, two = await asyncio.gather(desk.gate.write(bug), desk.gate.write(note, 2), return_exceptions=True)

    assert isinstance(one, ZeroDivisionError)
    assert two == 2
    assert "ZeroDivisionError: on purpose" in caplog.text


async def test_a_refusal_is_an_answer_and_no_news(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Only what nobody foresaw, or nobody hears, is logged."""
    with pytest.raises(NotFound):
        await desk.gate.write(fail, 1)

    assert caplog.text == ""


async def test_what_ends_a_batch_runs_after_all_calls_and_shares_their_commit(desk: Desk) -> None:
    """It sees what they did; what it raises takes nothing with it, and is logged since nobody waits for it."""
    seen: list[int] = []

    def last(tx: Transaction, live: Overlay) -> None:
        seen.append(len(processes.everything(tx)))
        processes.add(tx, 99, 99, "last")

    desk.gate.at_end_of_batch(last)
    before = desk.gate.counters.commits
    await asyncio.gather(desk.gate.write(note, 1), desk.gate.write(note, 2))

    assert seen == [2]
    assert desk.gate.counters.commits == before + 1
    assert (99, 99) in processes.everything(desk.database.reader)


async def test_a_watchdog_hears_the_truth(desk: Desk) -> None:
    """All is well while nothing waits, or something was committed lately."""
    await desk.gate.write(note, 1)
    well = desk.gate.is_sound
    waiting = asyncio.ensure_future(desk.gate.write(note, 2))
    await asyncio.sleep(0)
    desk.clock.advance(STUCK + 1)
    stuck = desk.gate.is_sound
    await waiting

    assert (well, stuck, desk.gate.is_sound) == (True, False, True)


async def test_a_caller_that_fails_at_its_result_takes_nobody_along(desk: Desk) -> None:
    """The others of its batch hear how they fared, and the bell rings for what was committed."""
    heard: list[int] = []
    desk.gate.on_commit(lambda committed: heard.append(len(committed.events)))

    def settle(result: object, error: BaseException | None) -> None:
        raise ZeroDivisionError

    desk.gate.submit(lambda tx, live: note(tx, live, 1), settle)
    execution = await desk.submit()

    assert heard == [1]
    assert desk.execution(execution.id).sequence == 1
