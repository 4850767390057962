"""A daemon that starts: everything that was open goes on, and nothing of the last daemon counts any more."""

import pytest

from flux.core.execution import State
from flux.engine import executions, grants, principals
from flux.engine.executions import Resume
from flux.engine.grants import Death
from flux.errors import StaleLease
from flux.wire.frames import Idle
from tests.engine.desk import CALLER, PAUSE, Desk, fact


@pytest.mark.parametrize("state", State)
async def test_a_new_daemon_takes_up_every_state(desk: Desk, state: State) -> None:
    """What ran is queued anew, what waits goes on waiting, what has ended stays so: and no worker is believed in."""
    before = await desk.standing(state)
    after_crash = Desk.over(desk.database)
    await after_crash.gate.write(grants.restart)

    after = after_crash.execution(before.id)
    expected = State.QUEUED if state is State.RUNNING else state
    assert (after.state, after.worker) == (expected, None)
    assert (before.id in after_crash.gate.live.executions) is after.needs_grant
    assert after.waits == before.waits
    assert after_crash.gate.live.busy == {}


async def test_a_new_daemon_takes_up_a_clean_up_that_ran(desk: Desk) -> None:
    """It was CANCELLING on a worker that is dead by now."""
    execution = await desk.standing(State.CANCELLING)
    await desk.grant(execution.id)
    after_crash = Desk.over(desk.database)
    await after_crash.gate.write(grants.restart)

    assert after_crash.execution(execution.id).needs_grant


async def test_a_new_daemon_refuses_the_grants_of_the_old_one(desk: Desk) -> None:
    """A worker that outlived it has nothing to say."""
    granted = await desk.started("w1", "a#1")
    after_crash = Desk.over(desk.database)
    await after_crash.gate.write(grants.restart)
    late = desk.frame(granted, facts=(fact("a#1"),))

    with pytest.raises(StaleLease):
        await after_crash.accept(late)


async def test_what_was_resting_and_woken_goes_on_after_a_crash(desk: Desk) -> None:
    """The input is in the log: the next grant brings it."""
    granted = await desk.paused()
    await desk.gate.write(grants.recover, "w1", Death(cause="lease"))
    resumed = Desk.over(desk.database)
    await resumed.gate.write(grants.restart)
    await resumed.gate.write(executions.resume, Resume(execution=granted.execution, input=b"1", caller=CALLER))
    again = await resumed.grant(granted.execution, "w2")
    await resumed.accept(resumed.frame(again, idle=None, waits=(PAUSE,)), "w2")
    answer = await resumed.accept(resumed.frame(again, idle=Idle(0)), "w2")

    assert answer.refused  # it has not seen the answer yet


async def test_principals_that_are_disabled_do_not_stop_a_new_daemon(desk: Desk) -> None:
    """Their executions are looked at like all others, when their turn comes."""
    bot = await desk.caller("bot", "workflow:default:work:*")
    execution = await desk.submit(caller=bot)
    await desk.gate.write(principals.disable, bot.principal.id, CALLER)
    after_crash = Desk.over(desk.database)
    await after_crash.gate.write(grants.restart)

    assert after_crash.execution(execution.id).needs_grant


async def test_memory_and_rows_agree_on_what_rests(desk: Desk) -> None:
    """Though whoever starts anew should have nothing in memory."""
    granted = await desk.paused()
    await desk.gate.write(grants.restart)

    assert granted.execution not in desk.gate.live.executions
    assert desk.gate.live.loaded["w1"] == set()
    assert desk.execution(granted.execution).worker is None
