"""INPUT on the command line: words become one JSON value.

    '{"sku": "lamp"}'        JSON; a text needs its quotes: '"World"'
    @order.json              a file that holds JSON
    -                        JSON from standard input
    sku=lamp count:=2        an object: texts with `=`, JSON with `:=`

No words are null. JSON is read strictly: no NaN, no infinity.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

from flux.errors import Invalid

HELP: Final = "INPUT is JSON, @FILE, - (standard input), or key=text key:=JSON …; without it the input is null."
_PAIR: Final = re.compile(r"([A-Za-z_][\w.-]*)(:?=)(.*)", re.DOTALL)
_SHOWN: Final = 60  # characters of a wrong input that an error repeats


def parse(words: Sequence[str]) -> object:
    """The value that the words say.

    Raises:
        Invalid: they say none; the message names the word and what was expected.
    """
    if not words:
        return None
    pairs = [_PAIR.fullmatch(word) for word in words]
    if all(pairs):
        return _object(pair for pair in pairs if pair is not None)
    if len(words) > 1:
        stray = next(word for word, pair in zip(words, pairs, strict=True) if pair is None)
        raise Invalid(
            f"several words must all be key=text or key:=JSON, got {stray[:_SHOWN]!r}",
            hint="Put JSON into quotes, so that the shell hands it over as one word.",
        )
    return _single(words[0])


def labels(given: Iterable[str]) -> dict[str, str]:
    """The labels of `--label name=value` (`name:value` does, too).

    Raises:
        Invalid: one has no value.
    """
    found = {}
    for text in given:
        match = re.fullmatch(r"([^:=]+)[:=](.*)", text, re.DOTALL)
        if match is None:
            raise Invalid(f"a label is name=value, got {text[:_SHOWN]!r}")
        found[match[1]] = match[2]
    return found


def _object(pairs: Iterable[re.Match[str]]) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for key, sign, text in (pair.groups() for pair in pairs):
        if key in found:
            raise Invalid(f"the key {key!r} is given twice")
        found[key] = text if sign == "=" else _json(text, f"the value of {key!r}")
    return found


def _single(word: str) -> object:
    if word == "-":
        return _json(sys.stdin.buffer.read(), "standard input")
    if word.startswith("@"):
        return _json(_content(Path(word[1:])), f"the file {word[1:]}")
    return _json(word, "the input")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise Invalid(f"the file {path} cannot be read: {exc.strerror}") from exc


def _json(text: str | bytes, what: str) -> object:
    """The value of a JSON text, which `what` names in an error."""
    try:
        return json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError) as exc:
        shown = text[:_SHOWN].decode("utf-8", "replace") if isinstance(text, bytes) else text[:_SHOWN]
        raise Invalid(
            f"{what} is no JSON: {shown!r} ({exc})",
            hint="A text needs quotes of its own, as in '\"World\"'; an object is also written key=text key:=JSON.",
        ) from exc


def _refused(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
