"""The queue: who gets a worker next, and that nobody is ever forgotten."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flux.core.execution import State
from flux.engine import executions, grants, principals
from flux.engine.executions import Cancel
from flux.engine.grants import Death
from flux.engine.live import Overlay
from flux.engine.queue import MAX_GRANTS, Queue
from flux.errors import DiskFull, NotFound, StorageError
from flux.store.database import Database, Transaction
from flux.testing.faulty_disk import FaultyDisk
from tests.engine.desk import CALLER, Desk


@dataclass
class Places:
    """Workers as a test wants them. `asked`: the executions for which a worker of their own was wanted."""

    workers: list[str] = field(default_factory=list)
    own_ones: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: Exception | None = None

    def shared(self) -> list[str]:
        """Workers that take anything."""
        if self.broken is not None:
            raise self.broken
        return self.workers

    def own(self, execution: str) -> str | None:
        """The worker that was started for this execution."""
        self.asked.append(execution)
        return self.own_ones.get(execution)


@pytest.fixture
def places() -> Places:
    """No worker at all."""
    return Places()


@pytest.fixture
def small(database: Database, places: Places) -> Desk:
    """An engine with a queue, whose workers have two slots each."""
    desk = Desk.over(database, slots=2)
    desk.gate.at_end_of_batch(Queue(places, desk.tokens).place)
    return desk


@pytest.fixture
async def desk(small: Desk) -> Desk:
    """The same, with the workflow `default/work`."""
    await small.register("work")
    return small


async def again(desk: Desk) -> None:
    """A batch in which nothing happens, so that the queue is looked at."""
    await desk.gate.write(_nothing)


def worker_of(desk: Desk, identity: str) -> str | None:
    """Where an execution is loaded."""
    return desk.execution(identity).worker


async def lose(desk: Desk, worker: str, cause: str = "lease") -> None:
    """Take everything back from a worker."""
    await desk.gate.write(grants.recover, worker, Death(cause=cause))


# ---------------------------------------------------------------------- order


async def test_a_submitted_execution_is_granted_in_the_same_commit(desk: Desk, places: Places) -> None:
    """If there is a slot: no second commit, no second batch."""
    places.workers = ["w1"]
    before = desk.gate.counters.commits
    execution = await desk.submit()

    assert desk.gate.counters.commits == before + 1
    assert worker_of(desk, execution.id) == "w1"


async def test_priority_goes_before_age(desk: Desk, places: Places) -> None:
    """Among those of one priority the oldest is first."""
    low, first, second, high = [await desk.submit(priority=priority) for priority in (-1, 0, 0, 5)]
    order = []
    for worker in ("w1", "w2"):
        places.workers = [worker]
        await again(desk)
        order.append({one.id for one in (low, first, second, high) if worker_of(desk, one.id) == worker})

    assert order == [{high.id, first.id}, {second.id, low.id}]


async def test_what_was_taken_back_keeps_its_age(desk: Desk, places: Places) -> None:
    """It does not go to the end of the queue for having been interrupted."""
    places.workers = ["w1"]
    old = await desk.submit()
    places.workers = []
    young = [await desk.submit() for _ in range(2)]
    await lose(desk, "w1")
    places.workers = ["w2"]
    await again(desk)

    assert [worker_of(desk, execution.id) for execution in (old, *young)] == ["w2", "w2", None]


async def test_the_freest_worker_is_next(desk: Desk, places: Places) -> None:
    """So the work is spread."""
    places.workers = ["w1", "w2", "w3"]
    made = [await desk.submit() for _ in range(6)]

    spread = [worker_of(desk, execution.id) for execution in made]
    assert sorted(str(worker) for worker in spread) == ["w1", "w1", "w2", "w2", "w3", "w3"]


async def test_full_workers_get_nothing_more(desk: Desk, places: Places) -> None:
    """The rest waits for a slot, and gets it."""
    places.workers = ["w1"]
    made = [await desk.submit() for _ in range(3)]
    before = [worker_of(desk, execution.id) for execution in made]
    places.workers = ["w1", "w2"]
    await again(desk)

    assert before == ["w1", "w1", None]
    assert [worker_of(desk, execution.id) for execution in made] == ["w1", "w1", "w2"]


async def test_a_held_queue_grants_nothing(database: Database, places: Places) -> None:
    """While the daemon stops; what is queued then is not forgotten."""
    desk = Desk.over(database)
    queue = Queue(places, desk.tokens)
    desk.gate.at_end_of_batch(queue.place)
    await desk.register("work")
    places.workers = ["w1"]
    queue.held = True
    execution = await desk.submit()
    held = worker_of(desk, execution.id)
    queue.held = False
    await again(desk)

    assert (held, worker_of(desk, execution.id)) == (None, "w1")


async def test_a_flood_is_granted_in_pieces(database: Database, places: Places) -> None:
    """So that reports of the same batch need not wait behind it."""
    desk = Desk.over(database, slots=10_000)
    desk.gate.at_end_of_batch(Queue(places, desk.tokens).place)
    await desk.register("work")
    places.workers = ["w1"]
    await asyncio.gather(*(desk.submit() for _ in range(MAX_GRANTS + 10)))
    first = desk.gate.live.busy["w1"]
    await again(desk)

    assert (first, desk.gate.live.busy["w1"]) == (MAX_GRANTS, MAX_GRANTS + 10)


# ---------------------------------------------------------------------- alone


async def suspected(desk: Desk, places: Places) -> str:
    """An execution that died with its worker and must be alone next."""
    shared, places.workers = places.workers, ["w9"]
    execution = await desk.submit(priority=100)
    places.workers = []
    await lose(desk, "w9", "crash")
    places.workers = shared
    return execution.id


async def test_who_must_be_alone_gets_a_worker_of_its_own(desk: Desk, places: Places) -> None:
    """It is asked for until it is there; a shared one with free slots will not do."""
    places.workers = ["w1"]
    alone = await suspected(desk, places)
    await again(desk)
    without = worker_of(desk, alone)
    places.own_ones[alone] = "own1"
    await again(desk)

    assert without is None
    assert set(places.asked) == {alone}
    assert worker_of(desk, alone) == "own1"


async def test_who_waits_for_a_worker_of_its_own_blocks_nobody(desk: Desk, places: Places) -> None:
    """However high its priority is."""
    alone = await suspected(desk, places)
    places.workers = ["w1"]
    behind = await desk.submit(priority=-100)

    assert worker_of(desk, alone) is None
    assert worker_of(desk, behind.id) == "w1"


async def test_full_workers_do_not_block_who_has_one_of_its_own(desk: Desk, places: Places) -> None:
    """Though everything in front of it waits for a slot."""
    alone = await suspected(desk, places)
    for _ in range(5):
        await desk.submit(priority=1_000)
    places.own_ones[alone] = "own1"
    await again(desk)

    assert worker_of(desk, alone) == "own1"


# ---------------------------------------------------------------------- nobody is forgotten


async def test_what_was_cancelled_while_it_waited_is_passed_over(desk: Desk, places: Places) -> None:
    """Those behind it move up."""
    gone, behind = await desk.submit(), await desk.submit()
    await desk.gate.write(executions.cancel, Cancel(execution=gone.id, caller=CALLER))
    places.workers = ["w1"]
    await again(desk)

    assert desk.execution(gone.id).state is State.CANCELLED
    assert worker_of(desk, behind.id) == "w1"


async def test_a_submission_that_failed_is_not_queued(desk: Desk, places: Places) -> None:
    """Its rows are gone, and its neighbour in the batch gets the slot."""

    def torn(tx: Transaction, live: Overlay) -> None:
        executions.submit(tx, live, executions.Submit(namespace="default", name="work", input=b"1", caller=CALLER))
        raise NotFound("on purpose")

    places.workers = ["w1"]
    failed, made = await asyncio.gather(desk.gate.write(torn), desk.submit(), return_exceptions=True)

    assert isinstance(failed, NotFound)
    assert not isinstance(made, BaseException)
    assert worker_of(desk, made.id) == "w1"
    assert desk.gate.live.busy["w1"] == 1


async def test_a_batch_that_fails_loses_nothing(tmp_path: Path, places: Places) -> None:
    """What had been taken from the queue for it is taken again by the next, in the same order."""
    with FaultyDisk.registered() as disk:
        database = Database.open(tmp_path / "flux.db", vfs=disk.name)
        desk = Desk.over(database, slots=1)
        desk.gate.at_end_of_batch(Queue(places, desk.tokens).place)
        await desk.register("work")
        first, second = await desk.submit(), await desk.submit()
        places.workers = ["w1"]
        disk.full = True
        with pytest.raises(DiskFull):
            await again(desk)
        lost = worker_of(desk, first.id), desk.gate.live.busy.get("w1", 0)
        disk.full = False
        await again(desk)

        assert lost == (None, 0)
        assert (worker_of(desk, first.id), worker_of(desk, second.id)) == ("w1", None)
        assert desk.gate.live.busy["w1"] == 1
        database.close()


@pytest.mark.parametrize("error", [StorageError("on purpose"), RuntimeError("on purpose")], ids=["ours", "a bug"])
async def test_a_failing_look_at_the_queue_loses_nothing(
    desk: Desk, places: Places, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """Nobody waits for its result, so the log says it; the batch stands, and the next look finds everybody."""
    alone = await suspected(desk, places)
    made = [await desk.submit() for _ in range(2)]
    places.broken = error
    await again(desk)
    places.broken = None
    places.workers = ["w1"]
    places.own_ones[alone] = "own1"
    await again(desk)

    assert "a write failed in a way nobody foresaw" in caplog.text
    assert [worker_of(desk, execution.id) for execution in made] == ["w1", "w1"]
    assert worker_of(desk, alone) == "own1"


async def test_an_execution_of_a_disabled_principal_ends_in_its_turn(desk: Desk, places: Places) -> None:
    """No worker ever sees it, and those behind it are granted in the same look."""
    bot = await desk.caller("bot", "workflow:default:work:*")
    theirs, mine = await desk.submit(caller=bot), await desk.submit()
    await desk.gate.write(principals.disable, bot.principal.id, CALLER)
    places.workers = ["w1"]
    await again(desk)

    ended = desk.execution(theirs.id)
    assert (ended.state, ended.reason, ended.fence) == (State.FAILED, "denied", 0)
    assert worker_of(desk, mine.id) == "w1"
    assert desk.gate.live.queued == 0


async def test_a_new_daemon_queues_what_it_finds(desk: Desk, database: Database) -> None:
    """In the old order."""
    low, high = await desk.submit(), await desk.submit(priority=1)
    new = Desk.over(database, slots=1)
    new.gate.at_end_of_batch(Queue(Places(workers=["w1"]), new.tokens).place)
    await new.gate.write(grants.restart)

    assert (worker_of(new, high.id), worker_of(new, low.id)) == ("w1", None)


def _nothing(tx: Transaction, live: Overlay) -> None:
    """Only a batch."""
