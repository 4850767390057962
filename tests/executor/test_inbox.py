"""What a worker may say, and what becomes of it when it says something else: over a real pipe."""

import os
from collections.abc import Callable

import pytest

from flux.core.events import Event, EventType
from flux.core.execution import State
from flux.engine import grants
from flux.engine.grants import Death
from flux.store import audit, events, logs
from flux.testing.faulty_disk import FaultyDisk
from flux.wire.frames import (
    MAX_FRAME,
    Ack,
    Forget,
    Frame,
    Grant,
    Heartbeat,
    Hello,
    Idle,
    Log,
    Released,
    Renewed,
    Report,
    Waiting,
    pack,
)
from tests.engine.desk import begin, end, fact
from tests.executor.strangers import LEASE, Held, Stage, Stranger

_T = EventType
PAUSE = Waiting("pause:a#1", "pause", True, name="a")


async def hold(stage: Stage, stranger: Stranger) -> Held:
    """A new execution in the hands of a stranger, with a body that runs."""
    execution = await stage.desk.submit()
    grant = await stranger.hear(Grant)
    assert grant.execution == execution.id
    held = Held(grant)
    stranger.say(held.report(begins=(begin("step#1"),)))
    held.take(await stranger.hear(Ack))
    return held


def log_of(stage: Stage, held: Held) -> list[Event]:
    """Everything that has happened to an execution."""
    return events.of(stage.desk.database.reader, stage.desk.execution(held.grant.execution).key)


def kinds(stage: Stage, held: Held) -> list[EventType]:
    """The types of everything that has happened to an execution."""
    return [event.type for event in log_of(stage, held)]


async def outlive(stage: Stage, *others: Stranger) -> None:
    """Let time pass beyond the lease of all workers but `others`, which give signs of life."""
    for step in (LEASE // 2, LEASE // 2 + 1):
        stage.desk.clock.advance(step)
        for other in others:
            other.say(Heartbeat(0))
            await other.hear(Renewed)


async def test_a_report_is_acknowledged_when_it_is_durable(stage: Stage) -> None:
    """The answer has the report's number and the sequence of its last event."""
    await stage.open()
    worker = stage.pool.strangers[0]
    held = await hold(stage, worker)

    worker.say(held.report(facts=(fact("step#1"),), end=end()))
    ack = await worker.hear(Ack)

    assert (ack.n, ack.sequence, ack.refused) == (2, 5, False)
    assert stage.desk.execution(held.grant.execution).state is State.COMPLETED


async def test_frames_left_in_the_pipe_are_refused_once_the_lease_is_over(stage: Stage) -> None:
    """They were written in time; but nobody can know that, and the execution may be another's by now."""
    await stage.open(workers=2)
    late = stage.pool.strangers[0]
    held = await hold(stage, late)

    late.say(held.report(facts=(fact("step#1"),), end=end()))
    stage.desk.clock.advance(LEASE + 1)  # before the loop turns: the frames lie there unread
    said = await late.hear_the_end()
    await stage.until(held.grant.execution, lambda one: one.fence == 2)

    assert kinds(stage, held)[2:] == [_T.TASK_STARTED, _T.WORKFLOW_RECOVERED, _T.WORKFLOW_STARTED]
    assert log_of(stage, held)[3].detail == '{"cause":"lease"}'
    assert not [frame for frame in said if isinstance(frame, Ack)]


async def test_a_peer_that_ignores_the_end_of_its_lease_is_refused(stage: Stage) -> None:
    """A heartbeat does not bring a lease back; the execution ends once, where it was granted next."""
    await stage.open(workers=2)
    late, other = stage.pool.strangers
    held = await hold(stage, late)

    await outlive(stage, other)
    late.say(Heartbeat(0), held.report(facts=(fact("step#1"),), end=end()))
    again = Held(await other.hear(Grant))
    other.say(again.report(begins=(begin("step#1"),)))
    again.take(await other.hear(Ack))
    other.say(again.report(facts=(fact("step#1"),), end=end()))
    await other.hear(Ack)

    assert again.grant.fence == held.grant.fence + 1
    assert kinds(stage, held).count(_T.WORKFLOW_COMPLETED) == 1
    assert kinds(stage, held).count(_T.TASK_COMPLETED) == 1
    assert not [frame for frame in await late.hear_the_end() if isinstance(frame, Ack | Renewed)]


async def test_a_report_under_an_old_fence_is_told_to_forget(stage: Stage) -> None:
    """Its holder has done nothing wrong: it was lost and does not know it yet. It lives on, the log does not change."""
    await stage.open(workers=2)
    late, other = stage.pool.strangers
    held = await hold(stage, late)
    worker = stage.executor.workers.get(late.id)
    assert worker is not None
    worker.leaving = True
    await stage.desk.gate.write(grants.recover, late.id, Death(cause="lease"))
    again = Held(await other.hear(Grant))
    before = kinds(stage, held)

    late.say(held.report(facts=(fact("step#1"),), end=end()))
    forget = await late.hear(Forget)

    assert (forget.execution, forget.fence) == (held.grant.execution, held.grant.fence)
    assert kinds(stage, held) == before
    assert again.grant.fence == 2
    assert late.handle.is_alive


def _changed(**parts: object) -> Callable[[Held], bytes]:
    """A report that is right but for `parts`."""

    def lie(held: Held) -> bytes:
        right = held.report(facts=(fact("step#1"),))
        fields = {name: getattr(right, name) for name in Report.__struct_fields__}
        return pack(Report(**{**fields, **parts}))

    return lie


def _saying(frame: Frame) -> Callable[[Held], bytes]:
    return lambda held: pack(frame)


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        pytest.param(lambda held: b"\x00\x00\x00\x10" + b"g" * 16, "not a frame", id="garbage of a frame's size"),
        pytest.param(lambda held: b"garbage" + os.urandom(64), "is announced", id="garbage"),
        pytest.param(lambda held: (MAX_FRAME + 1).to_bytes(4, "big"), "is announced", id="an oversized frame"),
        pytest.param(_saying(Renewed(1)), "not a frame of a worker", id="a frame of a daemon"),
        pytest.param(_saying(Hello("somebody", 1, 1)), "introduces itself", id="another's name"),
        pytest.param(_changed(execution="01UNKNOWN"), "01UNKNOWN", id="an unknown execution"),
        pytest.param(_changed(fence=7), "no grant has that number", id="a grant that never was"),
        pytest.param(_changed(handle=4711), "handle", id="a wrong handle"),
        pytest.param(_changed(n=9), "follows", id="a gap"),
        pytest.param(_changed(facts=(fact("step#7"),)), "without a body", id="a fact of nothing"),
    ],
)
async def test_whoever_breaks_the_protocol_is_ended_and_loses_everything(
    stage: Stage, lie: Callable[[Held], bytes], reason: str
) -> None:
    """Nothing of the frame is kept, the breach is in the audit, the execution goes on with a worker of its own."""
    await stage.open()
    liar = stage.pool.strangers[0]
    held = await hold(stage, liar)

    liar.say_bytes(lie(held))
    await liar.hear_the_end()
    await stage.until(held.grant.execution, lambda one: one.fence == 2)

    recovered = log_of(stage, held)[-2]
    assert kinds(stage, held)[2:] == [_T.TASK_STARTED, _T.WORKFLOW_RECOVERED, _T.WORKFLOW_STARTED]
    assert '"cause":"protocol"' in (recovered.detail or "")
    assert reason in (recovered.detail or "")
    told = [row.entry for row in audit.everything(stage.desk.database.reader)]
    assert [entry.object for entry in told if entry.action == "worker.breach"] == [f"worker:{liar.id}"]
    assert stage.holder(held.grant.execution).dedicated == held.grant.execution


async def test_half_a_frame_is_nothing(stage: Stage) -> None:
    """A worker that dies while it writes has not said it."""
    await stage.open()
    worker = stage.pool.strangers[0]
    held = await hold(stage, worker)

    worker.say_bytes(pack(held.report(facts=(fact("step#1"),), end=end()))[:-1])
    stage.pool.die(worker)
    await stage.until(held.grant.execution, lambda one: one.fence == 2)

    assert kinds(stage, held)[2:] == [_T.TASK_STARTED, _T.WORKFLOW_RECOVERED, _T.WORKFLOW_STARTED]
    assert '"signal":"SIGSEGV"' in (log_of(stage, held)[-2].detail or "")


async def test_what_a_worker_had_said_before_it_died_counts(stage: Stage) -> None:
    """Its pipe is read to its end before anything is taken back, so no finished task runs again."""
    await stage.open()
    worker = stage.pool.strangers[0]
    held = await hold(stage, worker)

    worker.say(held.report(facts=(fact("step#1"),)))
    stage.pool.die(worker)
    await stage.until(held.grant.execution, lambda one: one.fence == 2)

    assert kinds(stage, held)[3:5] == [_T.TASK_COMPLETED, _T.WORKFLOW_RECOVERED]


@pytest.mark.parametrize(
    "payload",
    [pytest.param(b"1", id="found at the commit"), pytest.param(b'"%s"' % (b"x" * (12 << 20)), id="found before it")],
)
async def test_reports_wait_while_the_disk_is_full(stage: Stage, disk: FaultyDisk, payload: bytes) -> None:
    """No worker is to blame: each report is written in its order when there is room, and acknowledged then."""
    await stage.open()
    worker = stage.pool.strangers[0]
    held = await hold(stage, worker)

    disk.full = True
    await worker.say_much(
        held.report(facts=(fact("step#1", payload=payload),), begins=(begin("step#2"),)),
        held.report(facts=(fact("step#2"),), begins=(begin("step#3"),)),
    )
    await stage.turns(lambda: disk.refused)
    worker.say(held.report(facts=(fact("step#3"),), end=end()))
    disk.full = False
    acks = [await worker.hear(Ack) for _ in range(3)]

    assert [ack.n for ack in acks] == [2, 3, 4]
    assert kinds(stage, held).count(_T.TASK_COMPLETED) == 3
    assert _T.WORKFLOW_RECOVERED not in kinds(stage, held)
    assert not stage.desk.fatal


async def test_an_execution_that_was_released_is_a_row_only(stage: Stage) -> None:
    """What rests costs no worker anything."""
    await stage.open()
    worker = stage.pool.strangers[0]
    held = await hold(stage, worker)

    worker.say(held.report(facts=(fact("step#1"),), waits=(PAUSE,), idle=Idle(0)))
    worker.say(Released(held.grant.execution, held.grant.fence))
    await stage.until(held.grant.execution, lambda one: one.worker is None)

    assert held.grant.execution not in stage.desk.gate.live.executions
    assert stage.desk.execution(held.grant.execution).state is State.PAUSED


async def test_output_is_kept_with_its_execution(stage: Stage) -> None:
    """Lines come into the file in the order in which they were printed."""
    await stage.open()
    worker = stage.pool.strangers[0]
    held = await hold(stage, worker)
    key = stage.desk.execution(held.grant.execution).key

    for text in ("one\n", "two\n"):
        worker.say(Log(held.grant.execution, held.grant.fence, "step#1", 1, "stdout", 1_700_000_000_000, text))
    await stage.turns(lambda: logs.of(stage.desk.database.reader, key))

    assert [line.text for line in logs.of(stage.desk.database.reader, key)] == ["one\n", "two\n"]
