"""The table of executions: which columns there are at a width, and one row as a line.

Pure. The last column, WHY, takes what the others leave.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from . import format as write
from .format import Glyphs, Line
from .records import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its heading, its width in cells, and whether its text stands at the right."""

    name: str
    width: int
    right: bool = False


GAP: Final = 2  # cells between columns
NARROW: Final = 100  # below this many cells the id and the workflow get less room


def columns(width: int) -> Sequence[Column]:
    """The columns that fit `width` cells."""
    workflow = 20 if width < NARROW else min(32, 18 + (width - NARROW) // 3)
    used = [
        Column(name="STATE", width=12),
        Column(name="ID", width=7),
        Column(name="WORKFLOW", width=workflow),
        Column(name="AGE", width=4, right=True),
        Column(name="TOOK", width=6, right=True),
    ]
    taken = 1 + sum(column.width + GAP for column in used)
    return [*used, Column(name="WHY", width=max(width - taken, 0))]


def heading(width: int, glyphs: Glyphs) -> Line:
    """The line above the rows."""
    cells = [_cell(column, column.name, glyphs) for column in columns(width)]
    return ((" ", ""), ((" " * GAP).join(cells), "heading"))


def line(row: Row, width: int, now: int, glyphs: Glyphs, *, dim: bool = False) -> Line:
    """One execution. `dim`: it no longer matches the query, or nobody knows whether it is still true."""
    state, short, workflow, old, took, why = columns(width)
    namespace, slash, name = row.workflow.rpartition("/")
    flow = write.cut(write.clean(namespace + slash + name), workflow.width, glyphs)
    prefix = min(len(namespace + slash), len(flow))
    gap = (" " * GAP, "")
    pieces: Line = (
        (_cell(state, f"{write.glyph(row.state, glyphs)} {row.state.lower()}", glyphs), write.role_of(row.state)),
        gap,
        (_cell(short, write.short_id(row.id, glyphs), glyphs), "id"),
        gap,
        (flow[:prefix], "dim"),
        (write.left(flow[prefix:], workflow.width - prefix, glyphs), "strong" if not dim else ""),
        gap,
        (_cell(old, write.age(now - row.created), glyphs), "dim"),
        gap,
        (_cell(took, took_text(row, now), glyphs), ""),
        gap,
        (write.cut(write.clean(row.why), why.width, glyphs), _WHY.get(row.state, "")),
    )
    return tuple((text, "dim") for text, _role in pieces) if dim else pieces


_WHY: Final = {"FAILED": "failed", "COMPLETED": "dim", "CANCELLED": "dim"}


def took_text(row: Row, now: int) -> str:
    """How long it took, or has been going on."""
    if not row.started:
        return "" if row.is_final else write.age(now - row.created)
    length = row.length(now)
    return write.duration(length) if row.is_final else write.lasting(length, row.state)


def _cell(column: Column, text: str, glyphs: Glyphs) -> str:
    return write.right(text, column.width, glyphs) if column.right else write.left(text, column.width, glyphs)
