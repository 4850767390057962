"""The question before an execution is cancelled: what will happen, and how else it could be said."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from .. import format as write
from .. import twins
from ..format import Line
from ..look import Look
from ..records import Row
from ..widgets.band import Band
from ..widgets.ink import InkedModal

_WHAT = (
    "What runs is interrupted and its rollback is done; a body that was interrupted may have had its "
    "effect already. Tasks that are completed stay as they are."
)


class Confirm(InkedModal[bool]):
    """Answers True if the execution is to be cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "answer(True)", "Cancel it"),
        ("n,escape,q", "answer(False)", "Keep it"),
    ]

    def __init__(self, row: Row, look: Look) -> None:
        super().__init__()
        self._band = Band(id="question")
        self._row = row
        self._look = look

    def compose(self) -> ComposeResult:
        """A box in the middle."""
        with Vertical(classes="dialog") as box:
            box.border_title = "Cancel"
            yield self._band

    def on_mount(self) -> None:
        """Say what it is about."""
        self._draw()

    def on_resize(self) -> None:
        """The lines are broken to the width of the box."""
        self.call_after_refresh(self._draw)

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)

    def _draw(self) -> None:
        width = self._band.size.width or 60
        row, signs = self._row, self._look.glyphs
        twin = twins.cancel(row.id, self._look.place)
        lines: list[Line] = [
            (("Cancel 1 execution? ", "strong"), (write.clean(row.workflow), "strong"), (f" {row.id}", "dim")),
            (
                (f"{write.glyph(row.state, signs)} {row.state} ", write.role_of(row.state)),
                (write.clean(row.why), ""),
            ),
            (),
            *(((text, ""),) for text in write.wrap(_WHAT, width)),
            (),
            (("$ ", "key"), (twin.cli, "dim")),
            (("@ ", "key"), (twin.curl, "dim")),
            (),
            (("y", "key"), (" cancel it   ", ""), ("n", "key"), (" keep it", "")),
        ]
        self._band.show([part for line in lines for part in write.break_line(line, width, "  ")])
