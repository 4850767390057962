"""Executions that are rows: as records they are what they were when they were put away."""

from dataclasses import replace

import pytest

from flux.core.execution import State
from flux.engine import executions, grants, parked, timers
from flux.engine.executions import Resume
from flux.errors import NotFound
from flux.wire.frames import Idle, Waiting
from tests.engine.desk import CALLER, PAUSE, Desk, begin, end


async def test_a_parked_execution_is_what_it_was_in_memory(desk: Desk) -> None:
    """Pauses in the order in which they were opened, timers, newest input; only where it was loaded is forgotten."""
    granted = await desk.started()
    waits = (PAUSE, Waiting("pause:b#1", "pause", True, parent="x#1", name="b"), Waiting("~t#1", "timer", True, due=77))
    await desk.accept(desk.frame(granted, waits=waits))
    await desk.gate.write(executions.resume, Resume(execution=granted.execution, input=b"1", caller=CALLER))
    seen = desk.execution(granted.execution).input_sequence
    await desk.accept(desk.frame(granted, waits=(PAUSE,), idle=Idle(seen)))
    loaded = desk.execution(granted.execution)
    await desk.gate.write(grants.released, "w1", granted.execution, granted.fence)

    found = parked.load(desk.database.reader, granted.execution)

    assert list(found.waits) == ["pause:b#1", "pause:ship#1", "~t#1"]
    assert replace(found, updated=0) == replace(loaded, worker=None, reports=0, updated=0)


async def test_a_timer_that_fired_and_was_opened_again_is_open(desk: Desk) -> None:
    """What is open is what the timers say, whatever the log tells of an earlier one of that name."""
    granted = await desk.sleeping()
    await desk.gate.write(timers.fire, granted.execution, "~sleep#1")
    again = Waiting("~sleep#1", "timer", True, due=99)
    await desk.accept(desk.frame(granted, waits=(again,)))

    assert parked.load(desk.database.reader, granted.execution).waits["~sleep#1"].due == 99


async def test_an_open_execution_that_is_not_in_memory_is_read_too(desk: Desk) -> None:
    """As a daemon finds it that has not taken up anything yet: bodies are unknown, and will be lost with the grant."""
    granted = await desk.started("w1", "a#1")

    found = parked.load(desk.database.reader, granted.execution)

    assert (found.state, found.worker, found.fence, found.sequence) == (State.RUNNING, "w1", 1, 3)
    assert found.bodies == {}


async def test_what_has_ended_waits_for_nothing(desk: Desk) -> None:
    """Though its log ends with a pause that nobody closed."""
    granted = await desk.started("w1", "a#1")
    await desk.accept(desk.frame(granted, waits=(PAUSE,)))
    await desk.accept(desk.frame(granted, end=end()))

    found = parked.load(desk.database.reader, granted.execution)

    assert (found.state, found.waits) == (State.COMPLETED, {})


async def test_a_denial_is_an_input_and_no_wait(desk: Desk) -> None:
    """The newest input is the one that must have been seen."""
    bot = await desk.caller("bot", "workflow:default:work:run", "workflow:default:work:task:step:execute")
    granted = await desk.grant((await desk.submit(caller=bot)).id)
    await desk.accept(desk.frame(granted, begins=(begin("secret#1"),)))

    found = parked.load(desk.database.reader, granted.execution)

    assert (found.input_sequence, found.waits) == (3, {})


async def test_nobody_is_not_found(desk: Desk) -> None:
    """By its id."""
    with pytest.raises(NotFound, match="no execution nobody"):
        parked.load(desk.database.reader, "nobody")
