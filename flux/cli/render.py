"""The only printer: data to stdout, words to stderr.

On a terminal, rows are an aligned table with colours; in a pipe they are tab-separated with a header,
one row a line whatever the values hold. Other forms are asked for with `-o`. What comes from user code
never reaches a terminal with its control characters in it, so that no value can move the cursor or
rename the window. A reader that leaves early (`| head`) ends the program quietly: it has what it wanted.

Colours are off when the click context says so (`--no-color`, NO_COLOR) or the stream is no terminal.
"""

import csv
import io
import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from typing import Final, TextIO

import click

Row = Mapping[str, object]


class Form(StrEnum):
    """How rows are written: a table on a terminal, tab-separated in a pipe, or what `-o` asks for."""

    TABLE = "table"
    TSV = "tsv"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    ID = "id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table: the key in the row, its heading, and the colour of a value if it has one."""

    key: str
    heading: str = ""
    colour: Mapping[str, str] | None = None

    def title(self) -> str:
        """The heading; the key in capitals unless another was given."""
        return self.heading or self.key.upper().replace("_", " ")


STATES: Final[Mapping[str, str]] = {
    "COMPLETED": "green",
    "RUNNING": "cyan",
    "QUEUED": "blue",
    "WAITING": "blue",
    "PAUSED": "yellow",
    "CANCELLING": "magenta",
    "CANCELLED": "magenta",
    "FAILED": "red",
}
_COLOURS: Final = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36}
_NARROWEST: Final = 8  # characters of the last column that stay, however narrow the terminal


def say(text: str = "", *, colour: str = "") -> None:
    """Words for the person, a line on stderr."""
    _write(sys.stderr, paint(text, colour, sys.stderr) + "\n")


def hint(text: str) -> None:
    """Words that help a person on; a program that reads our stderr is spared them."""
    if sys.stderr.isatty():
        say(text, colour="dim")


def problem(text: str) -> None:
    """What went wrong, in one line on stderr."""
    say(f"{paint('error:', 'red', sys.stderr)} {text}")


def data(text: str, *, end: str = "\n") -> None:
    """A piece of data, as it is, on stdout; cleaned of control characters if that is a terminal."""
    _write(sys.stdout, (clean(text, keep="\n\t") if sys.stdout.isatty() else text) + end)


def value(found: object, form: Form | None = None) -> None:
    """One value as JSON on stdout: indented on a terminal, one line in a pipe."""
    pretty = sys.stdout.isatty() and form is not Form.JSONL
    data(json.dumps(found, ensure_ascii=False, indent=2 if pretty else None, default=str))


def rows(found: Iterable[Row], columns: Sequence[Column], form: Form | None = None) -> None:
    """Rows on stdout. JSON, JSONL and ID see whole rows; the others only the columns.

    JSONL, TSV and ID are written as the rows come, so that `found` may be endless.
    """
    _WRITERS[form or usual()](found, columns)


def growing(found: Iterable[Row], columns: Sequence[Column]) -> None:
    """Rows as they come, each shown at once; a column is as wide as its widest value so far."""
    titles = [column.title() for column in columns]
    widths = [_width(title) for title in titles]
    rows = _begun(found)
    _line(titles, widths, ["bold"] * len(columns))
    for row in rows:
        cells = [_shown(row.get(column.key)) for column in columns]
        widths = [max(width, _width(cell)) for width, cell in zip(widths, cells, strict=True)]
        _line(cells, widths, [(column.colour or {}).get(cell, "") for column, cell in zip(columns, cells, strict=True)])


def fields(pairs: Iterable[tuple[str, str]]) -> None:
    """Names and values, a line each, the values under each other."""
    known = list(pairs)
    width = max(len(name) for name, _ in known)
    for name, text in known:
        colour = STATES.get(text, "")
        title = paint(f"{name:<{width}}", "dim", sys.stdout)
        _write(sys.stdout, f"{title}  {paint(clean(text), colour, sys.stdout)}\n")


def usual() -> Form:
    """The form of rows where none was asked for: a table on a terminal, tab-separated lines in a pipe."""
    return Form.TABLE if sys.stdout.isatty() else Form.TSV


def clear() -> None:
    """Empty the terminal, if stdout is one, so that what follows is drawn in the place of what was there."""
    if sys.stdout.isatty():
        _write(sys.stdout, "\x1b[H\x1b[2J")


def compact(found: object) -> str:
    """A value as one line of JSON."""
    return json.dumps(found, ensure_ascii=False, default=str)


def paint(text: str, colour: str, stream: TextIO) -> str:
    """`text` in that colour, or as it is where colours are off."""
    context = click.get_current_context(silent=True)
    if not colour or not stream.isatty() or (context is not None and context.color is False):
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def clean(text: str, *, keep: str = "") -> str:
    """`text` with everything that a terminal would obey, or that reorders what is read, spelled out."""
    return "".join(c if c in keep or unicodedata.category(c) not in ("Cc", "Cf") else _spelled(c) for c in text)


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _shown(found: object) -> str:
    """One value in a cell: text as it is, nothing as nothing, everything else as JSON."""
    if found is None:
        return ""
    return clean(found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, default=str))


def _table(found: Iterable[Row], columns: Sequence[Column]) -> None:
    """Columns as wide as their widest value; the last is cut at the edge of the terminal."""
    cells = [[_shown(row.get(column.key)) for column in columns] for row in found]
    titles = [column.title() for column in columns]
    widths = [max(map(_width, column)) for column in zip(titles, *cells, strict=True)]
    widths[-1] = min(widths[-1], _room(sum(widths[:-1]) + 2 * (len(widths) - 1)))
    _line(titles, widths, ["bold"] * len(columns))
    for line in cells:
        _line(line, widths, [(column.colour or {}).get(text, "") for column, text in zip(columns, line, strict=True)])


def _room(taken: int) -> int:
    """The characters that a line has left for its last column; where there is no terminal, all it wants."""
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except OSError:
        return sys.maxsize
    return max(columns - taken, _NARROWEST) if columns else sys.maxsize


def _line(texts: Sequence[str], widths: Sequence[int], colours: Sequence[str]) -> None:
    last = len(texts) - 1
    cells = [
        paint(_cut(text, width), colour, sys.stdout) + (" " * (width - _width(text)) if at < last else "")
        for at, (text, width, colour) in enumerate(zip(texts, widths, colours, strict=True))
    ]
    _write(sys.stdout, "  ".join(cells).rstrip() + "\n")


def _width(text: str) -> int:
    """The terminal cells that `text` takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _cut(text: str, width: int) -> str:
    """`text`, or as much of it as fits with an ellipsis."""
    if _width(text) <= width:
        return text
    kept = text
    while _width(kept) > width - 1:
        kept = kept[:-1]
    return kept + "…"


def _begun(found: Iterable[Row]) -> Iterator[Row]:
    """The same rows, the first of them fetched: what cannot be read at all fails before a heading is written."""
    rows = iter(found)
    first = [*islice(rows, 1)]
    return chain(first, rows)


def _tsv(found: Iterable[Row], columns: Sequence[Column]) -> None:
    rows = _begun(found)
    _write(sys.stdout, "\t".join(column.key for column in columns) + "\n")
    for row in rows:
        _write(sys.stdout, "\t".join(_shown(row.get(column.key)) for column in columns) + "\n")


def _json(found: Iterable[Row], _columns: Sequence[Column]) -> None:
    value([dict(row) for row in found])


def _jsonl(found: Iterable[Row], _columns: Sequence[Column]) -> None:
    for row in found:
        value(dict(row), Form.JSONL)


def _csv(found: Iterable[Row], columns: Sequence[Column]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    writer.writerows([_shown(row.get(column.key)) for column in columns] for row in found)
    data(text.getvalue(), end="")


def _ids(found: Iterable[Row], columns: Sequence[Column]) -> None:
    """The ids alone; rows without one are known by their first column."""
    for row in found:
        data(_shown(row.get("id", row.get("execution_id", row.get(columns[0].key)))))


_WRITERS: Final[Mapping[Form, Callable[[Iterable[Row], Sequence[Column]], None]]] = {
    Form.TABLE: _table,
    Form.TSV: _tsv,
    Form.JSON: _json,
    Form.JSONL: _jsonl,
    Form.CSV: _csv,
    Form.ID: _ids,
}


def open_closed() -> None:
    """Where we were started with stdout or stderr closed (`>&-`), what we say goes nowhere."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()


def _nowhere() -> TextIO:
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


def _write(stream: TextIO, text: str) -> None:
    """Write and flush: whoever follows along sees each line when it happens.

    Raises:
        SystemExit: with 0, if the reader has left; with 1, if the disk below is full or fails.
    """
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # What is still buffered would raise again when Python flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise SystemExit(0) from None
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if stream is not sys.stderr:
            problem(f"the output cannot be written: {error.strerror}")
        raise SystemExit(1) from None
