"""The event stream: connecting, passing on, breaking, coming back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from flux.clock import ManualClock
from flux.errors import Denied, Unreachable
from tui.feed import SHORTEST, Feed
from tui.messages import ExecutionsChanged, LinkChanged, PageRead, StatesCounted
from tui.model import Reach
from tui.pager import Pager

from .ear import Ear, running
from .recorded import NOON, Recorded
from .stories import completed, running_etl


@asynccontextmanager
async def feeding(client: Recorded) -> AsyncIterator[tuple[Ear, Feed]]:
    """A feed at work."""
    ear = Ear()
    pager = Pager(client, ear)
    feed = Feed(client, pager, ManualClock(NOON), ear)
    async with running(feed.run()):
        yield ear, feed


async def test_it_reads_a_page_then_follows() -> None:
    """The page first: what it says is the ground on which the updates stand."""
    client = Recorded([completed(1, 0)])
    async with feeding(client) as (ear, _):
        await ear.hear(PageRead)
        await ear.hear(LinkChanged, lambda message: message.link.reach is Reach.LIVE)
        await client.tell(completed(2, 0))

        changed = await ear.hear(ExecutionsChanged)

    assert [row.id for row in changed.rows] == [completed(2, 0).id]


async def test_nothing_between_page_and_stream_is_missed() -> None:
    """The stream begins at the position of the page."""
    client = Recorded([completed(1, 0)])
    await client.tell(completed(2, 0))  # in the page already
    async with feeding(client) as (ear, _):
        page = await ear.hear(PageRead)
        await client.tell(completed(3, 0))
        changed = await ear.hear(ExecutionsChanged)

    assert len(page.page.rows) == 2
    assert [row.id for row in changed.rows] == [completed(3, 0).id]


async def test_a_burst_is_one_message() -> None:
    """However many things happen, the screen is drawn ten times a second."""
    story = running_etl()
    client = Recorded([story])
    async with feeding(client) as (ear, _):
        await ear.hear(LinkChanged)
        for number in range(500):
            await client.tell(replace(story, sequence=100 + number))
        await ear.hear(ExecutionsChanged, lambda message: message.rows[0].sequence == 599)

    assert len(ear.all(ExecutionsChanged)) <= 3


async def test_tasks_touch_their_execution() -> None:
    """The list need not change for it; who looks at the execution reads it again."""
    story = running_etl()
    client = Recorded([story])
    async with feeding(client) as (ear, _):
        await ear.hear(LinkChanged)
        await client.tell(story, kind="task")
        changed = await ear.hear(ExecutionsChanged)

    assert changed.rows == ()
    assert changed.touched == {story.id}


async def test_a_daemon_that_goes_away_is_told_with_the_next_try() -> None:
    """Why, since when the data is old, and when it is tried again."""
    client = Recorded([completed(1, 0)])
    async with feeding(client) as (ear, _):
        await ear.hear(LinkChanged)
        await client.leave(Unreachable("no daemon answers"))
        lost = await ear.hear(LinkChanged, lambda message: message.link.reach is Reach.OFFLINE)
        client.come_back()
        ear.heard.clear()
        await ear.hear(LinkChanged, lambda message: message.link.reach is Reach.LIVE)

        assert ear.all(PageRead)

    assert lost.link.reason == "no daemon answers"
    assert (lost.link.since, lost.link.retry_at) == (NOON, NOON + SHORTEST)


async def test_who_is_refused_is_told_so() -> None:
    """A permission that is missing is no outage."""
    client = Recorded()
    await client.leave(Denied("lacks workflow:*:read"))
    async with feeding(client) as (ear, _):
        told = await ear.hear(LinkChanged)

    assert (told.link.reach, told.link.reason) == (Reach.REFUSED, "lacks workflow:*:read")


async def test_delays_grow_and_asking_ends_them() -> None:
    """A daemon that is down is not hammered; a person who asks does not wait."""
    client = Recorded()
    await client.leave(Unreachable("down"))
    async with feeding(client) as (ear, feed):
        first = await ear.hear(LinkChanged)
        feed.retry()
        second = await ear.hear(LinkChanged, lambda message: message.link.retry_at > first.link.retry_at)
        client.come_back()
        feed.retry()
        await ear.hear(LinkChanged, lambda message: message.link.is_live)

    assert second.link.retry_at - NOON == 2 * SHORTEST


async def test_a_reset_reads_the_page_again() -> None:
    """The stream lost something: the list is looked at again, and nobody is told of an outage."""
    client = Recorded([completed(1, 0)])
    async with feeding(client) as (ear, _):
        await ear.hear(LinkChanged)
        ear.heard.clear()
        await client.reset()
        await ear.hear(PageRead)

    assert all(message.link.is_live for message in ear.all(LinkChanged))


async def test_states_are_counted_when_something_changed() -> None:
    """Once at the beginning; then not before the next change."""
    client = Recorded([completed(1, 0), running_etl()])
    async with feeding(client) as (ear, _):
        counted = await ear.hear(StatesCounted)
        await asyncio.sleep(0)

        assert counted.states == {"COMPLETED": 1, "RUNNING": 1}
        assert len(ear.all(StatesCounted)) == 1


async def test_a_new_connection_can_be_asked_for() -> None:
    """`^R` while all is well reads everything again."""
    client = Recorded([completed(1, 0)])
    async with feeding(client) as (ear, feed):
        await ear.hear(LinkChanged)
        ear.heard.clear()
        feed.retry()
        await ear.hear(PageRead)
