"""The list of executions: counters, the query line, the table, and a preview of the selected one.

The screen holds the list's `View`. Facts come from above through `take_page`, `take_changes`,
`take_counts` and `take_dossier`; what the person wants goes up as messages.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input

from .. import columns, commands, model, query
from .. import format as write
from ..commands import Command, Commands
from ..dossier import Dossier
from ..format import Line, Piece
from ..look import Look
from ..messages import DossierWanted, MoreAsked, OpenAsked, QueryAsked
from ..model import Reach, View
from ..preview import preview
from ..query import Query
from ..records import Page, Row
from ..sources import ExecutionLines
from ..widgets.band import Band
from ..widgets.rows import Rows
from .frame import Frame, bindings, entitle

_STATES = ("RUNNING", "QUEUED", "WAITING", "PAUSED", "CANCELLING", "FAILED", "COMPLETED", "CANCELLED")
_NEAR = 50  # rows before the end at which the next page is asked for


class Executions(Frame):
    """Screen 1."""

    COMMANDS_HERE: ClassVar[Commands] = commands.LIST
    BINDINGS: ClassVar[list[BindingType]] = bindings(commands.LIST)

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.view = View()
        self._counts: Mapping[str, int] | None = None
        self._dossier: Dossier | None = None
        self._refused = ""
        self._asked_for: str | None = None
        self._counters = Band(id="counters")
        self._query = Input(
            placeholder="state:FAILED,PAUSED workflow:order* namespace:billing text", id="query", compact=True
        )
        self._status = Band(id="status")
        self._heading = Band(id="heading")
        self._face = Band(id="face")
        self._preview = Band(id="preview-lines")
        self._preview_box = Vertical(self._preview, id="preview")
        self._sign = Band(id="query-sign")
        self._rows = Rows(look.glyphs, id="executions")

    def compose(self) -> ComposeResult:
        """Top to bottom."""
        self._query.cursor_blink = False
        yield self.title_band
        yield self._counters
        with Horizontal(id="query-line"):
            yield self._sign
            yield self._query
            yield self._status
        yield self._heading
        yield self._rows
        yield self._face
        yield self._preview_box
        yield self.keys_band
        yield self.too_small

    def on_mount(self) -> None:
        """The sign before the query line never changes."""
        self._sign.show([((" / ", "key"),)])

    def selected(self) -> Row | None:
        """The execution under the cursor."""
        return self.view.selected

    def main(self) -> Widget:
        """The table."""
        return self._rows

    def heading(self) -> Line:
        """Where the daemon is; while it cannot be reached, the reason says it."""
        return () if self._is_stale else ((write.clean(self.look.place), "dim"),)

    # Facts from above

    def take_page(self, page: Page, query: Query, *, first: bool) -> None:
        """A page came."""
        if query != self.view.query:
            return
        self._asked_for, self._refused = None, ""
        self._become(model.begin(self.view, page) if first else model.extend(self.view, page))

    def take_changes(self, rows: Sequence[Row]) -> None:
        """Executions changed."""
        self._become(model.apply(self.view, rows))

    def in_sight(self) -> frozenset[str]:
        """The open executions that are on the screen."""
        rows = (self.view.at(index) for index in self._rows.in_view if index < len(self.view.order))
        return frozenset(row.id for row in rows if not row.is_final)

    def take_counts(self, states: Mapping[str, int]) -> None:
        """The states were counted."""
        self._counts = states
        self.draw()

    def take_dossier(self, dossier: Dossier) -> None:
        """The selected execution was read."""
        self._dossier = dossier
        self._become(model.apply(self.view, [dossier.row]))

    def take_refusal(self, reason: str) -> None:
        """A page could not be had."""
        self._asked_for, self._refused = None, reason
        self.draw()

    # What the person does

    def doers(self) -> Mapping[type[Command], Callable[[], object]]:
        """What is done for each command."""
        rows = self._rows
        return {
            **super().doers(),
            commands.Open: self._open,
            commands.Query: lambda: self.set_focus(self._query),
            commands.Clear: self._clear,
            commands.Follow: lambda: self._become(model.follow(self.view, not self.view.following)),
            commands.Top: lambda: self._become(model.settle(self.view)),
            commands.Bottom: lambda: self._move(len(self.view.order)),
            commands.Down: lambda: self._move(1),
            commands.Up: lambda: self._move(-1),
            commands.PageDown: lambda: self._move(max(rows.room // 2, 1)),
            commands.PageUp: lambda: self._move(-max(rows.room // 2, 1)),
            commands.Quit: self.app.exit,
        }

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the query line every key is text."""
        return not (action == "command" and self._query.has_focus)

    def on_input_changed(self, event: Input.Changed) -> None:
        """What is loaded follows the typing; the daemon is asked for the rest."""
        asked = query.parse(event.value)
        if asked != self.view.query:
            self._become(model.narrow(self.view, asked))
            self.post_message(QueryAsked(asked))

    def on_input_submitted(self) -> None:
        """Back to the table."""
        self._rows.focus()

    def key_escape(self) -> None:
        """Leave the query line."""
        self._rows.focus()

    def on_rows_pointed(self, event: Rows.Pointed) -> None:
        """A click selects, another one opens."""
        self._become(model.point(self.view, event.index))
        self._rows.focus()
        if event.twice:
            self._open()

    def _open(self) -> None:
        row = self.view.selected
        if row is not None:
            self.post_message(OpenAsked(row))

    def _clear(self) -> None:
        self._query.value = ""

    def _move(self, by: int) -> None:
        """Move the cursor; near the end have more read, which a list that only grows by itself would never stop at."""
        self._become(model.move(self.view, by))
        view = self.view
        if view.next is not None and view.next != self._asked_for and view.place > len(view.order) - _NEAR:
            self._asked_for = view.next
            self.post_message(MoreAsked(view.query, view.next))

    # Drawing

    def _become(self, view: View) -> None:
        """Show another view; have its execution read if that is another one."""
        before, self.view = self.view.cursor, view
        if view.cursor != before:
            self._dossier = None
            self.post_message(DossierWanted(view.cursor))
        self.draw()

    def draw(self) -> None:
        """Everything, as far as it has changed."""
        super().draw()
        now, signs = self.look.clock.now(), self.look.glyphs
        source = ExecutionLines(view=self.view, now=now, glyphs=signs, stale=self._is_stale)
        self._rows.show(source, self.view.place if self.view.order else 0)
        self._heading.show([columns.heading(self._rows.line_width + 1, signs)])
        self._counters.show([self._counted()])
        self._status.show([self._state()])
        face = self._empty_face()
        self.set_class(bool(face), "-empty")
        self._face.show(face)
        self._draw_preview(now)

    @property
    def _is_stale(self) -> bool:
        return self.link.reach in (Reach.OFFLINE, Reach.REFUSED)

    def _draw_preview(self, now: int) -> None:
        row = self.view.selected
        box = self._preview_box
        narrow = self.has_class("-narrow") or self.has_class("-short")
        if row is None:
            self._preview.show([])
            return
        entitle(box, write.clean(f"{row.workflow} {write.short_id(row.id, self.look.glyphs)}"))
        dossier = self._dossier if self._dossier is not None and self._dossier.row.id == row.id else None
        size = box.content_size
        self._preview.show(
            preview(row, dossier, size.width, max(size.height, 1), now, self.look.glyphs, compact=narrow)
        )

    def _counted(self) -> Line:
        """How many executions are in which state; narrow screens show those that want attention."""
        if self._counts is None:
            return ()
        short = self.has_class("-narrow")
        pieces: list[Piece] = [(" ", "")]
        for state in _STATES:
            number = self._counts.get(state, 0)
            if number or state in ("RUNNING", "FAILED", "COMPLETED"):
                word = "" if short else f" {state.lower()}"
                pieces.append((f"{write.glyph(state, self.look.glyphs)} {write.count(number)}", write.role_of(state)))
                pieces.append((f"{word}   ", "dim"))
        return tuple(pieces)

    def _state(self) -> Line:
        """The right end of the query line: what is wrong with it, or how much of what there is is shown."""
        view, signs = self.view, self.look.glyphs
        if view.query.problem:
            return ((write.clean(view.query.problem) + " ", "warning"),)
        if self._refused:
            return ((write.clean(self._refused) + " ", "failed"),)
        if view.loading:
            return ((f"loading{signs.more} ", "waiting"),)
        shown = write.count(len(view.order))
        of = "" if view.next is None or view.query.is_local else f" of {write.count(view.total)}"
        known: Line = ((f"{shown}{of} ", "dim"),)
        if view.following:
            return (*known, (f" {signs.up} following ", "chip"), (" ", ""))
        return (
            (*known, (f" {signs.up} {write.count(len(view.held))} new {signs.separator} g ", "chip"), (" ", ""))
            if view.held
            else known
        )

    def _empty_face(self) -> list[Line]:
        """What stands where the rows would be, if there are none."""
        view = self.view
        if view.order:
            return []
        if view.loading:
            if self._is_stale:
                return [
                    ((self.link.reason or "no answer", "failed"),),
                    (),
                    (("flux dev", "strong"), (" starts a daemon here", "dim")),
                ]
            return [(("loading" + self.look.glyphs.more, "waiting"),)]
        if not view.query.is_empty:
            far = f" among the newest {write.count(len(view.rows))}; j looks further" if view.next else ""
            return [(("nothing matches", "strong"), (far, "")), (), (("x", "key"), (" clears the query", "dim"))]
        return [(("no executions yet", "strong"),), (), (("flux run", "strong"), (" WORKFLOW INPUT starts one", "dim"))]
