"""Waits for the moment in which an execution rests."""

import asyncio

from flux.core.execution import State
from flux.server.waits import Waits


async def waiting(desk) -> Waits:
    """Waits that are told of every commit."""
    waits = Waits()
    desk.gate.on_commit(waits.publish)
    return waits


async def test_only_rest_ends_a_wait(site):
    """Neither progress of this execution nor the end of another."""
    waits = await waiting(site.desk)
    execution = await site.desk.submit()
    future = waits.expect(execution.id)
    await site.desk.grant(execution.id)
    other = await site.desk.submit()
    await site.complete(other.id)

    assert not future.done()
    assert len(waits) == 1


async def test_every_waiter_is_told(site):
    """However many wait for the same execution; with the event that did it, so that nobody reads it again."""
    waits = await waiting(site.desk)
    execution = await site.desk.submit()
    futures = [waits.expect(execution.id) for _ in range(3)]
    await site.complete(execution.id, b"7")

    for rested in await asyncio.gather(*futures):
        assert rested is not None
        assert rested.execution.state is State.COMPLETED
        assert rested.event is not None
        assert rested.event.payload == b"7"
    assert len(waits) == 0


async def test_a_cancelled_wait_is_forgotten(site):
    """And does not disturb the others."""
    waits = await waiting(site.desk)
    execution = await site.desk.submit()
    gone, stays = waits.expect(execution.id), waits.expect(execution.id)
    gone.cancel()
    await site.until(lambda: len(waits) == 1)
    await site.complete(execution.id)

    assert (await stays) is not None


async def test_when_the_daemon_stops_every_wait_ends(site):
    """Those that come later end at once."""
    waits = await waiting(site.desk)
    execution = await site.desk.submit()
    future = waits.expect(execution.id)
    waits.close()

    assert await future is None
    assert await waits.expect(execution.id) is None
