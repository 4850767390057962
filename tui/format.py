"""How things are written: durations, instants, counts, glyphs, and lines of coloured pieces.

Pure. A line is a tuple of pieces, a piece is a text and a role; what colour a role has, only
`flux.tcss` knows. Widths are terminal cells, instants and durations int milliseconds.

Text from outside (names, errors, sentences) passes `clean` before it is measured or shown, so that no
value can move the cursor, change the window's title or turn the reading direction.
"""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, set_cell_size

from flux.clock import to_datetime

Piece = tuple[str, str]
Line = tuple[Piece, ...]

SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """The signs of one character set."""

    states: Mapping[str, str]
    cursor: str
    more: str
    separator: str
    up: str
    live: str
    offline: str
    open: str
    shut: str
    undo: str
    lost: str
    queued: str
    waiting: str
    full: str
    left_half: str
    right_half: str
    failed: str
    dash: str
    times: str
    path: str


UNICODE: Final = Glyphs(
    states={
        "QUEUED": "◦",
        "RUNNING": "►",
        "WAITING": "◔",
        "PAUSED": "‖",
        "CANCELLING": "⊖",
        "COMPLETED": "✓",
        "FAILED": "✗",
        "CANCELLED": "⊘",
    },
    cursor="▌",
    more="…",
    separator="·",
    up="▲",
    live="●",
    offline="○",
    open="▾",
    shut="▸",
    undo="↶",
    lost="↯",
    queued="┈",
    waiting="╌",
    full="━",
    left_half="╸",
    right_half="╺",
    failed="×",
    dash="–",
    times="×",
    path="›",
)
ASCII: Final = Glyphs(
    states={
        "QUEUED": "o",
        "RUNNING": "*",
        "WAITING": "~",
        "PAUSED": "=",
        "CANCELLING": "!",
        "COMPLETED": "+",
        "FAILED": "x",
        "CANCELLED": "-",
    },
    cursor=">",
    more="~",
    separator="-",
    up="^",
    live="*",
    offline="o",
    open="v",
    shut=">",
    undo="<",
    lost="%",
    queued=":",
    waiting="-",
    full="#",
    left_half="#",
    right_half="#",
    failed="x",
    dash="-",
    times="x",
    path=">",
)


def glyph(state: str, glyphs: Glyphs) -> str:
    """The sign of `state`; a question mark for one that this program does not know."""
    return glyphs.states.get(state, "?")


def role_of(state: str) -> str:
    """The role in which a state is written: `failed`, `running`, …; plain for one not known."""
    return state.lower() if state in UNICODE.states else ""


def duration(length: int) -> str:
    """`80ms`, `4.1s`, `31s`, `2m04s`, `3h12m`, `6d04h`: two figures that matter, never more than 6 cells."""
    if length < SECOND:
        return f"{max(length, 0)}ms"
    if length < 10 * SECOND:
        return f"{length // 100 / 10:.1f}s"
    if length < MINUTE:
        return f"{length // SECOND}s"
    if length < HOUR:
        return f"{length // MINUTE}m{length // SECOND % 60:02d}s"
    if length < DAY:
        return f"{length // HOUR}h{length // MINUTE % 60:02d}m"
    if length < 100 * DAY:
        return f"{length // DAY}d{length // HOUR % 24:02d}h"
    return f"{length // DAY}d"


def running_for(length: int) -> str:
    """The duration of something that goes on, in whole seconds: tenths would change with every look."""
    return f"{max(length, 0) // SECOND}s" if length < 10 * SECOND else duration(length)


def lasting(length: int, state: str) -> str:
    """How long something has gone on: by the second while it runs, coarse while it only waits."""
    return running_for(length) if state in ("RUNNING", "CANCELLING") else age(length)


def age(length: int) -> str:
    """`<1m`, `5m`, `3h`, `6d`. Nothing below a minute is told apart, so that an idle screen stays still."""
    if length < MINUTE:
        return "<1m"
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if length >= size:
            return f"{length // size}{unit}"
    raise AssertionError(length)


def clock_time(instant: int, *, now: int | None = None) -> str:
    """`12:04:14Z`; with the date before it if `now` is given and is another day."""
    moment = to_datetime(instant)
    if now is not None and to_datetime(now).date() != moment.date():
        return moment.strftime("%Y-%m-%d %H:%M:%SZ")
    return moment.strftime("%H:%M:%SZ")


def precise_time(instant: int) -> str:
    """`12:04:14.002`, the time of day in UTC to the millisecond."""
    moment = to_datetime(instant)
    return f"{moment:%H:%M:%S}.{instant % 1000:03d}"


def count(number: int) -> str:
    """`18,904`."""
    return f"{number:,}"


def short_id(execution: str, glyphs: Glyphs) -> str:
    """The end of an id, which differs even between neighbours; the CLI takes it too."""
    return glyphs.more + execution[-6:] if len(execution) > 7 else execution


def clean(text: str, *, keep: str = "") -> str:
    """`text` with every character that a terminal obeys, or that reorders what is read, spelled out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or unicodedata.category(c) not in _OBEYED else _spelled(c) for c in text)


_OBEYED: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def one_line(value: object) -> str:
    """`value` as JSON on one line, clean."""
    return clean(json.dumps(value, ensure_ascii=False, default=str))


def many_lines(value: object) -> str:
    """`value` as indented JSON, clean."""
    return clean(json.dumps(value, ensure_ascii=False, indent=2, default=str), keep="\n")


def cut(text: str, width: int, glyphs: Glyphs) -> str:
    """`text`, or as much of it as fits into `width` cells with a sign that there is more."""
    if cell_len(text) <= width:
        return text
    if width < 2:
        return set_cell_size(text, max(width, 0))
    return set_cell_size(text, width - 1).rstrip() + glyphs.more


def left(text: str, width: int, glyphs: Glyphs) -> str:
    """Exactly `width` cells, the text at the left."""
    return set_cell_size(cut(text, width, glyphs), max(width, 0))


def right(text: str, width: int, glyphs: Glyphs) -> str:
    """Exactly `width` cells, the text at the right."""
    short = cut(text, width, glyphs)
    return " " * (width - cell_len(short)) + short


def width_of(line: Line) -> int:
    """The cells that `line` takes."""
    return sum(cell_len(text) for text, _role in line)


def plain(line: Line) -> str:
    """The text of `line` without its roles."""
    return "".join(text for text, _role in line)


def fit(line: Line, width: int, glyphs: Glyphs) -> Line:
    """`line` cut to at most `width` cells, its last piece ending with a sign that there is more."""
    if width_of(line) <= width:
        return line
    kept: list[Piece] = []
    room = width
    for text, role in line:
        size = cell_len(text)
        if size >= room:
            kept.append((cut(text if size > room else text + " ", room, glyphs), role))
            break
        kept.append((text, role))
        room -= size
    return tuple(kept)


def spread(start: Line, end: Line, width: int, glyphs: Glyphs) -> Line:
    """`start` at the left and `end` at the right of `width` cells; `start` is what gets cut."""
    room = width - width_of(end)
    if room <= 0:
        return fit(end, width, glyphs)
    begun = fit(start, room, glyphs)
    return (*begun, (" " * (room - width_of(begun)), ""), *end)


def break_line(line: Line, width: int, indent: str = "") -> list[Line]:
    """`line` in lines of at most `width` cells, broken at spaces where there are any.

    Lines after the first begin with `indent`.
    """
    lines: list[list[Piece]] = [[]]
    room = max(width, len(indent) + 2)
    for text, role in line:
        rest = text
        while cell_len(rest) > room:
            head = _head(rest, room)
            lines[-1].append((head, role))
            rest = rest[len(head) :].lstrip(" ") if head else rest
            lines.append([(indent, "")] if indent else [])
            room = max(width - len(indent), 2)
        lines[-1].append((rest, role))
        room -= cell_len(rest)
    return [tuple(pieces) for pieces in lines]


def _head(text: str, room: int) -> str:
    """The beginning of `text` that fits into `room` cells, ending at a space if that leaves half of it."""
    head = set_cell_size(text, max(room, 0))
    if not text.startswith(head):
        head = head[:-1]  # half of a wide character became a space
    space = head.rfind(" ") + 1
    return head[:space] if space * 2 > len(head) and not text[len(head) :].startswith(" ") else head


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken at spaces where there are any."""
    return [plain(part).rstrip() for line in text.split("\n") for part in break_line(((line, ""),), width)]
