"""A value as indented JSON in coloured lines. Pure.

Values from user code may be large: beyond `MAX` characters the text is cut and says so, beyond
`COLOURED` it stays plain.
"""

import re
from collections.abc import Sequence
from typing import Final

from . import format as write
from .dossier import MISSING, Section
from .format import Line, Piece

COLOURED: Final = 256 * 1024
MAX: Final = 2 * 1024 * 1024
_TOKEN: Final = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*"(?=:))|(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>-?\d[\d.eE+-]*)|(?P<constant>\b(?:true|false|null)\b)"
)


def value_lines(value: object) -> list[Line]:
    """The lines of `value`."""
    text = write.many_lines(value)
    cut = len(text) > MAX
    coloured = len(text) <= COLOURED
    lines = [colour(line) if coloured else ((line, ""),) for line in text[:MAX].split("\n")]
    if cut:
        lines.append(((f"the first {write.count(MAX)} of {write.count(len(text))} characters", "dim"),))
    return lines


def colour(line: str) -> Line:
    """One line of JSON in pieces: keys, texts, numbers, constants, and what is between."""
    pieces: list[Piece] = []
    at = 0
    for found in _TOKEN.finditer(line):
        if found.start() > at:
            pieces.append((line[at : found.start()], "dim"))
        pieces.append((found[0], f"json-{found.lastgroup}"))
        at = found.end()
    if at < len(line):
        pieces.append((line[at:], "dim"))
    return tuple(pieces)


def section_lines(sections: Sequence[Section]) -> list[Line]:
    """Values one below the other, each under its heading."""
    lines: list[Line] = []
    for section in sections:
        if lines:
            lines.append(())
        lines.append(((section.title, "heading"),))
        lines += [(("none yet", "dim"),)] if section.value is MISSING else value_lines(section.value)
    return lines
