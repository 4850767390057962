"""Hints: what an author can do about a value that cannot be kept.

The most common mistakes have a sentence of their own; everything else gets the general one.
"""

from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, UserString, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from dataclasses import is_dataclass
from io import IOBase
from types import ModuleType
from typing import Final

_GENERAL: Final = "use plain data or a dataclass, or pass a reference to it"

_HINTS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (Awaitable, "await it first"),
    (AsyncIterator, "collect it first: `[item async for item in ...]`"),
    (IOBase, "pass its path or its content"),
    (Iterator, "make it a list first"),
    ((bytearray, memoryview), "use `bytes(...)`"),
    ((OrderedDict, defaultdict, Counter, ChainMap, UserDict), "use `dict(...)`"),
    ((deque, UserList, range, type({}.keys()), type({}.values()), type({}.items())), "use `list(...)`"),
    (UserString, "use `str(...)`"),
    (type, "pass its name"),
    (ModuleType, "pass its name"),
)

_PLAIN: Final = (bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict)


def hint_for(value: object) -> str:
    """The end of the sentence "... cannot be kept exactly; "."""
    for types, hint in _HINTS:
        if isinstance(value, types):
            return hint
    if is_dataclass(value):
        return "a dataclass cannot also be a builtin container: keep the container in a field"
    for plain in _PLAIN:
        if isinstance(value, plain):
            return f"use `{plain.__name__}(...)`"
    if isinstance(value, Mapping):
        return "use `dict(...)`"
    if callable(value):
        return "pass what it returns, or its name"
    return _GENERAL
