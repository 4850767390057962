"""One execution, played with keys."""

from dataclasses import replace

from flux.errors import NotFound
from tests.tui.recorded import Recorded, Story, event
from tests.tui.stage import NARROW, Stage, showing
from tests.tui.stories import completed, failed_order, paused_invoice, running_etl


async def opened(stage: Stage) -> str:
    """The screen of the only execution, as soon as it has been read."""
    await stage.press("enter")
    return await stage.until(lambda text: "Timeline" in text and "▌" in text)


def timeline_cursor(stage: Stage) -> str:
    """The line of the timeline that is selected."""
    return next(line.split("▌")[1] for line in stage.lines if "▌" in line)


async def test_a_failed_execution_opens_with_its_error() -> None:
    """State, sentence, timeline with attempts, error with its cause: nothing else has to be pressed."""
    async with showing(Recorded([failed_order()])) as stage:
        await opened(stage)
        text = await stage.until("caused by")

    for shown in (
        "✗ FAILED",
        "WHY   charge_card failed",
        "try 2 ReadTimeout",
        "[Error]",
        "CardDeclined: 402",
        "HTTPStatusError",
    ):
        assert shown in text


async def test_the_tabs_follow_the_timeline() -> None:
    """Arguments and result of the call under the cursor."""
    async with showing(Recorded([failed_order()])) as stage:
        await opened(stage)
        await stage.press("right_square_bracket", "j", "j")
        text = await stage.until("ARGUMENTS")

        assert "reserve_stock" in timeline_cursor(stage)
        assert '"BX-7"' in text
        assert "RESULT" in text


async def test_events_are_listed_and_followed() -> None:
    """The newest is selected until the person moves away from it."""
    etl = running_etl()
    client = Recorded([etl])
    async with showing(client) as stage:
        await opened(stage)
        await stage.press("right_square_bracket", "tab")
        text = await stage.until("[Events 41]")
        assert "task completed" in next(line for line in text.split("\n") if "▌  41" in line)

        more = replace(etl, sequence=99, events=(*etl.events, event(130_000, "TASK_FAILED", "load_partition#18")))
        await client.tell(more)
        text = await stage.until("[Events 42]")

        assert "task failed" in next(line for line in text.split("\n") if "▌  42" in line)


async def test_what_happens_is_seen_at_once() -> None:
    """State, sentence, output and timeline change while one looks."""
    etl = running_etl()
    client = Recorded([etl])
    async with showing(client) as stage:
        await opened(stage)
        await stage.until("► RUNNING")
        last = (event(129_000, "TASK_COMPLETED", "load_partition#18"), event(130_000, "WORKFLOW_COMPLETED"))
        ended = replace(etl, state="COMPLETED", took=130_000, output={"rows": 7}, sequence=99)
        await client.tell(replace(ended, events=(*etl.events, *last)))
        text = await stage.until("✓ COMPLETED")

        assert '"rows": 7' in text
        assert "✓ load_partition ×18" in text


async def test_groups_and_attempts_fold() -> None:
    """Enter shows what is below a line, and hides it again; the cursor stays where it is."""
    async with showing(Recorded([running_etl()])) as stage:
        await opened(stage)
        await stage.press("G")
        assert "load_partition ×18 ▸" in timeline_cursor(stage)
        await stage.press("enter")
        await stage.until(lambda text: text.count("load_partition") > 10)
        assert "load_partition ×18 ▾" in timeline_cursor(stage)
        await stage.press("space")

        await stage.until(lambda text: "load_partition ×18 ▸" in text)


async def test_the_first_failure_is_a_key_away() -> None:
    """`!` selects the call that failed first and shows its error."""
    async with showing(Recorded([failed_order()])) as stage:
        await opened(stage)
        await stage.press("right_square_bracket", "exclamation_mark")
        await stage.until("[Error]")

        assert "charge_card" in timeline_cursor(stage)


async def test_where_nothing_failed_that_is_said() -> None:
    """Instead of doing nothing."""
    async with showing(Recorded([running_etl()])) as stage:
        await opened(stage)
        await stage.press("exclamation_mark")

        await stage.until("no call has failed")


async def test_one_pane_can_have_the_screen() -> None:
    """`z`, and Escape first takes that back."""
    async with showing(Recorded([failed_order()])) as stage:
        await opened(stage)
        await stage.press("tab", "z")
        await stage.until(lambda text: "Timeline" not in text and "CardDeclined" in text)
        await stage.press("escape")
        await stage.until("Timeline")
        await stage.press("escape")

        await stage.until("STATE")


async def test_a_narrow_terminal_has_the_timeline_among_the_tabs() -> None:
    """One pane at a time, the whole width for it."""
    async with showing(Recorded([failed_order()]), size=NARROW) as stage:
        await stage.press("enter")
        text = await stage.until("[Timeline]")
        assert "try 3 CardDeclined" in text
        await stage.press("right_square_bracket")
        text = await stage.until("[Error]")
        assert "caused by" in text
        await stage.press("left_square_bracket")

        await stage.until("[Timeline]")
        assert max(map(len, stage.lines)) <= 80


async def test_a_paused_execution_shows_what_it_asks() -> None:
    """And can be answered from here."""
    client = Recorded([paused_invoice()])
    async with showing(client) as stage:
        await opened(stage)
        text = await stage.until("PAUSE approve")
        assert '"reason": "above the limit of 1000"' in text
        await stage.press("p")
        await stage.until("waits for approve")
        await stage.press("ctrl+s")
        await stage.until("► RUNNING")

    assert ("resume", paused_invoice().id, None, "approve") in client.asked


async def test_an_execution_that_cannot_be_read_says_why() -> None:
    """It may be gone since the list was read."""

    class Forgetful(Recorded):
        async def execution(self, execution: str) -> dict[str, object]:
            raise NotFound("it is not there, or not for you")

    async with showing(Forgetful([running_etl()])) as stage:
        await stage.press("enter")

        await stage.until("it is not there, or not for you")


async def test_five_thousand_calls_are_a_few_lines() -> None:
    """And the screen still answers."""
    events: list[dict[str, object]] = [event(0, "WORKFLOW_QUEUED"), event(1, "WORKFLOW_STARTED")]
    for number in range(5000):
        events += [
            event(number, "TASK_STARTED", f"step#{number}"),
            event(number + 1, "TASK_COMPLETED", f"step#{number}"),
        ]
    story: Story = replace(completed(1, 60_000, took=5001), events=tuple(events))
    async with showing(Recorded([story])) as stage:
        await opened(stage)
        text = await stage.until("step ×5000 ▸")

        assert "Events 10002" in text


async def test_every_command_is_done_by_the_screen() -> None:
    """A command without a deed would crash when its key is pressed."""
    async with showing(Recorded([failed_order()])) as stage:
        await opened(stage)
        screen = stage.app.screen

        assert set(screen.COMMANDS_HERE) <= set(screen.doers())  # type: ignore[attr-defined]  # a Frame
