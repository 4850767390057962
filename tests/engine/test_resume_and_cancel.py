"""Resume and cancel: who may, in which state, and what is written."""

import pytest

from flux.core.events import EventType
from flux.core.execution import Execution, State
from flux.core.principal import Caller
from flux.engine import executions, grants
from flux.engine.executions import Cancel, Resume
from flux.errors import Denied, FluxError, NotFound, WrongState
from flux.store import events
from flux.wire.frames import Waiting
from tests.engine.desk import CALLER, Desk

_T = EventType


async def resume(desk: Desk, execution: Execution | str, caller: Caller = CALLER, **more: object) -> Execution:
    """Answer a pause."""
    identity = execution if isinstance(execution, str) else execution.id
    command = Resume(**{"execution": identity, "input": b"1", "caller": caller, **more})  # type: ignore[arg-type]  # builder
    return await desk.gate.write(executions.resume, command)


async def cancel(desk: Desk, execution: Execution | str, caller: Caller = CALLER) -> tuple[Execution, str]:
    """Ask an execution to stop."""
    identity = execution if isinstance(execution, str) else execution.id
    return await desk.gate.write(executions.cancel, Cancel(execution=identity, caller=caller))


# ---------------------------------------------------------------------- resume


async def test_a_resume_answers_the_oldest_pause(desk: Desk) -> None:
    """With the value, by whom, and one line of audit."""
    granted = await desk.paused()
    desk.clock.advance(10)
    await resume(desk, granted.execution, pause=None)

    closed, resumed = events.of(desk.database.reader, granted.key)[-2:]
    line = desk.audit()[-1]
    assert (closed.type, closed.call, closed.payload) == (_T.PAUSE_CLOSED, "pause:ship#1", b"1")
    assert closed.actor == resumed.actor == CALLER.principal.id
    assert (line.action, line.object) == ("execution.resume", f"execution:{granted.execution}/pause:ship#1")


@pytest.mark.parametrize("wanted", ["approve", "pause:approve#1"], ids=["its name", "its id"])
async def test_a_pause_can_be_named(desk: Desk, wanted: str) -> None:
    """Though another is older."""
    granted = await desk.paused()
    await resume(desk, granted.execution)
    later = (
        Waiting("pause:ship#2", "pause", True, name="ship"),
        Waiting("pause:approve#1", "pause", True, name="approve"),
    )
    await desk.accept(desk.frame(granted, waits=later))

    after = await resume(desk, granted.execution, pause=wanted)

    assert list(after.waits) == ["pause:ship#2"]


async def test_a_pause_that_is_not_open_is_not_found(desk: Desk) -> None:
    """The message names those that are."""
    granted = await desk.paused()

    with pytest.raises(NotFound, match="open: ship"):
        await resume(desk, granted.execution, pause="sign")


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.WAITING, State.CANCELLING])
async def test_what_waits_for_no_answer_gets_none(desk: Desk, state: State) -> None:
    """The state is named, and what is possible instead."""
    execution = await desk.standing(state)

    with pytest.raises(WrongState, match=state) as caught:
        await resume(desk, execution)

    assert caught.value.facts["allowed"] == ["cancel"]


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED, State.CANCELLED])
async def test_what_has_ended_cannot_be_resumed(desk: Desk, state: State) -> None:
    """Nothing is possible any more."""
    execution = await desk.standing(state)

    with pytest.raises(WrongState) as caught:
        await resume(desk, execution)

    assert caught.value.facts["allowed"] == []


async def test_an_unloaded_execution_is_resumed_from_its_row(desk: Desk) -> None:
    """It is queued for a grant."""
    granted = await desk.paused()
    await desk.gate.write(grants.released, "w1", granted.execution, granted.fence)

    after = await resume(desk, granted.execution)

    assert (after.state, after.worker, after.needs_grant) == (State.QUEUED, None, True)


async def test_a_pause_beside_a_running_body_can_be_answered(desk: Desk) -> None:
    """It is RUNNING with an open pause, and stays so."""
    granted = await desk.started("w1", "long#1")
    await desk.accept(desk.frame(granted, waits=(Waiting("pause:a#1", "pause", True, name="a"),)))

    after = await resume(desk, granted.execution)

    assert (after.state, dict(after.bodies)) == (State.RUNNING, {"long#1": 1})
    assert desk.log(after)[-1] is _T.PAUSE_CLOSED


@pytest.mark.parametrize(
    ("held", "error"),
    [
        ((), NotFound),
        (("workflow:default:work:resume",), NotFound),
        (("workflow:default:work:read",), Denied),
        (("workflow:default:work:cancel", "workflow:default:work:read"), Denied),
        (("workflow:default:work:read", "workflow:default:work:resume"), None),
        (("workflow:default:*",), None),
    ],
    ids=str,
)
async def test_resuming_takes_seeing_and_the_right_to_resume(
    desk: Desk, held: tuple[str, ...], error: type[FluxError] | None
) -> None:
    """What one may not see is not there; what one may only see is not one's to answer."""
    granted = await desk.paused()
    bot = await desk.caller("bot", *held)

    if error is None:
        assert (await resume(desk, granted.execution, bot)).state is State.RUNNING
        return
    with pytest.raises(error):
        await resume(desk, granted.execution, bot)
    assert desk.execution(granted.execution).state is State.PAUSED


# ---------------------------------------------------------------------- cancel


@pytest.mark.parametrize(
    ("state", "after", "outcome"),
    [
        (State.QUEUED, State.CANCELLED, "accepted"),
        (State.RUNNING, State.CANCELLING, "accepted"),
        (State.WAITING, State.CANCELLING, "accepted"),
        (State.PAUSED, State.CANCELLING, "accepted"),
        (State.CANCELLING, State.CANCELLING, "accepted"),
        (State.COMPLETED, State.COMPLETED, "too_late"),
        (State.FAILED, State.FAILED, "too_late"),
        (State.CANCELLED, State.CANCELLED, "too_late"),
    ],
)
async def test_a_cancel_answers_with_what_happened(desk: Desk, state: State, after: State, outcome: str) -> None:
    """In every state; what has ended stays what it is."""
    execution = await desk.standing(state)

    cancelled, told = await cancel(desk, execution)

    assert (cancelled.state, told) == (after, outcome)
    assert desk.execution(execution.id).state is after


async def test_what_was_queued_again_is_cleaned_up(desk: Desk) -> None:
    """It ran once, so it may have something to undo: it is granted for that."""
    execution = await desk.standing(State.RUNNING)
    await desk.gate.write(grants.recover, "w1", grants.Death(cause="lease"))

    cancelled, _ = await cancel(desk, execution)

    assert (cancelled.state, cancelled.needs_grant) == (State.CANCELLING, True)


async def test_asking_twice_is_one_event_and_one_line_of_audit(desk: Desk) -> None:
    """The second changes nothing."""
    execution = await desk.standing(State.RUNNING)
    before = len(desk.audit())
    await cancel(desk, execution)
    await cancel(desk, execution)

    assert desk.log(execution).count(_T.WORKFLOW_CANCELLING) == 1
    assert [line.action for line in desk.audit()[before:]] == ["execution.cancel"]


async def test_a_cancel_is_an_input_that_is_delivered(desk: Desk) -> None:
    """Its sequence is the newest that the worker must have seen before it may rest."""
    execution = await desk.standing(State.RUNNING)
    cancelled, _ = await cancel(desk, execution)

    assert cancelled.input_sequence == cancelled.sequence
    assert cancelled.worker == "w1"


@pytest.mark.parametrize(
    ("held", "error"),
    [((), NotFound), (("workflow:default:work:cancel",), NotFound), (("workflow:default:work:read",), Denied)],
    ids=str,
)
async def test_cancelling_takes_seeing_and_the_right_to_cancel(
    desk: Desk, held: tuple[str, ...], error: type[FluxError]
) -> None:
    """Also of what has ended: whether it has is nobody's business who may not see it."""
    running, ended = await desk.standing(State.RUNNING), await desk.standing(State.COMPLETED)
    bot = await desk.caller("bot", *held)

    for execution in (running, ended):
        with pytest.raises(error):
            await cancel(desk, execution, bot)

    assert desk.execution(running.id).state is State.RUNNING


async def test_what_is_not_there_cannot_be_resumed_or_cancelled(desk: Desk) -> None:
    """The two look the same as what is hidden."""
    for ask in (resume, cancel):
        with pytest.raises(NotFound, match="there is no execution 01H"):
            await ask(desk, "01H")
