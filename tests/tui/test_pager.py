"""Pages of the list."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from flux.errors import Unreachable
from tui.messages import PageRead, ReadRefused
from tui.pager import DEEPEST, SIZE, Pager
from tui.query import EVERYTHING, parse

from .ear import Ear, running
from .recorded import Recorded, Story
from .stories import completed, every_state


@asynccontextmanager
async def paging(client: Recorded) -> AsyncIterator[tuple[Ear, Pager]]:
    """A pager at work."""
    ear = Ear()
    pager = Pager(client, ear)
    async with running(pager.run()):
        yield ear, pager


def many(count: int) -> list[Story]:
    """`count` executions that have ended."""
    return [completed(number, number * 1000) for number in range(count)]


async def test_a_query_is_asked_of_the_daemon() -> None:
    """As far as it knows the terms."""
    client = Recorded(every_state())
    async with paging(client) as (ear, pager):
        pager.ask(parse("state:FAILED,PAUSED namespace:default"))
        read = await ear.hear(PageRead)

    assert client.asked == [("executions", ("FAILED", "PAUSED"), None, "default", None)]
    assert [row.state for row in read.page.rows] == ["FAILED"]
    assert read.first


async def test_the_next_page_goes_on_below() -> None:
    """By the cursor that came with the last one."""
    client = Recorded(many(SIZE + 10))
    async with paging(client) as (ear, pager):
        pager.ask(EVERYTHING)
        first = await ear.hear(PageRead)
        pager.more(EVERYTHING, first.page.cursor or "")
        second = await ear.hear(PageRead, lambda message: not message.first)

    assert (len(first.page.rows), len(second.page.rows)) == (SIZE, 10)
    assert second.page.cursor is None


async def test_words_are_looked_for_in_page_after_page() -> None:
    """Until there is a screenful, or until it has been long enough."""
    client = Recorded(many(SIZE * (DEEPEST + 5)))
    async with paging(client) as (ear, pager):
        pager.ask(parse("nowhere"))
        await ear.hear(PageRead, lambda _: client.pages >= DEEPEST)
        pager.ask(parse("state:FAILED"))
        await ear.hear(PageRead, lambda message: message.query.states == ("FAILED",))

    assert client.pages == DEEPEST + 1


async def test_a_refusal_is_told() -> None:
    """With what the daemon said."""
    client = Recorded()
    await client.leave(Unreachable("down"))
    async with paging(client) as (ear, pager):
        pager.ask(EVERYTHING)
        refused = await ear.hear(ReadRefused)

    assert (refused.execution, refused.reason) == (None, "down")


async def test_more_of_another_query_is_not_read() -> None:
    """The question may have changed since the page was shown."""
    client = Recorded(many(3))
    async with paging(client) as (ear, pager):
        pager.more(parse("other"), "x")
        pager.ask(EVERYTHING)
        await ear.hear(PageRead)

    assert client.pages == 1
