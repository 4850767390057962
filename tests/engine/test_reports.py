"""Reports: what a worker may say, and what the engine answers."""

from dataclasses import replace

import pytest

from flux import codec
from flux.core.events import EventType
from flux.core.execution import State
from flux.engine import executions, grants, parked
from flux.engine.alarms import Disarmed
from flux.engine.executions import Cancel, Resume
from flux.engine.grants import Death
from flux.errors import ProtocolError, ReportGap, StaleLease
from flux.store import events, timers
from flux.wire.frames import End, Fact, Idle, Waiting
from tests.engine.desk import CALLER, PAUSE, Desk, begin, end, fact, number

_T = EventType


async def test_a_task_takes_one_report_from_its_end_to_the_next_begin(desk: Desk) -> None:
    """What ended and what begins stand in one report and one commit, with sequences in that order."""
    execution = await desk.submit()
    granted = await desk.grant(execution.id)
    await desk.accept(desk.frame(granted, begins=(begin("step#1"),)))

    before = desk.gate.counters.commits
    answer = await desk.accept(desk.frame(granted, facts=(fact("step#1"),), begins=(begin("step#2"),)))

    assert desk.gate.counters.commits == before + 1
    assert answer.sequence == 5
    kinds = [event.type for event in events.of(desk.database.reader, execution.key)]
    assert kinds == [_T.WORKFLOW_QUEUED, _T.WORKFLOW_STARTED, _T.TASK_STARTED, _T.TASK_COMPLETED, _T.TASK_STARTED]


async def test_a_report_that_comes_twice_is_answered_again_and_written_once(desk: Desk) -> None:
    """A worker that did not hear the answer may ask again; nothing is written a second time."""
    execution = await desk.submit()
    granted = await desk.grant(execution.id)
    report = desk.frame(granted, begins=(begin("step#1"),))

    first = await desk.accept(report)
    again = await desk.accept(report)

    assert again.n == first.n
    assert desk.execution(execution.id).sequence == 3


async def test_a_missing_report_is_refused(desk: Desk) -> None:
    """Reports are numbered without gaps; what follows a gap was never acknowledged."""
    granted = await desk.grant((await desk.submit()).id)
    await desk.accept(desk.frame(granted, begins=(begin("step#1"),)))
    desk.frame(granted)

    with pytest.raises(ReportGap):
        await desk.accept(desk.frame(granted, facts=(fact("step#1"),)))


async def test_a_late_worker_is_refused(desk: Desk) -> None:
    """After its worker is lost and the execution is granted anew, the old one changes nothing."""
    execution = await desk.submit()
    old = await desk.grant(execution.id, "w1")
    await desk.accept(desk.frame(old, begins=(begin("step#1"),)))
    late = desk.frame(old, facts=(fact("step#1"),))
    await desk.gate.write(grants.recover, "w1", Death(cause="lease"))
    await desk.grant(execution.id, "w2")
    sequence = desk.execution(execution.id).sequence

    with pytest.raises(StaleLease):
        await desk.accept(late, "w1")

    assert desk.execution(execution.id).sequence == sequence


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(fact("step#9"), id="a result of a body that never began"),
        pytest.param(fact("step#1", attempt=2), id="a result of another attempt"),
        pytest.param(fact("step#1", kind=_T.TASK_FALLBACK_COMPLETED, attempt=7), id="a fallback that never began"),
        pytest.param(Fact(2, "step#1", 1, 0, 0), id="a fact that is none"),
        pytest.param(Fact(999, "step#1", 1, 0, 0), id="a number that means nothing"),
    ],
)
async def test_a_lie_in_a_report_takes_the_whole_report_with_it(desk: Desk, lie: Fact) -> None:
    """Facts are accepted whole or refused whole: the good one beside the lie is not written either."""
    execution = await desk.submit()
    granted = await desk.grant(execution.id)
    await desk.accept(desk.frame(granted, begins=(begin("step#1"), begin("step#2"))))
    sequence = desk.execution(execution.id).sequence

    with pytest.raises(ProtocolError):
        await desk.accept(desk.frame(granted, facts=(fact("step#2"), lie)))

    assert desk.execution(execution.id).sequence == sequence


async def test_the_first_report_must_bring_the_token_of_its_grant(desk: Desk) -> None:
    """A token of another execution, or none, is refused; later frames need the handle."""
    mine, other = await desk.submit(), await desk.submit()
    granted, foreign = await desk.grant(mine.id), await desk.grant(other.id)
    stolen = desk.frame(replace(granted, token=foreign.token))
    forged = desk.frame(replace(foreign, token="a.b.c"))

    with pytest.raises(ProtocolError, match="another grant"):
        await desk.accept(stolen)
    with pytest.raises(ProtocolError, match="not valid"):
        await desk.accept(forged)


async def test_a_wrong_handle_is_refused(desk: Desk) -> None:
    """The handle stands in for the token; who does not know it is not the holder of the grant."""
    granted = await desk.grant((await desk.submit()).id)
    await desk.accept(desk.frame(granted, begins=(begin("step#1"),)))
    desk.handles[granted.execution] += 1

    with pytest.raises(ProtocolError, match="handle"):
        await desk.accept(desk.frame(granted, facts=(fact("step#1"),)))


async def test_idle_with_an_open_pause_is_paused_and_a_resume_closes_it(desk: Desk) -> None:
    """The answer is an input; it wakes the execution where it is loaded."""
    execution = await desk.submit()
    granted = await desk.grant(execution.id)
    pause = Waiting("pause:ship#1", "pause", True, name="ship", payload=b'"x"')

    await desk.accept(desk.frame(granted, waits=(pause,), idle=Idle(0)))
    paused = desk.execution(execution.id)
    resumed = await desk.gate.write(executions.resume, Resume(execution=execution.id, input=b"1", caller=CALLER))

    assert paused.state is State.PAUSED
    assert resumed.state is State.RUNNING
    assert not resumed.waits
    assert resumed.input_sequence == resumed.sequence - 1


async def test_idle_that_has_not_seen_the_newest_input_is_refused(desk: Desk) -> None:
    """An input that was numbered before the worker rested must be delivered first."""
    execution = await desk.submit()
    granted = await desk.grant(execution.id)
    pause = Waiting("pause:a#1", "pause", True, name="a")
    await desk.accept(desk.frame(granted, waits=(pause,), idle=Idle(0)))
    await desk.gate.write(executions.resume, Resume(execution=execution.id, input=b"1", caller=CALLER))

    answer = await desk.accept(desk.frame(granted, waits=(Waiting("pause:b#1", "pause", True),), idle=Idle(0)))

    assert answer.refused
    assert desk.execution(execution.id).state is State.RUNNING


async def test_a_cancel_that_the_end_had_not_seen_wins(desk: Desk) -> None:
    """The facts stay, the end is refused, and the execution ends cancelled."""
    execution = await desk.submit()
    granted = await desk.grant(execution.id)
    await desk.accept(desk.frame(granted, begins=(begin("step#1"),)))
    cancelled, outcome = await desk.gate.write(executions.cancel, Cancel(execution=execution.id, caller=CALLER))

    answer = await desk.accept(desk.frame(granted, facts=(fact("step#1"),), end=end()))
    refused = desk.execution(execution.id)
    await desk.accept(desk.frame(granted, end=end(_T.WORKFLOW_CANCELLED, seen=cancelled.input_sequence)))

    assert outcome == "accepted"
    assert answer.refused
    assert refused.state is State.CANCELLING
    assert desk.execution(execution.id).state is State.CANCELLED


async def test_nothing_follows_the_end(desk: Desk) -> None:
    """A report after the terminal event is refused: the grant died with it."""
    execution = await desk.submit()
    granted = await desk.grant(execution.id)
    await desk.accept(desk.frame(granted, end=end()))

    with pytest.raises(StaleLease):
        await desk.accept(desk.frame(granted, end=end()))

    kinds = [event.type for event in events.of(desk.database.reader, execution.key)]
    assert kinds.count(_T.WORKFLOW_COMPLETED) == 1


async def test_resting_without_anything_to_wait_for_is_refused(desk: Desk) -> None:
    """Such an execution would rest for ever."""
    granted = await desk.grant((await desk.submit()).id)

    with pytest.raises(ProtocolError, match="waits for nothing"):
        await desk.accept(desk.frame(granted, idle=Idle(0)))


async def test_a_body_that_gives_up_waiting_wakes_its_execution(desk: Desk) -> None:
    """A time limit of its own may end a body's pause while the execution rests: it runs on where it is loaded."""
    execution = await desk.submit()
    granted = await desk.grant(execution.id)
    await desk.accept(desk.frame(granted, begins=(begin("ask#1"),)))
    await desk.accept(desk.frame(granted, waits=(PAUSE,), idle=Idle(0)))

    closed = Waiting(PAUSE.call, "pause", False)
    await desk.accept(desk.frame(granted, facts=(fact("ask#1"),), waits=(closed,), begins=(begin("step#1"),)))

    assert desk.execution(execution.id).state is State.RUNNING
    assert desk.log(execution)[-5:] == [
        _T.WORKFLOW_PAUSED, _T.WORKFLOW_WOKEN, _T.TASK_COMPLETED, _T.TASK_STARTED, _T.PAUSE_CLOSED,
    ]  # fmt: skip


async def test_what_moves_by_itself_may_rest_again_at_once(desk: Desk) -> None:
    """One wait is given up, another is opened; what it waits for now says whether it is paused."""
    granted = await desk.paused()
    closed = Waiting(PAUSE.call, "pause", False)
    timer = Waiting("~sleep#1", "timer", True, due=desk.clock.now() + 1_000)

    answer = await desk.accept(desk.frame(granted, waits=(closed, timer), idle=Idle(0)))

    after = desk.execution(granted.execution)
    assert not answer.refused
    assert (after.state, list(after.waits)) == (State.WAITING, ["~sleep#1"])


async def test_resting_twice_is_no_event(desk: Desk) -> None:
    """Nothing happened in between."""
    granted = await desk.paused()
    before = desk.execution(granted.execution).sequence

    await desk.accept(desk.frame(granted, idle=Idle(0)))

    assert desk.execution(granted.execution).sequence == before


async def test_everything_at_once_in_one_report(desk: Desk) -> None:
    """A result, a pause given up, another opened, a timer opened, one closed, and rest: one savepoint, one answer."""
    granted = await desk.started("w1", "a#1")
    first = (PAUSE, Waiting("~t#1", "timer", True, due=desk.clock.now() + 1_000))
    await desk.accept(desk.frame(granted, waits=first))
    then = (
        Waiting(PAUSE.call, "pause", False),
        Waiting("pause:b#1", "pause", True, name="b"),
        Waiting("~t#1", "timer", False),
        Waiting("~t#2", "timer", True, due=desk.clock.now() + 2_000),
    )

    await desk.accept(desk.frame(granted, facts=(fact("a#1"),), waits=then, idle=Idle(0)))

    after = desk.execution(granted.execution)
    assert (after.state, sorted(after.waits), dict(after.bodies)) == (State.PAUSED, ["pause:b#1", "~t#2"], {})
    assert [timer.call for timer in timers.of(desk.database.reader, granted.key)] == ["~t#2"]
    assert after.input_sequence == 0
    assert parked.load(desk.database.reader, after.id).waits == after.waits


async def test_the_end_closes_every_timer_and_says_so(desk: Desk) -> None:
    """Those from before, and those that the same report opened: nobody rings for it any more."""
    granted = await desk.started("w1", "a#1")
    await desk.accept(desk.frame(granted, waits=(Waiting("~t#1", "timer", True, due=desk.clock.now() + 1),)))
    effects: list[object] = []
    desk.gate.on_commit(lambda committed: effects.extend(committed.effects))

    await desk.accept(desk.frame(granted, waits=(Waiting("~t#2", "timer", True, due=desk.clock.now()),), end=end()))

    assert timers.everything(desk.database.reader) == []
    assert effects[-2:] == [Disarmed(granted.execution, "~t#1"), Disarmed(granted.execution, "~t#2")]


async def test_an_execution_that_ends_leaves_nothing_in_memory(desk: Desk) -> None:
    """Not its record, not its lease, not its slot: even if it ends with its first report."""
    granted = await desk.grant((await desk.submit()).id)
    await desk.accept(desk.frame(granted, end=end()))
    live = desk.gate.live

    assert (live.executions, live.leases, live.loaded["w1"], live.busy["w1"]) == ({}, {}, set(), 0)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (_T.WORKFLOW_COMPLETED, State.CANCELLED),
        (_T.WORKFLOW_CANCELLED, State.CANCELLED),
        (_T.WORKFLOW_FAILED, State.FAILED),
    ],
    ids=str,
)
async def test_what_was_asked_to_stop_is_cancelled_unless_it_failed(desk: Desk, kind: EventType, state: State) -> None:
    """A value that it gives all the same is kept; an error in the clean-up is no cancel."""
    granted = await desk.started()
    asked, _ = await desk.gate.write(executions.cancel, Cancel(execution=granted.execution, caller=CALLER))

    await desk.accept(desk.frame(granted, end=end(kind, seen=asked.input_sequence, payload=b"null")))

    assert desk.execution(granted.execution).state is state


async def test_the_reason_of_a_failure_is_the_type_of_its_error(desk: Desk) -> None:
    """Unless the worker named one."""
    by_error, by_detail = await desk.started(), await desk.started()
    error = codec.encode_error(ValueError("no"))
    await desk.accept(desk.frame(by_error, end=end(_T.WORKFLOW_FAILED, payload=error)))
    diverged = End(number(_T.WORKFLOW_FAILED), 0, desk.clock.now(), '{"reason":"diverged"}', error)
    await desk.accept(desk.frame(by_detail, end=diverged))

    assert desk.execution(by_error.execution).reason == "ValueError"
    assert desk.execution(by_detail.execution).reason == "diverged"
