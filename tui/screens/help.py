"""The page of keys, written from the commands of the screen it was opened on."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll

from .. import format as write
from ..commands import Commands
from ..format import Line
from ..widgets.band import Band
from ..widgets.ink import InkedModal


class Help(InkedModal[None]):
    """Shows what each key does."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark", "dismiss", "Close")]

    def __init__(self, commands: Commands) -> None:
        super().__init__()
        self._band = Band(id="keys-help")
        self._commands = commands

    def compose(self) -> ComposeResult:
        """A box in the middle, that scrolls where it must."""
        with Vertical(classes="dialog tall") as box:
            box.border_title = "Keys"
            with VerticalScroll():
                yield self._band

    def on_mount(self) -> None:
        """List the commands."""
        self._draw()

    def on_resize(self) -> None:
        """The lines are broken to the width of the box."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        width = self._band.size.width or 60
        lines: list[Line] = [
            part
            for command in self._commands
            for part in write.break_line(((f"{command.shown:<6}", "key"), (command.help(), "")), width, " " * 6)
        ]
        self._band.show(lines)
