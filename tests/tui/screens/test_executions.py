"""The list of executions, played with keys."""

import asyncio
from dataclasses import replace

import pytest
from textual import events

from flux.errors import Denied, Unreachable
from tests.tui.recorded import Recorded
from tests.tui.stage import NARROW, showing
from tests.tui.stories import MINUTE, completed, every_state, paused_invoice, running_etl
from tui.format import ASCII
from tui.pager import SIZE
from tui.records import Json


async def test_every_state_is_told_by_sign_and_word() -> None:
    """And every execution says why it is where it is."""
    async with showing(Recorded(every_state())) as stage:
        text = stage.text

    for shown in ("◦ queued", "✗ failed", "◔ waiting", "✓ completed", "► running", "⊘ cancelled", "⊖ cancelling"):
        assert shown in text
    assert "retry 3 of 8 of reserve_stock in 12 s after ReadTi" in text


async def test_the_states_are_counted() -> None:
    """All that there are, not only those on the screen."""
    async with showing(Recorded(every_state())) as stage:
        await stage.until("✓ 18 completed")

        assert "► 1 running   ◦ 1 queued   ◔ 2 waiting   ‖ 1 paused" in stage.text


async def test_the_preview_shows_the_selected_execution() -> None:
    """Why, input, error, timeline; another one as soon as the cursor moves."""
    async with showing(Recorded(every_state())) as stage:
        await stage.press("j")
        text = await stage.until("━×")
        assert "ERROR CardDeclined: 402 payment required" in text
        assert 'IN    {"id": "A-1009"' in text

        await stage.press("down", "down", "down", "down")
        await stage.until("load_partition ×18 ▸")


async def test_new_executions_are_counted_and_shown_when_asked_for() -> None:
    """Nothing moves under the eyes: a chip counts, `g` shows."""
    client = Recorded(every_state())
    async with showing(client) as stage:
        await stage.press("j")
        before = stage.cursor
        for number in (90, 91):
            await client.tell(completed(number, -number * 1000))
        await stage.until("▲ 2 new · g")
        assert stage.cursor == before
        assert completed(91, -91_000).id[-6:] not in stage.text

        await stage.press("g")

        assert completed(91, -91_000).id[-6:] in stage.cursor
        assert "new · g" not in stage.text


async def test_a_change_is_seen_in_place() -> None:
    """Within a beat, on its own line."""
    client = Recorded(every_state())
    etl = running_etl()
    async with showing(client) as stage:
        line = next(number for number, text in enumerate(stage.lines) if etl.id[-6:] in text)
        await client.tell(replace(etl, state="FAILED", why="load_partition failed", took=130_000, sequence=99))
        await stage.until("load_partition failed")

        assert "✗ failed" in stage.lines[line]
        assert etl.id[-6:] in stage.lines[line]


async def test_the_list_can_be_followed() -> None:
    """`F`: what is new is shown at once."""
    client = Recorded([completed(1, MINUTE)])
    async with showing(client) as stage:
        await stage.press("F")
        await stage.until("▲ following")
        await client.tell(completed(2, 0))
        await stage.until(completed(2, 0).id[-6:])

        assert completed(2, 0).id[-6:] in stage.cursor


async def test_a_query_narrows_the_list_while_it_is_typed() -> None:
    """Here at once, at the daemon for what is not loaded; `x` clears it."""
    client = Recorded(every_state())
    async with showing(client) as stage:
        await stage.press("slash")
        await stage.write("state:FAILED")
        await stage.until(lambda text: "✗ failed" in text and "► running " not in text.split("STATE")[1])
        await stage.press("enter", "x")
        await stage.until("media/video_encode")

    assert ("executions", ("FAILED",), None, None, None) in client.asked


async def test_a_query_that_cannot_be_read_says_why() -> None:
    """With the word that was probably meant."""
    async with showing(Recorded(every_state())) as stage:
        await stage.press("slash")
        await stage.write("stat:FAILED")

        await stage.until("no field 'stat': did you mean state?")


async def test_a_query_without_matches_says_how_to_clear_it() -> None:
    """No dead end."""
    async with showing(Recorded(every_state())) as stage:
        await stage.press("slash")
        await stage.write("nowhere")

        await stage.until("nothing matches")
        assert "looks further" not in stage.text
        assert "x clears the query" in stage.text


async def test_what_is_typed_in_one_go_arrives_in_the_query_line() -> None:
    """Over a slow link many keys come at once: none of those after the slash is taken for a command."""
    client = Recorded(every_state())
    async with showing(client) as stage:
        for key in ("/", *"namespace:etl"):
            stage.app.post_message(events.Key({"/": "slash", ":": "colon"}.get(key, key), key))

        await stage.until("namespace:etl")
        await stage.until(lambda text: "etl/nightly" in text and "order_fulfil" not in text)
        await stage.press("slash")
        await stage.until("namespace:etl/")


async def test_escape_leaves_the_query_line() -> None:
    """And keys are commands again."""
    async with showing(Recorded(every_state())) as stage:
        await stage.press("slash", "escape", "j")

        assert "✗ failed" in stage.cursor


async def test_the_next_page_is_read_before_the_end_is_reached() -> None:
    """The list has any length."""
    client = Recorded([completed(number, number * MINUTE) for number in range(2 * SIZE + 5)])
    async with showing(client) as stage:
        await stage.until(f"{SIZE} of {2 * SIZE + 5}")
        await stage.press("G")
        await stage.until(f"{2 * SIZE} of {2 * SIZE + 5}")
        await stage.press("G")
        await stage.until(lambda text: " of " not in text)
        await stage.press("G")

        assert completed(2 * SIZE + 4, (2 * SIZE + 4) * MINUTE).id[-6:] in stage.cursor


async def test_cancel_asks_first() -> None:
    """What will happen is said; no is the end of it."""
    client = Recorded([running_etl()])
    async with showing(client) as stage:
        await stage.press("C")
        text = await stage.until("Cancel 1 execution?")
        assert "What runs is interrupted" in text
        assert f"flux cancel {running_etl().id}" in text
        await stage.press("n", "C", "y")
        await stage.until("⊖ cancelling")

    assert [asked for asked in client.asked if asked[0] == "cancel"] == [("cancel", running_etl().id)]


async def test_a_cancel_that_comes_too_late_says_so() -> None:
    """The answer of the daemon, in its words."""
    client = Recorded([running_etl()])
    async with showing(client) as stage:
        await stage.press("C")
        client.stories[running_etl().id] = replace(running_etl(), state="COMPLETED", took=1)
        await stage.press("y")

        await stage.until("not cancelled")


@pytest.mark.parametrize(("key", "said"), [("C", "nothing left to cancel"), ("p", "nothing waits")])
async def test_what_is_not_possible_says_why(key: str, said: str) -> None:
    """Instead of doing nothing."""
    client = Recorded([completed(1, MINUTE)])
    async with showing(client) as stage:
        await stage.press(key)

        await stage.until(said)


async def test_read_only_offers_nothing_that_changes_anything() -> None:
    """Not in the footer, not by key."""
    client = Recorded([running_etl()])
    async with showing(client, read_only=True) as stage:
        assert "read only · ● live" in stage.text
        assert "cancel" not in stage.lines[-1]
        await stage.press("C")
        await stage.until("--read-only")

    assert [asked for asked in client.asked if asked[0] == "cancel"] == []


async def test_an_empty_list_says_what_to_type_next() -> None:
    """The first thing that a new user sees."""
    async with showing(Recorded()) as stage:
        await stage.until("no executions yet")

        assert "flux run WORKFLOW INPUT starts one" in stage.text


async def test_a_daemon_that_goes_away_leaves_its_data() -> None:
    """Dimmed, with its age, the reason, and when it is tried again; then it is live again."""
    client = Recorded(every_state())
    async with showing(client) as stage:
        await client.leave(Unreachable("connection refused"))
        text = await stage.until("○ offline connection refused · data as of 12:00:00Z · retry in")
        assert "✗ failed" in text
        client.come_back()

        await stage.until("● live")


async def test_keys_are_commands_before_anything_has_come() -> None:
    """What is pressed while the first answer is on its way is not typed into the query line."""

    class Slow(Recorded):
        answer = asyncio.Event()

        async def executions(self, **asked: object) -> Json:
            await self.answer.wait()
            return await super().executions(**asked)  # type: ignore[arg-type]  # passed on as they are

    client = Slow(every_state())
    async with showing(client, live=False) as stage:
        await stage.until("connecting")
        await stage.press("F", "j")
        client.answer.set()
        await stage.until("▲ following")

        await stage.until("✗ failed")


async def test_a_terminal_that_grows_again_obeys() -> None:
    """The table has the keys again after the screen was too small for it."""
    async with showing(Recorded(every_state())) as stage:
        await stage.pilot.resize_terminal(40, 10)
        await stage.until("is too small")
        await stage.pilot.resize_terminal(120, 36)
        await stage.until("STATE")
        await stage.press("down")

        assert "✗ failed" in stage.cursor


async def test_a_daemon_that_never_was_there_says_how_to_start_one() -> None:
    """A list that only says loading would be a lie."""
    client = Recorded()
    await client.leave(Unreachable("no daemon answers at unix:/run/flux/flux.sock"))
    async with showing(client) as stage:
        text = await stage.until("flux dev starts a daemon here")

        assert "no daemon answers at unix:/run/flux/flux.sock" in text


async def test_who_may_not_look_is_told_what_is_missing() -> None:
    """A refusal is no outage."""
    client = Recorded()
    await client.leave(Denied("missing permission: workflow:*:read"))
    async with showing(client) as stage:
        await stage.until("refused missing permission: workflow:*:read")


async def test_refresh_connects_at_once() -> None:
    """`^R` does not wait for the next try."""
    client = Recorded([completed(1, MINUTE)])
    async with showing(client) as stage:
        await client.leave(Unreachable("down"))
        await stage.until("offline")
        client.come_back()
        await stage.press("ctrl+r")

        await stage.until("● live")


async def test_a_terminal_too_small_says_what_it_needs() -> None:
    """Nothing is drawn wrong instead; q still leaves."""
    async with showing(Recorded(every_state()), size=(50, 12)) as stage:
        text = await stage.until("50×12 is too small: 60×14 is the least")

        assert "STATE" not in text


async def test_a_narrow_terminal_shows_the_same_list() -> None:
    """80×24 is enough for everything that matters; help is always in the footer."""
    async with showing(Recorded(every_state()), size=NARROW) as stage:
        await stage.press("j")
        text = await stage.until("✗ charge_card")

        assert "WHY   charge_card failed after 3 attempts" in text
        assert "? help" in stage.lines[-1]
        assert max(map(len, stage.lines)) <= 80


async def test_ascii_is_ascii() -> None:
    """For terminals that know nothing else, whatever is on the screen."""
    async with showing(Recorded(every_state()), glyphs=ASCII) as stage:
        for _ in range(6):
            await stage.press("j")
            await stage.until("IN    ")
            assert stage.text.isascii()
        for key in ("C", "n", "y", "escape", "p", "colon", "escape", "enter", "question_mark"):
            await stage.press(key)
            await stage.still()
            assert [line for line in stage.lines if not line.isascii()] == []


async def test_what_the_daemon_sends_cannot_draw() -> None:
    """A name or a sentence with escape sequences is spelled out."""
    evil = replace(running_etl(), why="\x1b[2J\x1b]0;owned\x07 running", workflow="default/[bold]x[/bold]")
    async with showing(Recorded([evil])) as stage:
        text = await stage.until("\\x1b[2J\\x1b]0;owned\\x07 running")

        assert "[bold]x[/bold]" in text


async def test_a_click_selects_and_another_opens() -> None:
    """For those who have a mouse."""
    async with showing(Recorded(every_state())) as stage:
        line = next(number for number, text in enumerate(stage.lines) if "✗ failed " in text and "…" in text)
        await stage.pilot.click(offset=(30, line))
        await stage.pilot.pause()
        assert "✗ failed" in stage.cursor
        await stage.pilot.click(offset=(30, line))

        await stage.until("Executions › ")


async def test_every_command_is_done_by_the_screen() -> None:
    """A command without a deed would crash when its key is pressed."""
    async with showing(Recorded([paused_invoice()])) as stage:
        screen = stage.app.screen

        assert set(screen.COMMANDS_HERE) <= set(screen.doers())  # type: ignore[attr-defined]  # a Frame
