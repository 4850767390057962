"""The menu of what can be copied of an execution. A terminal that knows OSC 52 puts it on the clipboard."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from .. import commands, twins
from .. import format as write
from ..format import Line
from ..look import Look
from ..records import Row
from ..twins import Twin
from ..widgets.band import Band
from ..widgets.ink import InkedModal


class Copy(InkedModal[None]):
    """Copies one thing and closes."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,y", "dismiss", "Close")]

    def __init__(self, row: Row, look: Look) -> None:
        super().__init__()
        self._band = Band(id="choices")
        self._row = row
        self._look = look
        self._choices = _choices(row, look)

    def compose(self) -> ComposeResult:
        """A box in the middle."""
        with Vertical(classes="dialog") as box:
            box.border_title = "Copy"
            yield self._band

    def on_mount(self) -> None:
        """List the choices."""
        self._draw()

    def on_resize(self) -> None:
        """The lines are broken to the width of the box."""
        self.call_after_refresh(self._draw)

    def on_key(self, event: object) -> None:
        """Copy what the key stands for."""
        key = getattr(event, "key", "")
        for letter, _title, text in self._choices:
            if key == letter:
                self.app.copy_to_clipboard(text)
                self.notify(text, title="copied", markup=False)
                self.dismiss()

    def _draw(self) -> None:
        width = self._band.size.width or 60
        lines: list[Line] = [
            part
            for letter, title, text in self._choices
            for part in write.break_line(((letter, "key"), (f" {title:<10}", "strong"), (text, "dim")), width, " " * 12)
        ]
        self._band.show([*lines, (), (("Esc", "key"), (" close", ""))])


def _choices(row: Row, look: Look) -> list[tuple[str, str, str]]:
    """Key, title and text of everything that can be copied."""
    shown = twins.show(row.id, look.place)
    found = [("i", "id", row.id), ("c", "command", shown.cli), ("u", "curl", shown.curl)]
    doing: list[tuple[str, type[commands.Command]]] = [("C", commands.Cancel), ("p", commands.Resume)]
    for letter, command in doing:
        twin: Twin | None = None if command.refusal(row) else command.twin(row, look.place)
        if twin is not None:
            found.append((letter, command.label, twin.cli))
            found.append(("U" if letter == "C" else "P", f"{command.label} @", twin.curl))
    return found
