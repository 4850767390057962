"""Timers that are due, and waking what they belong to."""

import pytest

from flux.core.events import EventType
from flux.core.execution import State
from flux.engine import executions, grants, timers
from flux.engine.alarms import Armed, Disarmed
from flux.engine.executions import Cancel
from flux.engine.grants import Death, Forgotten
from flux.store import events
from flux.wire.frames import Waiting
from tests.engine.desk import CALLER, Desk, end

_T = EventType
CALL = "~sleep#1"


async def fire(desk: Desk, identity: str, call: str = CALL) -> bool:
    """Whether there was something to fire."""
    return await desk.gate.write(timers.fire, identity, call)


async def test_a_due_timer_wakes_its_execution_where_it_is_loaded(desk: Desk) -> None:
    """The input is numbered, the wait is gone, and the slot is taken again."""
    granted = await desk.sleeping()
    desk.clock.advance(5_000)
    fired = await fire(desk, granted.execution)

    after = desk.execution(granted.execution)
    last = events.of(desk.database.reader, granted.key)[-2:]
    assert fired
    assert (after.state, after.worker, dict(after.waits)) == (State.RUNNING, "w1", {})
    assert [(event.type, event.call, event.worker) for event in last] == [
        (_T.TIMER_FIRED, CALL, None),
        (_T.WORKFLOW_WOKEN, None, "w1"),
    ]
    assert after.input_sequence == after.sequence - 1
    assert desk.gate.read(timers.everything) == []


async def test_without_a_free_slot_it_is_queued_and_its_worker_told_to_forget_it(desk: Desk) -> None:
    """Others took the slot while it slept; it gets the next one, wherever that is."""
    small = Desk.over(desk.database, slots=1)
    granted = await small.sleeping()
    await small.started("w1", "a#1")
    effects: list[object] = []
    small.gate.on_commit(lambda committed: effects.extend(committed.effects))

    await fire(small, granted.execution)

    after = small.execution(granted.execution)
    assert (after.state, after.worker, after.needs_grant) == (State.QUEUED, None, True)
    assert effects == [Forgotten(execution=granted.execution, worker="w1", fence=1)]
    assert small.gate.live.busy["w1"] == 1


async def test_an_unloaded_sleeper_is_queued(desk: Desk) -> None:
    """It is read from its row."""
    granted = await desk.sleeping()
    await desk.gate.write(grants.released, "w1", granted.execution, granted.fence)

    assert await fire(desk, granted.execution)
    assert desk.execution(granted.execution).needs_grant


async def test_a_timer_fires_once(desk: Desk) -> None:
    """The second time there is nothing to fire."""
    granted = await desk.sleeping()

    assert [await fire(desk, granted.execution), await fire(desk, granted.execution)] == [True, False]
    assert desk.log(desk.execution(granted.execution)).count(_T.TIMER_FIRED) == 1


async def test_what_has_no_such_timer_any_more_is_left_alone(desk: Desk) -> None:
    """Closed, ended, unknown, or a pause of that name: no error, since the wish to close it may be on its way."""
    paused, ended = await desk.paused(), await desk.sleeping()
    await desk.accept(desk.frame(ended, end=end()))
    position = desk.gate.live.numbers.position

    assert not await fire(desk, paused.execution, "pause:ship#1")
    assert not await fire(desk, ended.execution)
    assert not await fire(desk, "nobody")
    assert desk.gate.live.numbers.position == position


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED, State.QUEUED, State.CANCELLING])
async def test_a_timer_fires_in_every_open_state(desk: Desk, state: State) -> None:
    """It is an input like any other; only what sleeps is woken by it."""
    granted = await desk.started("w1", "a#1")
    await desk.accept(desk.frame(granted, waits=(Waiting(CALL, "timer", True, due=desk.clock.now()),)))
    if state is State.PAUSED:
        granted = await desk.paused()
        await desk.accept(desk.frame(granted, waits=(Waiting(CALL, "timer", True, due=desk.clock.now()),)))
    elif state is State.QUEUED:
        await desk.gate.write(grants.recover, "w1", Death(cause="lease"))
    elif state is State.CANCELLING:
        await desk.gate.write(executions.cancel, Cancel(execution=granted.execution, caller=CALLER))

    assert await fire(desk, granted.execution)
    expected = State.RUNNING if state is State.PAUSED else state
    assert desk.execution(granted.execution).state is expected


async def test_the_instant_is_never_before_the_timer_was_due(desk: Desk) -> None:
    """The clock of the machine may have been set back: what a workflow sees of time does not run backwards."""
    granted = await desk.sleeping(due=desk.clock.now() + 60_000)
    await fire(desk, granted.execution)

    fired = events.of(desk.database.reader, granted.key)[-2]
    assert fired.instant == desk.clock.now() + 60_000


async def test_several_fire_in_one_call(desk: Desk) -> None:
    """Those that are gone are passed over."""
    one, two = await desk.sleeping(), await desk.sleeping()
    await desk.gate.write(timers.fire_all, [(one.execution, CALL), ("nobody", CALL), (two.execution, CALL)])

    for granted in (one, two):
        assert desk.execution(granted.execution).state is State.RUNNING


async def test_opening_and_closing_tell_whoever_rings(desk: Desk) -> None:
    """After the commit, with the instant at which it is due."""
    effects: list[object] = []
    desk.gate.on_commit(lambda committed: effects.extend(committed.effects))
    granted = await desk.sleeping(due=77)
    await desk.accept(desk.frame(granted, waits=(Waiting(CALL, "timer", False),)))

    assert effects[1:] == [Armed(granted.execution, CALL, 77), Disarmed(granted.execution, CALL)]


async def test_open_timers_are_found_by_a_new_daemon(desk: Desk) -> None:
    """With whose they are."""
    granted = await desk.sleeping(due=77)

    (found,) = Desk.over(desk.database).gate.read(timers.everything)

    assert (found.execution, found.call, found.due) == (granted.execution, CALL, 77)
