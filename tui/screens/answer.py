"""The form that answers a pause: what it shows, and a field for the JSON that `pause` will return.

The form stays open until the daemon has taken the answer: what it refuses can be mended in place.
"""

import json
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import TextArea

from .. import document, twins
from .. import format as write
from ..format import Line
from ..look import Look
from ..messages import ResumeAsked
from ..records import Pause, Row
from ..widgets.band import Band
from ..widgets.ink import InkedModal

LOW: Final = 30  # rows below which there is less room for everything
_SHOWN: Final = 6  # lines of what the pause shows; the rest is on the execution's own screen
_SHOWN_LOW: Final = 4


class Answer(InkedModal[None]):
    """Asks for the input of a pause and has it sent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Send", priority=True),
        Binding("ctrl+n", "other", "The next pause", priority=True),
        Binding("escape", "dismiss", "Close", priority=True),
    ]

    def __init__(self, row: Row, look: Look) -> None:
        super().__init__()
        self._row = row
        self._look = look
        self._chosen = 0
        self._problem = ""
        self._sending = False
        self._asking = Band(id="asked")
        self._field = TextArea("null", id="answer", soft_wrap=True, show_line_numbers=False, compact=True)
        self._below = Band(id="sending")

    @property
    def execution(self) -> str:
        """Whose pause it is."""
        return self._row.id

    @property
    def _pause(self) -> Pause | None:
        return self._row.pauses[self._chosen] if self._row.pauses else None

    def compose(self) -> ComposeResult:
        """A box in the middle: what is asked, the field, what can be done."""
        with Vertical(classes="dialog") as box:
            box.border_title = "Resume"
            yield self._asking
            self._field.cursor_blink = False
            yield self._field
            yield self._below

    def on_mount(self) -> None:
        """Begin in the field, with everything in it selected: typing replaces it."""
        self._field.focus()
        self._field.select_all()
        self._draw()

    def on_resize(self) -> None:
        """The lines are broken to the width of the box; a low terminal leaves out what it can."""
        self.set_class(self.size.height < LOW, "-low")
        self.call_after_refresh(self._draw)

    def on_text_area_changed(self) -> None:
        """Say at once whether it can be read."""
        self._problem = ""
        self._draw()

    def refused(self, reason: str) -> None:
        """The daemon did not take the answer."""
        self._problem, self._sending = reason, False
        self._draw()

    def action_send(self) -> None:
        """Have the answer sent, if it is JSON."""
        value, problem = self._read()
        if problem or self._sending:
            return
        self._sending = True
        self.post_message(ResumeAsked(self._row, value, self._pause.name if self._pause else None))
        self._draw()

    def action_other(self) -> None:
        """Answer the next of several open pauses instead."""
        if self._row.pauses:
            self._chosen = (self._chosen + 1) % len(self._row.pauses)
            self._draw()

    def _read(self) -> tuple[object, str]:
        """The value in the field, and why there is none."""
        text = self._field.text
        if not text.strip():
            return None, ""
        try:
            return json.loads(text), ""
        except json.JSONDecodeError as wrong:
            return None, f"not JSON: {wrong.msg}, line {wrong.lineno} column {wrong.colno}"

    def _draw(self) -> None:
        width = self._asking.size.width or 60
        self._asking.show(self._asked(width))
        value, wrong = self._read()
        problem = wrong or self._problem
        twin = twins.resume(self._row.id, value, self._pause.name if self._pause else None, self._look.place)
        cut = self._look.glyphs
        state: Line = (("sending" + cut.more, "waiting"),) if self._sending else ((write.clean(problem), "failed"),)
        lines: list[Line] = [
            *(((text, role),) for text, role in [(part, state[0][1]) for part in write.wrap(state[0][0], width)]),
            (("$ ", "key"), (write.cut(twin.cli, width - 2, cut), "dim")),
            (("@ ", "key"), (write.cut(twin.curl, width - 2, cut), "dim")),
            (("^S", "key"), (" send   ", ""), ("Esc", "key"), (" close", ""), *self._several()),
        ]
        self._below.show(lines)

    def _asked(self, width: int) -> list[Line]:
        """Which execution, which pause, and what it shows."""
        row, pause, signs = self._row, self._pause, self._look.glyphs
        lines: list[Line] = [((write.clean(row.workflow), "strong"), (f" {row.id}", "dim"))]
        if pause is None:
            return lines
        since = write.age(self._look.clock.now() - pause.opened)
        lines.append((("waits for ", "dim"), (write.clean(pause.name), "paused-strong"), (f" since {since}", "dim")))
        if pause.output is not None:
            shown = document.value_lines(pause.output)
            most = _SHOWN_LOW if self.has_class("-low") else _SHOWN
            lines += [write.fit(line, width, signs) for line in shown[:most]]
            lines += [((signs.more, "dim"),)] if len(shown) > most else []
        return [*lines, (), (("INPUT", "heading"), (" (JSON)", "dim"))]

    def _several(self) -> Line:
        count = len(self._row.pauses)
        return (("   ^N", "key"), (f" next of {count} pauses", "")) if count > 1 else ()
