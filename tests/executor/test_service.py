"""The executor: who gets what, and what becomes of it when a worker is lost. Over real pipes."""

import asyncio
import json
from collections.abc import Callable

from flux.core.events import Event, EventType
from flux.core.execution import Execution, State
from flux.engine import executions
from flux.engine.executions import Cancel, Resume
from flux.errors import Unreachable
from flux.store import events
from flux.testing.faulty_disk import FaultyDisk
from flux.wire.frames import (
    Ack,
    Drain,
    Grant,
    Heartbeat,
    History,
    Idle,
    Input,
    Release,
    Released,
    Source,
    Waiting,
    unpack_events,
)
from tests.engine.desk import CALLER, Desk, begin, end, fact
from tests.executor.strangers import Held, Stage, Stranger

_T = EventType


async def hold(stage: Stage, stranger: Stranger, *, parts: dict[str, object] | None = None) -> Held:
    """A new execution in the hands of a stranger, which has made its first report."""
    await stage.desk.submit()
    return await take(stranger, parts=parts)


async def take(stranger: Stranger, *, parts: dict[str, object] | None = None) -> Held:
    """The next grant of a stranger, which makes its first report."""
    held = Held(await stranger.hear(Grant))
    stranger.say(held.report(**(parts or {"begins": (begin("step#1"),)})))
    held.take(await stranger.hear(Ack))
    return held


def log_of(stage: Stage, held: Held) -> list[Event]:
    """Everything that has happened to an execution."""
    return events.of(stage.desk.database.reader, stage.desk.execution(held.grant.execution).key)


def told(stage: Stage, held: Held) -> list[dict[str, object]]:
    """Why the execution was taken back, each time."""
    return [json.loads(event.detail or "") for event in log_of(stage, held) if event.type is _T.WORKFLOW_RECOVERED]


def granted_again(fence: int) -> Callable[[Execution], bool]:
    """Whether an execution has that fence."""
    return lambda one: one.fence == fence


# ---------------------------------------------------------------------- granting


async def test_a_grant_comes_with_source_and_history(stage: Stage) -> None:
    """Everything that a worker needs, in the order in which it needs it; the source only once."""
    await stage.open()
    worker = stage.pool.strangers[0]
    first, second = await stage.desk.submit(), await stage.desk.submit()

    source = await worker.hear(Source)
    grant = await worker.hear(Grant)
    history = await worker.hear(History)
    rest = [await worker.hear_any() for _ in range(2)]

    assert (source.digest, grant.digest, grant.execution, grant.fence) == ("d1", "d1", first.id, 1)
    assert history.last
    assert [event.sequence for event in unpack_events(history.events)] == [1, 2]
    assert [type(frame) for frame in rest] == [Grant, History]
    assert stage.desk.execution(second.id).worker == worker.id


async def test_executions_spread_over_the_workers(stage: Stage) -> None:
    """Each goes where most slots are free."""
    await stage.open(workers=2)

    made = [await stage.desk.submit() for _ in range(6)]

    where = [stage.desk.execution(one.id).worker for one in made]
    assert sorted(where.count(stranger.id) for stranger in stage.pool.strangers) == [3, 3]


async def test_what_was_open_when_the_last_daemon_ended_goes_on(stage: Stage) -> None:
    """Queued, running, sleeping: there is no step of recovery that could be forgotten."""
    queued, running = await stage.desk.submit(), await stage.desk.submit()
    await stage.desk.grant(running.id, "worker of the last daemon")
    sleeping = await stage.desk.submit()
    granted = await stage.desk.grant(sleeping.id, "worker of the last daemon")
    timer = Waiting("~t#1", "timer", True, due=stage.desk.clock.now() - 1)
    await stage.desk.accept(stage.desk.frame(granted, waits=(timer,), idle=Idle(0)), "worker of the last daemon")

    stage.desk = Desk.over(stage.desk.database)  # another daemon on the same file
    await stage.open()

    for one, fence in ((queued, 1), (running, 2), (sleeping, 2)):
        await stage.until(one.id, granted_again(fence))
    kinds = [event.type for event in events.of(stage.desk.database.reader, sleeping.key)]
    assert kinds.count(_T.TIMER_FIRED) == 1


# ---------------------------------------------------------------------- losing workers


async def test_nothing_is_granted_again_before_the_lost_worker_is_dead(stage: Stage) -> None:
    """As long as it may still act, its executions wait, though another worker is idle."""
    await stage.open(workers=2)
    late, other = stage.pool.strangers
    held = await hold(stage, late)
    stage.pool.may_kill.clear()

    late.say_bytes(b"\x00\x00\x00\x01x")
    await stage.turns(lambda: stage.executor.workers.get(late.id) is None)
    await stage.desk.submit()
    next_one = await other.hear(Grant)
    waiting = stage.desk.execution(held.grant.execution)
    stage.pool.may_kill.set()
    await stage.until(held.grant.execution, granted_again(2))

    assert next_one.execution != held.grant.execution
    assert (waiting.fence, waiting.worker) == (1, late.id)
    assert not late.handle.is_alive


async def test_a_dead_worker_is_replaced_and_its_executions_go_on(stage: Stage) -> None:
    """With the next fence; the log says what ended the worker."""
    await stage.open()
    held = await hold(stage, stage.pool.strangers[0])

    stage.pool.die(stage.pool.strangers[0], "SIGBUS")
    await stage.until(held.grant.execution, granted_again(2))

    assert told(stage, held) == [{"cause": "crash", "peak_memory": 0, "signal": "SIGBUS"}]
    assert len(stage.executor.workers.shared()) == 1


async def test_a_death_alone_is_blamed_and_the_third_ends_it(stage: Stage) -> None:
    """Each time it gets a worker of its own; then it has failed, by the signal."""
    await stage.open()
    held = await hold(stage, stage.pool.strangers[0])
    stage.pool.die(stage.pool.strangers[0])

    for fence in (2, 3):
        await stage.until(held.grant.execution, granted_again(fence))
        own = stage.stranger(stage.holder(held.grant.execution).id)
        assert stage.holder(held.grant.execution).dedicated == held.grant.execution
        await take(own)
        stage.pool.die(own)
    ended = await stage.until(held.grant.execution, lambda one: one.is_final)

    assert (ended.state, ended.reason) == (State.FAILED, "worker_crashed")
    assert b"3 times in this execution, the last time by SIGSEGV" in (log_of(stage, held)[-1].payload or b"")


async def test_neighbours_of_a_crash_are_suspected_but_not_blamed(stage: Stage) -> None:
    """Each goes on alone; a fact is recorded, and the suspicion is over; its worker is retired when it has ended."""
    await stage.open()
    held = [await hold(stage, stage.pool.strangers[0]) for _ in range(2)]

    stage.pool.die(stage.pool.strangers[0])
    for one in held:
        after = await stage.until(one.grant.execution, granted_again(2))
        own = stage.stranger(stage.holder(one.grant.execution).id)
        assert (after.deaths, after.alone) == (0, True)
        again = await take(own)
        own.say(again.report(facts=(fact("step#1"),), end=end()))
        await own.hear_the_end()

    assert [stage.desk.execution(one.grant.execution).state for one in held] == [State.COMPLETED] * 2
    assert len(stage.executor.workers.everyone()) == 1


async def test_a_held_loop_ends_the_worker_and_its_neighbours_hear_of_no_fault(stage: Stage) -> None:
    """The culprit learns which attempt it was, the neighbour only that it was there."""
    await stage.open()
    worker = stage.pool.strangers[0]
    culprit = await hold(stage, worker, parts={"begins": (begin("step#1", timeout=100),)})
    neighbour = await hold(stage, worker)

    worker.say(Heartbeat(1_500, culprit.grant.execution, "step#1", 1, 1_500))
    for one in (culprit, neighbour):
        await stage.until(one.grant.execution, granted_again(2))

    assert told(stage, culprit) == [{"attempt": 1, "call": "step#1", "cause": "timeout"}]
    assert told(stage, neighbour) == [{"cause": "neighbour"}]
    assert not stage.desk.execution(neighbour.grant.execution).alone


async def test_workflow_code_that_holds_the_loop_again_and_again_fails(stage: Stage) -> None:
    """There is no task that could fail in its place, and it would do so for ever."""
    await stage.open()
    held = await hold(stage, stage.pool.strangers[0], parts={})
    for fence in (1, 2, 3):
        await stage.until(held.grant.execution, granted_again(fence))
        holder = stage.stranger(stage.holder(held.grant.execution).id)
        holder.say(Heartbeat(31_000, held.grant.execution, "", 0, 31_000))
    ended = await stage.until(held.grant.execution, lambda one: one.is_final)

    assert (ended.state, ended.reason) == (State.FAILED, "worker_crashed")
    assert b"without an await" in (log_of(stage, held)[-1].payload or b"")


async def test_a_machine_without_room_gets_its_workers_later(stage: Stage) -> None:
    """The try is repeated; nothing that waits is lost."""
    await stage.open()
    held = await hold(stage, stage.pool.strangers[0])
    stage.pool.refusals.extend(Unreachable("no room") for _ in range(2))

    stage.pool.die(stage.pool.strangers[0])
    await stage.until(held.grant.execution, granted_again(2))
    await stage.turns(lambda: len(stage.executor.workers.shared()) == 1)

    assert not stage.pool.refusals


async def test_an_execution_is_taken_back_as_soon_as_the_disk_has_room(stage: Stage, disk: FaultyDisk) -> None:
    """The worker is dead all the same; nothing is granted until its loss is written."""
    await stage.open()
    held = await hold(stage, stage.pool.strangers[0])

    disk.full = True
    stage.pool.die(stage.pool.strangers[0])
    await stage.turns(lambda: disk.refused)
    standing = stage.desk.execution(held.grant.execution)
    disk.full = False
    await stage.until(held.grant.execution, granted_again(2))

    assert (standing.state, standing.fence) == (State.RUNNING, 1)
    assert len(told(stage, held)) == 1


# ---------------------------------------------------------------------- resting


async def rest(stage: Stage, stranger: Stranger) -> Held:
    """A new execution that is paused on a stranger."""
    pause = Waiting("pause:a#1", "pause", True, name="a")
    return await hold(stage, stranger, parts={"waits": (pause,), "idle": Idle(0)})


async def test_what_rests_long_enough_is_unloaded(stage: Stage) -> None:
    """The worker is asked to; a resume then is a new grant."""
    await stage.open(unload_after=5_000)
    worker = stage.pool.strangers[0]
    held = await rest(stage, worker)

    stage.desk.clock.advance(5_001)
    release = await worker.hear(Release)
    worker.say(Released(release.execution, release.fence))
    await stage.until(held.grant.execution, lambda one: one.worker is None)
    await stage.desk.gate.write(executions.resume, Resume(execution=held.grant.execution, input=b"1", caller=CALLER))
    again = await worker.hear(Grant)

    assert (again.execution, again.fence) == (held.grant.execution, 2)


async def test_a_worker_that_was_not_quiet_is_asked_again(stage: Stage) -> None:
    """It answers nothing then; the next time it may be."""
    await stage.open(unload_after=5_000)
    worker = stage.pool.strangers[0]
    await rest(stage, worker)

    for _ in range(2):
        stage.desk.clock.advance(5_001)
        await worker.hear(Release)


async def test_what_has_rested_longest_is_asked_first(stage: Stage) -> None:
    """One that rests anew does not hold up those that went on resting."""
    await stage.open(unload_after=5_000)
    worker = stage.pool.strangers[0]
    restless, quiet = await rest(stage, worker), await rest(stage, worker)
    stage.desk.clock.advance(4_000)
    await stage.desk.gate.write(
        executions.resume, Resume(execution=restless.grant.execution, input=b"1", caller=CALLER)
    )
    given = await worker.hear(Input)
    pause = Waiting("pause:b#1", "pause", True, name="b")
    worker.say(restless.report(waits=(pause,), idle=Idle(given.sequence)))
    await worker.hear(Ack)

    stage.desk.clock.advance(1_001)

    assert (await worker.hear(Release)).execution == quiet.grant.execution


async def test_a_timer_wakes_what_it_belongs_to(stage: Stage) -> None:
    """Where it is loaded, as an input, once."""
    await stage.open()
    worker = stage.pool.strangers[0]
    timer = Waiting("~t#1", "timer", True, due=stage.desk.clock.now() + 10)
    held = await hold(stage, worker, parts={"waits": (timer,), "idle": Idle(0)})

    stage.desk.clock.advance(10)
    given = await worker.hear(Input)

    assert (given.execution, given.call) == (held.grant.execution, "~t#1")
    assert stage.desk.execution(held.grant.execution).state is State.RUNNING


async def test_a_timer_that_could_not_be_written_fires_later(stage: Stage, disk: FaultyDisk) -> None:
    """A full disk delays it, and that is all."""
    await stage.open()
    worker = stage.pool.strangers[0]
    timer = Waiting("~t#1", "timer", True, due=stage.desk.clock.now() + 10)
    held = await hold(stage, worker, parts={"waits": (timer,), "idle": Idle(0)})

    disk.full = True
    stage.desk.clock.advance(10)
    await stage.turns(lambda: disk.refused)
    disk.full = False
    stage.desk.clock.advance(1_000)
    await worker.hear(Input)

    assert [event.type for event in log_of(stage, held)].count(_T.TIMER_FIRED) == 1


async def test_a_cancel_reaches_the_worker_as_an_input(stage: Stage) -> None:
    """The workflow cleans up there."""
    await stage.open()
    worker = stage.pool.strangers[0]
    held = await hold(stage, worker)

    await stage.desk.gate.write(executions.cancel, Cancel(execution=held.grant.execution, caller=CALLER))

    assert (await worker.hear(Input)).execution == held.grant.execution


# ---------------------------------------------------------------------- draining


async def test_a_drain_lets_workers_finish_and_grants_nothing_more(stage: Stage) -> None:
    """It ends when the last worker is gone."""
    await stage.open(workers=2)
    held = await hold(stage, stage.pool.strangers[0])

    draining = asyncio.create_task(stage.executor.drain(30))
    for stranger in stage.pool.strangers:
        await stranger.hear(Drain)
    late = await stage.desk.submit()
    stage.pool.strangers[0].say(held.report(facts=(fact("step#1"),)))
    await stage.pool.strangers[0].hear(Ack)
    for stranger in stage.pool.strangers:
        stage.pool.die(stranger, "SIGTERM")
    await draining

    assert stage.desk.execution(late.id).state is State.QUEUED
    assert stage.desk.execution(held.grant.execution).state is State.RUNNING
    assert not stage.executor.workers.everyone()


async def test_a_drain_that_takes_too_long_ends(stage: Stage) -> None:
    """What does not finish in its time is recovered at the next start."""
    await stage.open()
    await hold(stage, stage.pool.strangers[0])

    await stage.executor.drain(0.01)

    assert stage.executor.workers.everyone()
