"""Checks of a declaration: is it a function, is that a name, a number of seconds, an option we have.

Everything wrong with a task or workflow is told when it is declared, as `InvalidDefinition` with file
and line, so that the file does not load at all instead of failing in the night.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from math import ceil
from typing import Final

from flux.errors import InvalidDefinition

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NAMESPACE: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
LONGEST_NAME: Final = 200
LONGEST: Final = 366 * 86_400  # seconds; beyond it somebody has mixed up his units

Function = Callable[..., object]


def refusal(fn: Function, reason: str) -> InvalidDefinition:
    """The error that says what is wrong with the declaration of `fn`, and where."""
    file, line = place_of(fn)
    return InvalidDefinition(f"{reason} ({file}:{line})" if file else reason, file=file, line=line)


def place_of(fn: Function) -> tuple[str | None, int]:
    """The file and line where `fn` is written; None and 0 for what has no source."""
    code = getattr(inspect.unwrap(fn), "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else (None, 0)


def check_function(fn: object, what: str) -> None:
    """Check that `fn` can be the body of a `what`: it is written with `def`, and returns instead of yielding."""
    if not inspect.isfunction(fn):
        raise InvalidDefinition(f"a {what} is made from a function written with `def`, got {fn!r}")
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        raise refusal(fn, f"{what} {fn.__name__!r} yields; its result must be one value that it returns")


def check_name(fn: Function, what: str, name: object, pattern: re.Pattern[str] = NAME) -> str:
    """`name`, if it can be the name of a `what`."""
    if not isinstance(name, str) or not pattern.fullmatch(name) or len(name) > LONGEST_NAME:
        hint = "; give it one with name=..." if name == "<lambda>" else ""
        raise refusal(
            fn, f"{what} must match {pattern.pattern} and have at most {LONGEST_NAME} characters, got {name!r}{hint}"
        )
    return name


def milliseconds(fn: Function, option: str, seconds: object) -> int:
    """`seconds` of an option as whole milliseconds, rounded up."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST:
        raise refusal(fn, f"{option} must be 0..{LONGEST} s, got {seconds!r}")
    return ceil(round(seconds * 1000, 3))  # 0.1 + 0.2 s are 300 ms, not 301


def refuse_unavailable(
    fn: Function, given: Mapping[str, object], known: Iterable[str], neutral: Mapping[str, tuple[object, ...]]
) -> None:
    """Refuse options that do not exist, and those that would be promises nobody keeps yet.

    Args:
        neutral: option without machinery -> the values that ask for none.
    """
    known = {*known, *neutral}
    for option, value in given.items():
        if option not in known:
            near = get_close_matches(option, sorted(known), 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise refusal(fn, f"there is no option {option!r}{hint}")
        if option in neutral and not _is_neutral(value, neutral[option]):
            raise refusal(fn, f"{option}={value!r} is not available in this version")


def _is_neutral(value: object, allowed: tuple[object, ...]) -> bool:
    """Whether `value` is one of `allowed`, of the same type too, since 0 == False."""
    return any(type(value) is type(one) and value == one for one in allowed)
