"""What a scrolling list shows: how many lines there are, each line, and by what it is known.

Pure. A source is a value made anew for every change; the widget compares the keys of the lines on the
screen with those it drew last, and draws only what differs. So a key holds all that a line depends on
except the width, and nothing else.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from . import columns, gantt
from . import format as write
from .format import Glyphs, Line
from .gantt import Layout, Window
from .lanes import Lane
from .model import View
from .records import Fact


class Source(Protocol):
    """Lines by number."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def key(self, index: int) -> Hashable:
        """What the line at `index` is, and in which version."""
        ...

    def line(self, index: int, width: int) -> Line:
        """The line at `index`, for `width` cells."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionLines:
    """The executions of a view. `stale`: they were true once."""

    view: View
    now: int
    glyphs: Glyphs
    stale: bool = False

    def __len__(self) -> int:
        return len(self.view.order)

    def key(self, index: int) -> Hashable:
        """The execution, its version, what time has made of it, and whether it is written dim."""
        row = self.view.at(index)
        told = (row.id, row.sequence, row.state, row.why)
        return (*told, write.age(self.now - row.created), columns.took_text(row, self.now), self._is_dim(index))

    def line(self, index: int, width: int) -> Line:
        """One row of the table."""
        return columns.line(self.view.at(index), width, self.now, self.glyphs, dim=self._is_dim(index))

    def _is_dim(self, index: int) -> bool:
        return self.stale or not self.view.fits(self.view.at(index))


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLines:
    """The lanes of a timeline."""

    lanes: Sequence[Lane]
    window: Window
    glyphs: Glyphs
    shape: Layout

    def __len__(self) -> int:
        return len(self.lanes)

    def key(self, index: int) -> Hashable:
        """The line itself: as long as it looks the same, time may pass."""
        return gantt.line(self.lanes[index], self.window, self.shape, self.glyphs)

    def line(self, index: int, width: int) -> Line:
        """One bar with its name."""
        return write.fit(gantt.line(self.lanes[index], self.window, self.shape, self.glyphs), width, self.glyphs)


_WIDE = 70  # cells from which on an event shows the time of day


@dataclass(frozen=True, slots=True, kw_only=True)
class FactLines:
    """The events of an execution, oldest first."""

    facts: Sequence[Fact]
    created: int
    glyphs: Glyphs

    def __len__(self) -> int:
        return len(self.facts)

    def key(self, index: int) -> Hashable:
        """An event never changes."""
        return self.facts[index].sequence

    def line(self, index: int, width: int) -> Line:
        """Sequence, time (since the submission where there is little room), type, call, attempt, worker."""
        fact = self.facts[index]
        since = "+" + write.duration(fact.instant - self.created)
        when = write.precise_time(fact.instant) if width >= _WIDE else f"{since:>7}"
        tried = f" try {fact.attempt}" if fact.attempt > 1 and fact.type.startswith("TASK_") else ""
        where = f" {write.short_id(write.clean(fact.worker), self.glyphs)}" if fact.worker else ""
        return write.fit(
            (
                (f"{fact.sequence:>4} ", "dim"),
                (f"{when}  ", "dim"),
                (f"{fact.type.lower().replace('_', ' '):<23} ", _role(fact.type)),
                (write.clean(fact.call), "strong"),
                (tried, ""),
                (where, "dim"),
            ),
            width,
            self.glyphs,
        )


def _role(type: str) -> str:
    """The role of an event type: that of the state its last word names."""
    return {"COMPLETED": "completed", "FAILED": "failed", "CANCELLED": "cancelled", "DENIED": "failed"}.get(
        type.rpartition("_")[2], "running" if type.endswith("STARTED") else ""
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLines:
    """Lines already broken to the width they are shown at."""

    lines: Sequence[Line]

    def __len__(self) -> int:
        return len(self.lines)

    def key(self, index: int) -> Hashable:
        """The line is its own key."""
        return self.lines[index]

    def line(self, index: int, width: int) -> Line:
        """As it is."""
        return self.lines[index]


EMPTY: Source = TextLines(lines=())


def text_lines(lines: Sequence[Line], width: int) -> TextLines:
    """A source of `lines` broken to `width`."""
    return TextLines(lines=[part for line in lines for part in write.break_line(line, width, "  ")])
