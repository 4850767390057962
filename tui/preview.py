"""The preview under the list: why, what went in and came out, and the timeline as far as there is room. Pure."""

from collections.abc import Sequence

from . import dossier as dossiers
from . import format as write
from . import gantt
from .dossier import MISSING, Dossier
from .format import Glyphs, Line, Piece
from .lanes import Lane, lanes
from .records import Row


def preview(
    row: Row, dossier: Dossier | None, width: int, height: int, now: int, glyphs: Glyphs, *, compact: bool
) -> list[Line]:
    """At most `height` lines about `row`. `compact`: calls in a line instead of bars."""
    lines = dossiers.why_lines(row, width, 1 if compact else 2) or [(("WHY   ", "heading"), (glyphs.dash, "dim"))]
    if dossier is None:
        return lines[:height]
    if compact:
        return [*lines, calls_line(lanes(dossier.timeline), width, glyphs)][:height]
    lines.append(values_line(dossier, width, glyphs))
    room = height - len(lines)
    return [*lines, *_picture(dossier, width, room, now, glyphs)] if room >= 3 else lines[:height]


def values_line(dossier: Dossier, width: int, glyphs: Glyphs) -> Line:
    """Input, and the output or error, each on its half of a line."""
    half = max((width - 2) // 2, 10)
    left: Line = (("IN    ", "heading"), (_short(dossier.input, glyphs), ""))
    error = dossier.failure
    if error is not None:
        right: Line = (
            ("ERROR ", "heading"),
            (write.clean(f"{error.type}: {error.message}".partition("\n")[0]), "failed"),
        )
    else:
        right = (("OUT   ", "heading"), (_short(dossier.output, glyphs), ""))
    begun = write.fit(left, half, glyphs)
    return (*begun, (" " * (half + 2 - write.width_of(begun)), ""), *write.fit(right, width - half - 2, glyphs))


def _short(value: object, glyphs: Glyphs) -> str:
    return glyphs.dash if value is MISSING else write.one_line(value)


def _picture(dossier: Dossier, width: int, room: int, now: int, glyphs: Glyphs) -> list[Line]:
    """The axis and as many lanes as fit; the last line says how many do not."""
    found = [lane for lane in lanes(dossier.timeline) if lane.kind != "attempt"]
    seen = dossiers.window(dossier, now)
    shown = _most_telling(found, room - 1)
    shape = gantt.layout(shown, seen, width, glyphs)
    lines = [gantt.axis(seen, shape), *(gantt.line(lane, seen, shape, glyphs) for lane in shown)]
    hidden = len(found) - len(shown)
    if hidden and len(lines) > 2:
        lines[-1] = ((f"{glyphs.more} {hidden + 1} more", "dim"),)
    return lines


def _most_telling(found: Sequence[Lane], room: int) -> Sequence[Lane]:
    """`found` if it fits; else the first line and the part that ends with the last call that began."""
    if len(found) <= room:
        return found
    return [found[0], *found[-(room - 1) :]] if room > 1 else found[:room]


def calls_line(found: Sequence[Lane], width: int, glyphs: Glyphs) -> Line:
    """`extract ✓ | load ×64 ► 17/64 | …`: the calls of the workflow itself, newest at the right."""
    pieces: list[Piece] = []
    for lane in found:
        if lane.depth or lane.kind not in ("call", "group"):
            continue
        many = f" {lane.done}/{lane.size}" if lane.kind == "group" else ""
        pieces.append((f"{write.glyph(lane.state, glyphs)} {write.clean(lane.name)}{many}", write.role_of(lane.state)))
        pieces.append((f" {glyphs.separator} ", "dim"))
    line = tuple(pieces[:-1])
    while len(line) > 1 and write.width_of(line) > width - 2:
        line = ((glyphs.more + " ", "dim"), *(line[3:] if line[0][1] == "dim" else line[2:]))
    return line
