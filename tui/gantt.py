"""The picture of a timeline: an axis, and a bar for each lane.

Pure: lanes, a window of time and a width in; lines of coloured pieces out. One cell stands for
`window / cells` milliseconds; what is shorter is still half a cell, since nothing that happened may be
invisible. Later marks cover earlier ones: waiting, then running, then how it ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from typing import Final

from rich.cells import cell_len

from . import format as write
from .format import DAY, HOUR, MINUTE, SECOND, Glyphs, Line, Piece
from .lanes import Lane
from .timeline import Span

_STEPS: Final = tuple(
    [n * unit for unit in (1, 10, 100) for n in (1, 2, 5)]
    + [n * SECOND for n in (1, 2, 5, 10, 15, 30)]
    + [n * MINUTE for n in (1, 2, 5, 10, 15, 30)]
    + [n * HOUR for n in (1, 2, 3, 6, 12)]
    + [n * DAY for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)]
)
_TICK: Final = 7  # cells from one figure of the axis to the next, at least
_TAIL: Final = 6  # cells at the right of the bars at least: a duration never takes more
_ROLES: Final = {"completed": "completed", "failed": "failed", "cancelled": "cancelled", "lost": "failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time that the picture shows. `now`: where things that go on end; after `end` never."""

    start: int
    end: int
    now: int

    @property
    def length(self) -> int:
        """Milliseconds, at least 1."""
        return max(self.end - self.start, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The widths of the picture's three columns."""

    name: int
    bar: int
    tail: int


def window(start: int, finished: int, now: int) -> Window:
    """The window of an execution: to its end, or a little past now, so that it need not move at once."""
    if finished:
        return Window(start=start, end=max(finished, start + 1), now=finished)
    passed = max(now - start, SECOND)
    step = next((step for step in _STEPS if step * 10 >= passed), _STEPS[-1])
    return Window(start=start, end=start + (passed // step + 1) * step, now=now)


def layout(lanes: Sequence[Lane], seen: Window, width: int, glyphs: Glyphs) -> Layout:
    """The column widths for `lanes`: names and figures get what the longest needs, names at most nine twentieths."""
    longest = max((cell_len(label(lane, glyphs)) for lane in lanes), default=0)
    name = min(max(longest, 8), width * 9 // 20)
    figures = max((cell_len(tail(lane, seen, glyphs)) for lane in lanes), default=0)
    room = min(max(figures, _TAIL), width // 4)
    return Layout(name=name, bar=max(width - name - room - 2, 0), tail=room)


def axis(seen: Window, shape: Layout) -> Line:
    """The figures above the bars."""
    step = next((s for s in _STEPS if s * shape.bar >= _TICK * seen.length), _STEPS[-1])
    cells = [" "] * shape.bar
    for at in range(0, seen.length + 1, step):
        place = at * shape.bar // seen.length
        figure = _figure(at)
        if place + len(figure) <= shape.bar:
            cells[place : place + len(figure)] = figure
    return ((" " * (shape.name + 1), ""), ("".join(cells), "dim"))


def _figure(at: int) -> str:
    """A duration without its empty parts: `2m`, `1m30s`, `1.5s`."""
    if 0 < at < 10 * SECOND and at >= SECOND and at % SECOND:
        return f"{at / SECOND:g}s"
    for size, unit, below, part in ((DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "m"), (MINUTE, "m", SECOND, "s")):
        if at >= size:
            rest = at % size // below
            return f"{at // size}{unit}" + (f"{rest}{part}" if rest else "")
    return f"{at // SECOND}s" if at >= SECOND or not at else f"{at}ms"


def line(lane: Lane, seen: Window, shape: Layout, glyphs: Glyphs) -> Line:
    """One lane: its name, its bar, how long it took and how often it was tried."""
    name = write.left(label(lane, glyphs, shape.name), shape.name, glyphs)
    head = len(name) - len(name.lstrip()) + 1
    role = write.role_of(lane.state)
    naming = "strong" if lane.kind in ("execution", "group") else "dim" if lane.kind == "attempt" else ""
    return (
        (name[:head], role),
        (name[head:], naming),
        (" ", ""),
        *bar(lane.spans, seen, shape.bar, glyphs, envelope=lane.kind == "execution"),
        (" ", ""),
        (
            write.right(tail(lane, seen, glyphs), shape.tail, glyphs),
            role if lane.error or lane.kind == "group" else "dim",
        ),
    )


def label(lane: Lane, glyphs: Glyphs, width: int = 1000) -> str:
    """The glyph of the state, the name, what an attempt failed of, a group's size, and whether more is below.

    Of what does not fit into `width` cells the name is cut.
    """
    sign = glyphs.undo if lane.undo else write.glyph(lane.state, glyphs)
    begun = f"{'  ' * lane.depth}{sign} "
    many = f" {glyphs.times}{lane.size}" if lane.kind == "group" else ""
    below = "" if lane.folded is None else " " + (glyphs.shut if lane.folded else glyphs.open)
    error = f" {lane.error.partition(':')[0]}" if lane.kind == "attempt" and lane.error else ""
    name = write.clean(lane.name + error)
    return begun + write.cut(name, max(width - len(begun + many + below), 1), glyphs) + many + below


def tail(lane: Lane, seen: Window, glyphs: Glyphs) -> str:
    """What is said at the right: a group's count, an attempt's error or time, a call's time and tries."""
    if lane.kind == "group":
        return lane.error or (
            write.duration(_total(lane, seen)) if lane.done == lane.size else f"{lane.done}/{lane.size}"
        )
    took = write.duration(_total(lane, seen)) if lane.spans else ""
    if lane.spans and lane.spans[-1].end is None:
        took = write.lasting(_total(lane, seen), lane.state)
    if lane.kind == "call" and lane.attempts > 1:
        return f"{glyphs.times}{lane.attempts}  {took}"
    return took


def _total(lane: Lane, seen: Window) -> int:
    return (lane.spans[-1].end or seen.now) - lane.spans[0].start


def bar(
    spans: Sequence[Span], seen: Window, cells: int, glyphs: Glyphs, *, envelope: bool = False
) -> tuple[Piece, ...]:
    """`cells` cells with a mark wherever something happened. `envelope`: a bar that only holds the others."""
    painted: list[Piece] = [(" ", "")] * cells
    if cells:
        for span in sorted(spans, key=_depth):
            _paint(painted, span, seen, glyphs, "id" if envelope else "")
    return tuple(("".join(text for text, _ in run), role) for role, run in groupby(painted, key=lambda piece: piece[1]))


def _depth(span: Span) -> int:
    """Waiting lies below, then what ran, then what failed."""
    return 0 if span.kind in ("queued", "waiting", "retrying") else 2 if span.outcome in ("failed", "lost") else 1


def _paint(painted: list[Piece], span: Span, seen: Window, glyphs: Glyphs, held: str) -> None:
    """Paint one span; its ends to half a cell."""
    cells = len(painted)
    halves = 2 * cells / seen.length
    start = min(max(int((span.start - seen.start) * halves), 0), 2 * cells - 1)
    end = min(max(ceil(((seen.now if span.end is None else span.end) - seen.start) * halves), start + 1), 2 * cells)
    first, last = start // 2, (end - 1) // 2
    if span.kind in ("queued", "waiting", "retrying"):
        sign = glyphs.queued if span.kind == "queued" else glyphs.waiting
        painted[first : last + 1] = [(sign, "dim")] * (last + 1 - first)
        return
    end_role = _ROLES.get(span.outcome, "rollback" if span.kind == "rollback" else "running")
    role = held or end_role
    painted[first : last + 1] = [(glyphs.full, role)] * (last + 1 - first)
    if start % 2 and first < last:
        painted[first] = (glyphs.right_half, role)
    if end % 2:
        painted[last] = (glyphs.left_half, role)
    elif start % 2 and first == last:
        painted[first] = (glyphs.right_half, role)
    sign = _end(span, glyphs)
    if sign:
        painted[last] = (sign, end_role)


def _end(span: Span, glyphs: Glyphs) -> str:
    """The sign at the end of a span that goes on or did not end well."""
    if span.end is None:
        return glyphs.states["RUNNING"]
    return {"failed": glyphs.failed, "lost": glyphs.lost, "cancelled": glyphs.states["CANCELLED"]}.get(span.outcome, "")
