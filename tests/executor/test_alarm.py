"""The alarm: timers ring when they are due, whatever happened to the others meanwhile."""

import asyncio

import pytest

from flux.clock import ManualClock
from flux.executor.alarm import Alarm

Key = tuple[str, str]


class Bell:
    """An alarm and what it rang for."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.rung: list[list[Key]] = []
        self._rang = asyncio.Event()
        self.alarm = Alarm(self.clock, self._ring)

    def _ring(self, due: list[Key]) -> None:
        self.rung.append(due)
        self._rang.set()

    async def rings(self) -> list[Key]:
        """What it rings for next."""
        async with asyncio.timeout(10):
            await self._rang.wait()
        self._rang.clear()
        return self.rung[-1]

    def set(self, name: str, wait: int) -> None:
        """Set a timer, due in so many milliseconds."""
        self.alarm.set("e", name, self.clock.now() + wait)


@pytest.fixture
async def bell() -> Bell:
    """An alarm without timers."""
    return Bell()


async def test_what_came_due_while_nobody_was_there_rings_at_once(bell: Bell) -> None:
    """A timer does not care that the daemon was down at its instant."""
    bell.set("old", -3_600_000)

    assert await bell.rings() == [("e", "old")]
    assert len(bell.alarm) == 0


async def test_timers_ring_together_in_the_order_of_their_instants(bell: Bell) -> None:
    """What is due at one look is told in one call."""
    for name, wait in (("c", 30), ("a", 10), ("later", 3_600_000), ("b", 20)):
        bell.set(name, wait)

    bell.clock.advance(30)

    assert await bell.rings() == [("e", "a"), ("e", "b"), ("e", "c")]
    assert len(bell.alarm) == 1


async def test_a_timer_set_later_may_be_due_sooner(bell: Bell) -> None:
    """The alarm does not sleep past it."""
    bell.set("far", 50_000)
    bell.set("near", 5)
    bell.clock.advance(5)

    assert await bell.rings() == [("e", "near")]


async def test_a_cleared_timer_does_not_ring(bell: Bell) -> None:
    """Closing one leaves the others alone."""
    bell.set("closed", 10)
    bell.set("open", 20)

    bell.alarm.clear("e", "closed")
    bell.clock.advance(20)

    assert await bell.rings() == [("e", "open")]


async def test_a_timer_that_is_set_anew_rings_once_at_its_new_instant(bell: Bell) -> None:
    """The old instant passes in silence."""
    bell.set("moved", 10)
    bell.set("moved", 1_000)
    bell.set("other", 20)
    bell.clock.advance(20)
    assert await bell.rings() == [("e", "other")]

    bell.clock.advance(1_000)

    assert await bell.rings() == [("e", "moved")]
    assert len(bell.rung) == 2


async def test_the_ring_may_set_timers_again(bell: Bell) -> None:
    """What could not be written is tried again a moment later."""
    again = asyncio.Event()

    def ring(due: list[Key]) -> None:
        if again.is_set():
            bell._ring(due)  # noqa: SLF001 - our own
        else:
            again.set()
            alarm.set(*due[0], bell.clock.now())

    alarm = Alarm(bell.clock, ring)
    alarm.set("e", "stubborn", bell.clock.now())

    assert await bell.rings() == [("e", "stubborn")]


async def test_closed_timers_do_not_fill_the_memory(bell: Bell) -> None:
    """A thousand times more closed than open: the heap holds little more than what is open."""
    for n in range(20_000):
        bell.set(f"t{n}", 3_600_000)
        bell.alarm.clear("e", f"t{n}")
    bell.set("open", 10)
    bell.clock.advance(10)

    assert await bell.rings() == [("e", "open")]
    assert len(bell.alarm._heap) < 2_000  # noqa: SLF001 - what it costs shows nowhere else


async def test_a_stopped_alarm_is_silent(bell: Bell) -> None:
    """Not even what is due rings."""
    bell.set("due", 0)
    bell.alarm.stop()
    bell.alarm.stop()

    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert bell.rung == []
