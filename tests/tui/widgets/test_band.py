"""Lines that do not scroll."""

from textual.app import App, ComposeResult

from tui import themes
from tui.app import FluxApp
from tui.widgets.band import Band
from tui.widgets.ink import Inked


class Shell(App[None]):
    """A band and nothing else."""

    CSS = FluxApp.CSS

    def __init__(self) -> None:
        super().__init__()
        self.register_theme(themes.DARK)
        self.theme = themes.DARK.name
        self.band = Band()

    def get_default_screen(self) -> Inked[None]:
        """A screen that knows the roles."""
        return Inked()

    def compose(self) -> ComposeResult:
        """The band."""
        yield self.band


async def test_it_is_as_high_as_its_lines() -> None:
    """And grows and shrinks with them."""
    app = Shell()
    async with app.run_test(size=(40, 20)) as pilot:
        app.band.show([(("one", ""),), (("two", "failed"),)])
        await pilot.pause()
        assert app.band.size.height == 2

        app.band.show([(("one", ""),)])
        await pilot.pause()
        assert app.band.size.height == 1


async def test_pieces_have_the_colours_of_their_roles() -> None:
    """Which only the style sheet knows."""
    app = Shell()
    async with app.run_test(size=(40, 20)) as pilot:
        app.band.show([(("ok ", ""), ("bad", "failed"))])
        await pilot.pause()

        strip = app.band.render_line(0)

        colours = {segment.text: segment.style.color for segment in strip if segment.style}
        assert colours["bad"] is not None
        assert colours["bad"].name == themes.DARK.variables["failed"]
        assert strip.cell_length == 40
