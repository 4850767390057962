"""One execution: what it is and why it is where it is, its timeline, and tabs with what belongs to a line of it.

At the width of a wide terminal the timeline and the tabs stand side by side; on a narrow one the
timeline is the first tab.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from .. import commands, document, gantt
from .. import dossier as dossiers
from .. import format as write
from ..commands import Command, Commands
from ..dossier import Dossier
from ..format import Line, Piece
from ..lanes import Lane, lanes
from ..look import Look
from ..messages import DossierWanted
from ..records import Row
from ..sources import FactLines, LaneLines, Source, text_lines
from ..widgets.band import Band
from ..widgets.rows import Rows
from .frame import Frame, bindings, entitle

TIMELINE: Final = "Timeline"
TABS: Final = ("Error", "Input/Output", "Events")


class Execution(Frame):
    """The screen behind Enter."""

    COMMANDS_HERE: ClassVar[Commands] = commands.ONE
    BINDINGS: ClassVar[list[BindingType]] = bindings(commands.ONE)

    def __init__(self, row: Row, dossier: Dossier | None, look: Look) -> None:
        super().__init__(look)
        self._row = row
        self._dossier = dossier
        self._lanes: tuple[Lane, ...] = ()
        self._toggled: frozenset[str] = frozenset()
        self._lane = 0
        self._fact: int | None = None  # None: the newest, also when newer ones come
        self._text: tuple[tuple[object, ...], Source] | None = None
        self._tab = TABS[0] if row.state == "FAILED" else TABS[1]
        self._refused = ""
        self._head = Band(id="head")
        self._tabs = Band(id="tabs")
        self._narrow_tabs = Band(id="narrow-tabs")
        self._axis = Band(id="axis")
        self._timeline = Rows(look.glyphs, id="timeline-rows")
        self._content = Rows(look.glyphs, id="content")
        self._detail = Vertical(self._tabs, self._content, id="detail", classes="pane")

    @property
    def execution(self) -> str:
        """Which one."""
        return self._row.id

    def compose(self) -> ComposeResult:
        """Head, then timeline and tabs beside each other."""
        yield self.title_band
        yield self._head
        yield self._narrow_tabs
        with Horizontal(id="body"):
            with Vertical(id="timeline", classes="pane") as pane:
                pane.border_title = TIMELINE
                yield self._axis
                yield self._timeline
            yield self._detail
        yield self.keys_band
        yield self.too_small

    def on_mount(self) -> None:
        """Ask for everything; show what is known already."""
        self.post_message(DossierWanted(self._row.id))

    def selected(self) -> Row | None:
        """The execution itself."""
        return self._row

    def main(self) -> Widget:
        """The timeline."""
        return self._timeline

    def heading(self) -> Line:
        """Where we are."""
        path = self.look.glyphs.path
        return ((f"Executions {path} ", "dim"), (self._row.id, "strong"))

    # Facts from above

    def take_dossier(self, dossier: Dossier) -> None:
        """It was read again."""
        self._dossier, self._row, self._refused = dossier, dossier.row, ""
        self.draw()

    def take_refusal(self, reason: str) -> None:
        """It could not be read."""
        self._refused = reason
        self.draw()

    # What the person does

    def doers(self) -> Mapping[type[Command], Callable[[], object]]:
        """What is done for each command."""
        return {
            **super().doers(),
            commands.Back: self._back,
            commands.Pane: self._change_pane,
            commands.NextTab: lambda: self._change_tab(1),
            commands.PreviousTab: lambda: self._change_tab(-1),
            commands.Unfold: self._unfold,
            commands.FirstFailure: self._first_failure,
            commands.Zoom: self._zoom,
            commands.Top: lambda: self._move(-1_000_000),
            commands.Bottom: lambda: self._move(1_000_000),
            commands.Down: lambda: self._move(1),
            commands.Up: lambda: self._move(-1),
            commands.PageDown: lambda: self._move(self._focused.room // 2),
            commands.PageUp: lambda: self._move(-(self._focused.room // 2)),
        }

    @property
    def _focused(self) -> Rows:
        return self._content if self._content.has_focus else self._timeline

    @property
    def _is_single(self) -> bool:
        """Whether only one pane is visible, with the timeline among the tabs."""
        return self.has_class("-narrow")

    def _back(self) -> None:
        if self.has_class("-zoomed"):
            self._zoom()
        else:
            self.dismiss()

    def _zoom(self) -> None:
        self.toggle_class("-zoomed")
        self.set_class(self._focused is self._content, "-zoomed-content")
        self.call_after_refresh(self.draw)

    def _change_pane(self) -> None:
        if self._is_single:
            self._change_tab(1)
            return
        self._show_pane(self._timeline if self._focused is self._content else self._content)

    def _show_pane(self, pane: Rows) -> None:
        self.set_class(pane is self._content, "-content", "-zoomed-content")
        pane.focus()
        self.call_after_refresh(self.draw)

    def _change_tab(self, by: int) -> None:
        tabs = (TIMELINE, *TABS) if self._is_single else TABS
        here = TIMELINE if self._is_single and not self.has_class("-content") else self._tab
        wanted = tabs[(tabs.index(here) + by) % len(tabs)]
        if wanted != TIMELINE:
            self._tab = wanted
        if self._is_single:
            self._show_pane(self._timeline if wanted == TIMELINE else self._content)
        self._content.scroll_to(y=0, animate=False)
        self.draw()

    def _unfold(self) -> None:
        lane = self._chosen
        if lane is not None and lane.folded is not None and self._focused is self._timeline:
            self._toggled ^= {lane.key}
            self.draw()

    def _first_failure(self) -> None:
        failed = [lane for lane in self._lanes[1:] if lane.state == "FAILED" and lane.kind == "call"]
        if not failed:
            self.notify("no call has failed", severity="warning", markup=False)
            return
        self._lane = self._lanes.index(min(failed, key=lambda lane: lane.spans[-1].end or 0))
        self._tab = TABS[0]
        self.draw()

    def _move(self, by: int) -> None:
        if self._focused is self._content and self._tab != TABS[2]:
            self._content.step(by)
        elif self._focused is self._content:
            last = len(self._dossier.facts) - 1 if self._dossier else 0
            moved = (last if self._fact is None else self._fact) + by
            self._fact = None if moved >= last else max(moved, 0)
        else:
            self._lane = self._within(self._lane + by, len(self._lanes))
            self._content.scroll_to(y=0, animate=False)
        self.draw()

    @staticmethod
    def _within(index: int, count: int) -> int:
        return min(max(index, 0), max(count - 1, 0))

    def on_rows_pointed(self, event: Rows.Pointed) -> None:
        """A click selects, another one unfolds."""
        if event.rows is self._content:
            self._fact = event.index
        else:
            self._lane = event.index
            if event.twice:
                self._unfold()
        event.rows.focus()
        self.draw()

    # Drawing

    @property
    def _chosen(self) -> Lane | None:
        return self._lanes[self._lane] if self._lane < len(self._lanes) else None

    def draw(self) -> None:
        """Everything, as far as it has changed."""
        super().draw()
        now, found = self.look.clock.now(), self._dossier
        self._head.show(self._head_lines(now))
        if found is None:
            return
        self._keep_lane(lanes(found.timeline, self._toggled))
        self._draw_timeline(found, now)
        self._draw_content(found)
        self._tabs.show([self._tab_line(TABS, self._tab)])
        single = TIMELINE if not self.has_class("-content") else self._tab
        self._narrow_tabs.show([self._tab_line((TIMELINE, *TABS), single)])

    def _keep_lane(self, found: tuple[Lane, ...]) -> None:
        """Take the new lanes; the cursor stays on the lane it was on."""
        chosen = self._chosen
        self._lanes = found
        if chosen is not None:
            places = {lane.key: place for place, lane in enumerate(found)}
            self._lane = places.get(chosen.key, self._within(self._lane, len(found)))

    def _draw_timeline(self, found: Dossier, now: int) -> None:
        width = self._timeline.line_width
        seen = dossiers.window(found, now)
        shape = gantt.layout(self._lanes, seen, width, self.look.glyphs)
        self._axis.show([((" ", ""), *gantt.axis(seen, shape))])
        source = LaneLines(lanes=self._lanes, window=seen, glyphs=self.look.glyphs, shape=shape)
        self._timeline.show(source, self._lane)

    def _draw_content(self, found: Dossier) -> None:
        call = self._chosen.call if self._chosen is not None else ""
        entitle(self._detail, write.clean(call or found.row.workflow))
        if self._tab == TABS[2]:
            last = max(len(found.facts) - 1, 0)
            source = FactLines(facts=found.facts, created=found.row.created, glyphs=self.look.glyphs)
            self._content.show(source, last if self._fact is None else min(self._fact, last))
        else:
            wanted = (found, call, self._tab, max(self._content.size.width - 1, 20))
            if self._text is None or self._text[0] != wanted:
                self._text = (wanted, _text(*wanted))
            self._content.show(self._text[1])

    def _tab_line(self, tabs: tuple[str, ...], active: str) -> Line:
        pieces: list[Piece] = [(" ", "")]
        for tab in tabs:
            counted = f" {len(self._dossier.facts)}" if tab == TABS[2] and self._dossier else ""
            text = f"[{tab}{counted}]" if tab == active else f" {tab}{counted} "
            pieces += [(text, "tab-on" if tab == active else "tab"), (" ", "")]
        return tuple(pieces)

    def _head_lines(self, now: int) -> list[Line]:
        """State and facts, WHY, input, and what went wrong with reading."""
        signs, width = self.look.glyphs, max(self.size.width - 1, 20)
        found = self._dossier
        if found is None:
            text = self._refused or f"loading{signs.more}"
            return [((f" {write.clean(text)}", "failed" if self._refused else "waiting"),)]
        why = dossiers.why_lines(found.row, width - 1, 2) or [(("WHY   ", "heading"), (signs.dash, "dim"))]
        value = signs.dash if found.input is dossiers.MISSING else write.one_line(found.input)
        lines: list[Line] = [dossiers.summary(found, now, signs), *why, (("INPUT ", "heading"), (value, ""))]
        if found.more:
            lines.append(((f"only the first {write.count(len(found.facts))} events are shown", "warning"),))
        if self._refused:
            lines.append(((write.clean(self._refused), "failed"),))
        return [write.fit(((" ", ""), *line), width, signs) for line in lines]


def _text(found: Dossier, call: str, tab: str, width: int) -> Source:
    """What a tab says about one call, or about the execution."""
    if tab == TABS[1]:
        return text_lines(document.section_lines(dossiers.sections(found, call)), width)
    error = dossiers.failed(found, call)
    return text_lines([(("no error", "dim"),)] if error is None else dossiers.error_lines(error), width)
