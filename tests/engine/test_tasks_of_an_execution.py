"""The tasks of an execution: every call folded from its events."""

from flux.core.events import EventType
from flux.engine import executions, grants, queries
from flux.engine.executions import Cancel
from flux.engine.grants import Death
from flux.engine.queries import TaskView
from flux.wire.frames import End, Fact, Waiting
from tests.engine.desk import CALLER, Desk, begin, fact, number

_T = EventType


def tasks(desk: Desk, identity: str) -> dict[str, TaskView]:
    """The calls of an execution by id."""
    found = desk.gate.read(queries.tasks, desk.execution(identity))
    return {task.call: task for task in found}


async def test_a_task_is_the_fold_of_its_events(desk: Desk) -> None:
    """Arguments, result, where and when."""
    granted = await desk.started("w7", "charge#1")
    began = desk.clock.now()
    await desk.accept(desk.frame(granted, facts=(fact("charge#1", payload=b"42"),)), "w7")

    task = tasks(desk, granted.execution)["charge#1"]
    (attempt,) = task.attempts
    assert (task.name, task.state, task.args, task.result) == ("charge", "COMPLETED", b"[[],{}]", b"42")
    assert (task.started, attempt.started, attempt.worker) == (began, began, "w7")
    assert task.ended == attempt.ended == 1_700_000_000_001
    assert task.error is None


async def test_every_attempt_is_shown_with_its_error(desk: Desk) -> None:
    """Between two it is RETRYING; what succeeds in the end has no error of its own."""
    granted = await desk.started("w1", "charge#1")
    failure = fact("charge#1", _T.TASK_ATTEMPT_FAILED, payload=b'"first"', detail='{"delay":5}')
    await desk.accept(desk.frame(granted, facts=(failure,)))
    between = tasks(desk, granted.execution)["charge#1"]
    await desk.accept(desk.frame(granted, begins=(begin("charge#1", 2),)))
    during = tasks(desk, granted.execution)["charge#1"]
    await desk.accept(desk.frame(granted, facts=(fact("charge#1", attempt=2, payload=b"1"),)))
    after = tasks(desk, granted.execution)["charge#1"]

    assert (between.state, between.error) == ("RETRYING", b'"first"')
    assert during.state == "RUNNING"
    assert (after.state, after.error, after.result) == ("COMPLETED", None, b"1")
    assert [(attempt.number, attempt.error) for attempt in after.attempts] == [(1, b'"first"'), (2, None)]
    assert all(attempt.ended >= attempt.started for attempt in after.attempts)


async def test_a_task_that_fails_has_the_error_of_its_last_attempt(desk: Desk) -> None:
    """TASK_FAILED carries one of its own only if a rollback or fallback failed."""
    granted = await desk.started("w1", "a#1", "b#1")
    facts = (
        fact("a#1", _T.TASK_ATTEMPT_FAILED, payload=b'"last"'),
        fact("a#1", _T.TASK_FAILED),
        fact("b#1", _T.TASK_ATTEMPT_FAILED, payload=b'"last"'),
        fact("b#1", _T.TASK_FAILED, payload=b'"later"'),
    )
    await desk.accept(desk.frame(granted, facts=facts))

    found = tasks(desk, granted.execution)
    assert (found["a#1"].state, found["a#1"].error) == ("FAILED", b'"last"')
    assert (found["b#1"].state, found["b#1"].error) == ("FAILED", b'"later"')


async def test_the_value_of_a_fallback_is_the_tasks(desk: Desk) -> None:
    """Which has completed, though its attempt failed."""
    granted = await desk.started("w1", "a#1")
    failure = fact("a#1", _T.TASK_ATTEMPT_FAILED, payload=b'"e"')
    fallback = begin("a#1", kind=_T.TASK_FALLBACK_STARTED)
    await desk.accept(desk.frame(granted, facts=(failure,), begins=(fallback,)))
    ends = (fact("a#1", _T.TASK_FALLBACK_COMPLETED, payload=b'"spare"'), fact("a#1"))
    await desk.accept(desk.frame(granted, facts=ends))

    task = tasks(desk, granted.execution)["a#1"]
    assert (task.state, task.result, task.error) == ("COMPLETED", b'"spare"', None)
    assert [attempt.error for attempt in task.attempts] == [b'"e"']


async def test_an_interrupted_attempt_is_the_same_attempt_begun_again(desk: Desk) -> None:
    """On another worker; the task began when it first did."""
    granted = await desk.started("w1", "a#1")
    began = desk.clock.now()
    await desk.gate.write(grants.recover, "w1", Death(cause="lease"))
    desk.clock.advance(60_000)
    again = await desk.grant(granted.execution, "w2")
    await desk.accept(desk.frame(again, begins=(begin("a#1"),)), "w2")

    task = tasks(desk, granted.execution)["a#1"]
    (attempt,) = task.attempts
    assert (task.state, task.started) == ("RUNNING", began)
    assert (attempt.number, attempt.worker, attempt.started) == (1, "w2", began + 60_000)


async def test_a_denied_task_is_named_and_never_began(desk: Desk) -> None:
    """With the permission that was missing as its error."""
    bot = await desk.caller("bot", "workflow:default:work:run", "workflow:default:work:task:step:execute")
    granted = await desk.grant((await desk.submit(caller=bot)).id)
    await desk.accept(desk.frame(granted, begins=(begin("secret#1", parent="step#1"),)))

    task = tasks(desk, granted.execution)["secret#1"]
    assert (task.name, task.parent, task.state, task.attempts) == ("secret", "step#1", "DENIED", ())
    assert task.started == task.ended == desk.clock.now()
    assert b"workflow:default:work:task:secret:execute" in (task.error or b"")


async def test_what_had_not_ended_when_its_execution_did_was_cancelled(desk: Desk) -> None:
    """Nothing runs in what has ended."""
    granted = await desk.started("w1", "a#1")
    await desk.accept(desk.frame(granted, end=End(number(_T.WORKFLOW_FAILED), 0, desk.clock.now() + 9)))

    task = tasks(desk, granted.execution)["a#1"]
    assert (task.state, task.ended) == ("CANCELLED", desk.clock.now() + 9)


async def test_tasks_stand_in_the_order_in_which_they_began(desk: Desk) -> None:
    """Whatever order they end in; pauses and timers are none."""
    granted = await desk.started("w1", "c#1", "a#1")
    waits = (Waiting("pause:p#1", "pause", True), Waiting("~t#1", "timer", True, due=1))
    await desk.accept(desk.frame(granted, facts=(fact("a#1"), fact("c#1")), begins=(begin("b#1"),), waits=waits))
    await desk.gate.write(executions.cancel, Cancel(execution=granted.execution, caller=CALLER))

    assert list(tasks(desk, granted.execution)) == ["c#1", "a#1", "b#1"]


async def test_clocks_of_two_processes_make_no_negative_times(desk: Desk) -> None:
    """A body's end is stamped by its worker, its begin by the daemon."""
    granted = await desk.started("w1", "a#1")
    early = Fact(number(_T.TASK_ATTEMPT_FAILED), "a#1", 1, 5, 0)
    await desk.accept(desk.frame(granted, facts=(early,)))

    (attempt,) = tasks(desk, granted.execution)["a#1"].attempts
    assert attempt.ended == attempt.started
