"""The form that answers a pause."""

from dataclasses import replace

from flux.clock import to_rfc3339
from flux.errors import InvalidInput
from tests.tui.recorded import NOON, Recorded
from tests.tui.stage import NARROW, showing
from tests.tui.stories import paused_invoice
from tui.records import Json


async def test_the_answer_is_sent_as_json() -> None:
    """What is typed replaces the null; the form shows what it does on a command line, and closes."""
    client = Recorded([paused_invoice()])
    async with showing(client) as stage:
        await stage.press("p")
        text = await stage.until("waits for approve")
        assert '"reason": "above the limit of 1000"' in text
        await stage.write("17")
        await stage.until("17 --pause approve")
        await stage.press("ctrl+s")
        await stage.until("answered")

        assert "INPUT (JSON)" not in stage.text

    assert ("resume", paused_invoice().id, 17, "approve") in client.asked


async def test_what_is_no_json_is_not_sent() -> None:
    """The place of the mistake is named while it is typed."""
    client = Recorded([paused_invoice()])
    async with showing(client) as stage:
        await stage.press("p")
        await stage.write("yes")
        await stage.until("not JSON: Expecting value, line 1 column 1")
        await stage.press("ctrl+s", "escape")
        await stage.until("STATE")

    assert [asked for asked in client.asked if asked[0] == "resume"] == []


async def test_a_refused_answer_can_be_mended_in_place() -> None:
    """The form stays open, with the daemon's words."""

    class Strict(Recorded):
        async def resume(self, execution: str, input: object = None, *, pause: str | None = None) -> Json:
            if input is None:
                raise InvalidInput("/amount: must be a number")
            return await super().resume(execution, input, pause=pause)

    client = Strict([paused_invoice()])
    async with showing(client) as stage:
        await stage.press("p")
        await stage.until("waits for approve")
        await stage.press("ctrl+s")
        await stage.until("/amount: must be a number")
        await stage.write("1")
        await stage.press("ctrl+s")

        await stage.until("answered")


async def test_any_of_several_pauses_can_be_answered() -> None:
    """The oldest first; `^N` goes on to the next."""
    story = paused_invoice()
    second = {"name": "second", "call_id": "pause:second#1", "output": None, "opened_at": to_rfc3339(NOON)}
    client = Recorded([replace(story, pauses=(*story.pauses, second))])
    async with showing(client, size=NARROW) as stage:
        await stage.press("p")
        await stage.until("^N next of 2 pauses")
        await stage.press("ctrl+n")
        await stage.until("waits for second")
        await stage.press("ctrl+s")
        await stage.until("answered")

    assert ("resume", story.id, None, "second") in client.asked
