"""WHY of what is on the screen, kept fresh."""

from flux.errors import Unreachable
from tui.glance import OLD, Glance
from tui.messages import ExecutionsChanged

from .ear import Ear
from .recorded import Recorded
from .stories import completed, paused_invoice, running_etl


async def test_an_open_execution_whose_tasks_changed_is_looked_at_again() -> None:
    """The stream does not carry its new sentence."""
    etl, ear = running_etl(), Ear()
    client = Recorded([etl, completed(1, 0), paused_invoice()])
    glance = Glance(client, lambda: frozenset({etl.id}), ear)

    glance.changed(frozenset({etl.id}))
    await glance.beat()
    await glance.beat()

    assert [[row.id for row in message.rows] for message in ear.all(ExecutionsChanged)] == [[etl.id]]
    assert client.pages == 1


async def test_a_sentence_grows_old_by_itself() -> None:
    """ "in 12s" is wrong a second later; every ten seconds is often enough."""
    etl, ear = running_etl(), Ear()
    client = Recorded([etl])
    glance = Glance(client, lambda: frozenset({etl.id}), ear)

    for _ in range(OLD):
        await glance.beat()

    assert client.pages == 1


async def test_nothing_is_asked_while_nothing_open_is_in_sight() -> None:
    """An idle screen costs nothing, here and at the daemon."""
    client = Recorded([running_etl()])
    glance = Glance(client, frozenset, Ear())

    glance.changed(frozenset({running_etl().id}))
    for _ in range(3 * OLD):
        await glance.beat()

    assert client.pages == 0


async def test_an_outage_is_left_to_the_stream() -> None:
    """One voice says it."""
    client, ear = Recorded(), Ear()
    await client.leave(Unreachable("down"))
    glance = Glance(client, lambda: frozenset({"x"}), ear)

    glance.changed(frozenset({"x"}))
    await glance.beat()

    assert ear.heard == []
