"""The execution that is looked at."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tui import reader as module
from tui.messages import DossierRead, ReadRefused
from tui.reader import Reader

from .ear import Ear, running
from .recorded import Recorded, event
from .stories import failed_order, running_etl


@asynccontextmanager
async def reading(client: Recorded) -> AsyncIterator[tuple[Ear, Reader]]:
    """A reader at work."""
    ear = Ear()
    reader = Reader(client, ear)
    async with running(reader.run()):
        yield ear, reader


async def test_view_and_events_are_read() -> None:
    """All of them."""
    story = failed_order()
    async with reading(Recorded([story])) as (ear, reader):
        assert reader.want(story.id) is None
        read = await ear.hear(DossierRead)

        assert reader.want(story.id) == read.dossier

    assert len(read.dossier.facts) == len(story.events)
    assert read.dossier.failure is not None


async def test_what_changed_is_read_again() -> None:
    """Only the events that came since; only if it is looked at."""
    story = running_etl()
    client = Recorded([story])
    async with reading(client) as (ear, reader):
        reader.want(story.id)
        await ear.hear(DossierRead)
        ended = replace(
            story, state="COMPLETED", took=200_000, events=(*story.events, event(200_000, "WORKFLOW_COMPLETED"))
        )
        client.stories[story.id] = ended
        reader.changed(frozenset({"another"}))
        reader.changed(frozenset({story.id}))
        again = await ear.hear(DossierRead, lambda message: message.dossier.row.state == "COMPLETED")

    assert len(again.dossier.facts) == len(story.events) + 1
    assert again.dossier.timeline.root.state == "COMPLETED"
    assert len(ear.all(DossierRead)) == 2


async def test_only_where_the_cursor_stops_is_read() -> None:
    """Walking through a list does not ask for every row of it."""
    stories = [failed_order(), running_etl()]
    async with reading(Recorded(stories)) as (ear, reader):
        reader.want(stories[0].id)
        reader.want(stories[1].id)
        await ear.hear(DossierRead)

    assert [message.dossier.row.id for message in ear.all(DossierRead)] == [stories[1].id]


async def test_what_cannot_be_read_is_told() -> None:
    """It may be gone, or not for this caller."""
    async with reading(Recorded()) as (ear, reader):
        reader.want("01JDX9KQ2ABCDEFGHJKMNPQRST")
        refused = await ear.hear(ReadRefused)

    assert refused.execution == "01JDX9KQ2ABCDEFGHJKMNPQRST"
    assert "no execution" in refused.reason


async def test_an_endless_history_is_read_up_to_a_limit() -> None:
    """And the dossier says that there is more."""
    story = running_etl()
    noise = tuple(event(number, "TIMER_FIRED", f"t#{number}") for number in range(module.MOST + 7))
    async with reading(Recorded([replace(story, events=noise)])) as (ear, reader):
        reader.want(story.id)
        read = await ear.hear(DossierRead)

    assert read.dossier.more
    assert len(read.dossier.facts) == module.MOST


@pytest.mark.parametrize("wanted", [None])
async def test_nothing_is_read_while_nothing_is_wanted(wanted: None) -> None:
    """An empty list has no cursor."""
    client = Recorded([failed_order()])
    async with reading(client) as (ear, reader):
        reader.want(failed_order().id)
        await ear.hear(DossierRead)
        assert reader.want(wanted) is None
        reader.again()

    assert len(ear.all(DossierRead)) == 1
