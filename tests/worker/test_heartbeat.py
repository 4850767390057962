"""Heartbeats: regular ones, and at once when the loop is held."""

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from flux.clock import SYSTEM
from flux.wire.frames import Heartbeat
from flux.worker.heartbeat import HELD, Pulse

MakePulse = Callable[..., "queue.Queue[Heartbeat | str]"]


@pytest.fixture
async def pulse() -> AsyncIterator[MakePulse]:
    """Starts a pulse; gives the queue of what it does."""
    made: list[Pulse] = []

    def make(interval: int, holding: tuple[str, str, int, int] | None = None) -> "queue.Queue[Heartbeat | str]":
        told: queue.Queue[Heartbeat | str] = queue.Queue()
        loop = asyncio.get_running_loop()
        one = Pulse(loop, told.put, lambda: holding, SYSTEM, interval, lambda: told.put("held"))
        one.start()
        made.append(one)
        return told

    yield make
    for one in made:
        one.stop()


async def test_a_turning_loop_is_told_at_the_interval(pulse: MakePulse):
    """With an age of nothing, and nobody who holds it."""
    told = pulse(interval=1)

    first = await asyncio.to_thread(told.get)

    assert first == Heartbeat(0)


async def test_a_held_loop_is_told_without_waiting_for_the_interval(pulse: MakePulse):
    """With the body that holds it, after what it printed was sent."""
    told = pulse(interval=3_600_000, holding=("e1", "slow#1", 2, 0))

    words = [told.get(), told.get()]  # the test holds the loop, as a body would

    assert words[0] == "held"
    beat = words[1]
    assert isinstance(beat, Heartbeat)
    assert beat.age > HELD
    assert (beat.execution, beat.call, beat.attempt, beat.since) == ("e1", "slow#1", 2, beat.age)


async def test_a_loop_that_goes_on_is_no_longer_told(pulse: MakePulse):
    """The age begins anew."""
    told = pulse(interval=400)
    told.get()  # holds the loop until a heartbeat
    held = threading.Event()
    asyncio.get_running_loop().call_soon(held.set)
    await asyncio.sleep(0)

    beats = [await asyncio.to_thread(told.get) for _ in range(3)]

    assert isinstance(beats[-1], Heartbeat)
    assert beats[-1].age < HELD
