"""The small screens over the large ones: copy, help, the palette; and the theme."""

from tests.tui.recorded import Recorded
from tests.tui.stage import NARROW, showing
from tests.tui.stories import failed_order, running_etl
from tui import commands


async def test_id_command_and_curl_can_be_copied() -> None:
    """Of what is looked at, and of what can be done to it."""
    story = running_etl()
    async with showing(Recorded([story])) as stage:
        await stage.press("y")
        text = await stage.until("flux show")
        assert f"flux cancel {story.id}" in text
        await stage.press("u")
        await stage.until("copied")

        assert stage.app.clipboard == (f"curl -s --unix-socket /run/flux/flux.sock http://flux/executions/{story.id}")


async def test_what_cannot_be_done_is_not_copied() -> None:
    """There is nothing left to cancel."""
    async with showing(Recorded([failed_order()])) as stage:
        await stage.press("y")
        text = await stage.until("flux show")

        assert "flux cancel" not in text


async def test_help_is_written_from_the_commands() -> None:
    """All of them, on a narrow terminal by scrolling."""
    async with showing(Recorded([running_etl()])) as stage:
        await stage.press("question_mark")
        await stage.until("Show this page.")

        for command in commands.LIST:
            assert command.help() in stage.text
        await stage.press("escape")
        await stage.until("STATE")


async def test_help_of_one_execution_is_its_own() -> None:
    """And it closes with the key that opened it."""
    async with showing(Recorded([running_etl()]), size=NARROW) as stage:
        await stage.press("enter")
        await stage.until("[Timeline]")
        await stage.press("question_mark")
        await stage.until("Go to the other pane.")
        await stage.press("question_mark")

        await stage.until(lambda text: "Go to the other pane." not in text)


async def test_a_command_can_be_found_by_its_name() -> None:
    """`:` opens the palette, which does the same as the key."""
    client = Recorded([running_etl()])
    async with showing(client) as stage:
        await stage.press("colon")
        await stage.write("cancel")
        await stage.until("Cancel the selected execution, after asking.")
        await stage.press("enter")

        await stage.until("Cancel 1 execution?")


async def test_the_theme_changes() -> None:
    """Dark and light, and back."""
    async with showing(Recorded([running_etl()])) as stage:
        await stage.press("T")
        assert stage.app.theme == "flux-light"
        await stage.press("T")
        assert stage.app.theme == "flux-dark"


async def test_q_leaves() -> None:
    """From the list."""
    async with showing(Recorded([running_etl()])) as stage:
        await stage.press("q")

        assert stage.app.return_code == 0
