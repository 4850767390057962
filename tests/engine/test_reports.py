"""Reports: what a worker may say, and what the engine answers."""

import pytest

from flux.core.events import EventType
from flux.core.execution import State
from flux.engine import executions, grants
from flux.engine.executions import Cancel, Resume
from flux.engine.grants import Death
from flux.errors import ProtocolError, ReportGap, StaleLease
from flux.store import events
from flux.wire.frames import Fact, Idle, Waiting
from tests.engine.desk import CALLER, Desk, begin, end, fact

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
    stolen = desk.frame(grants.Granted(**{**_fields(granted), "token": foreign.token}))
    forged = desk.frame(grants.Granted(**{**_fields(foreign), "token": "a.b.c"}))

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


def _fields(granted: grants.Granted) -> dict[str, object]:
    return {name: getattr(granted, name) for name in grants.Granted.__dataclass_fields__}
