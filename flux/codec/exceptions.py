"""Exceptions, taken apart and put together again without running anybody's `__init__`.

An exception is its class, its arguments, its attributes. An author's `__init__` may want other
arguments than those in `args` (`super().__init__(f"order {id}")`), so it is never called: the nearest
builtin ancestor makes the object, and the attributes are set. That is how pickle should have done it.

The traceback of an exception that was read from the log is a text, kept in an attribute of it; when
such an exception fails something else in turn, the text goes first.
"""

import traceback
from pathlib import Path
from typing import Any, Final

from flux.codec.instances import slots_of

REMOTE: Final = "__flux_traceback__"
"""The attribute that holds the recorded traceback of an exception read from the log."""

_KEPT_DUNDER: Final = "__notes__"  # PEP 678; every other such name is Python's own
_HEAP_TYPE: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a `class` statement, not by C
_FRAMES: Final = 40  # of each traceback; the ends of an endless recursion say enough
_MESSAGE: Final = 20_000  # characters
_OURS: Final = str(Path(__file__).resolve().parents[1]) + "/"
_NOT_OURS: Final = _OURS + "data/"  # examples are shipped there, and they are authors' code


def take_apart(error: BaseException) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments that make `error` again, and its attributes."""
    # The builtin's own `__reduce__`: OSError and ImportError keep more than `args` says.
    maker: Any = _maker(type(error))
    reduced = maker.__reduce__(error)
    state = slots_of(error) | (dict(reduced[2]) if len(reduced) > 2 and reduced[2] else {})
    if isinstance(error, AttributeError | NameError):
        state.setdefault("name", error.name)
    return tuple(reduced[1]), {name: value for name, value in state.items() if _is_ours_to_keep(name)}


def put_together(cls: type[BaseException], args: tuple[Any, ...], state: dict[str, Any]) -> BaseException:
    """An exception of `cls`. Raises whatever the builtin ancestor says to arguments that do not fit."""
    maker: Any = _maker(cls)
    error: BaseException = maker.__new__(cls, *args)
    maker.__init__(error, *args)
    for name, value in state.items():
        if _is_ours_to_keep(name):
            setattr(error, name, value)
    return error


def _maker(cls: type) -> type:
    """The C class whose memory layout `cls` has; only its `__new__` may make one."""
    while cls.__flags__ & _HEAP_TYPE and cls.__base__ is not None:
        cls = cls.__base__
    return cls


def _is_ours_to_keep(name: str) -> bool:
    return name == _KEPT_DUNDER or (name != "args" and not (name.startswith("__") and name.endswith("__")))


def message_of(error: BaseException) -> str:
    """`str(error)`, cut where it is endless, also if the author's `__str__` fails."""
    try:
        text = str(error)
    except Exception as exc:  # reporting a failure must not fail itself
        text = f"(its __str__ raised {type(exc).__name__})"
    return printable(text if len(text) <= _MESSAGE else text[:_MESSAGE] + "…")


def printable(text: str) -> str:
    """`text` with lone surrogates written out, so that UTF-8 can hold it."""
    return text.encode("utf-8", "backslashreplace").decode()


def traceback_of(error: BaseException) -> str:
    """The frames of authors' code that `error` went through, as Python prints them; ours are left out."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_authors(frame.filename)]
    if len(frames) > _FRAMES:
        frames = [*frames[: _FRAMES // 2], *frames[-_FRAMES // 2 :]]
    lines = traceback.StackSummary.from_list(frames).format()
    earlier = str(vars(error).get(REMOTE, ""))
    return printable(earlier + "".join(lines))


def _is_authors(filename: str) -> bool:
    return not filename.startswith(_OURS) or filename.startswith(_NOT_OURS)


def links_of(error: BaseException) -> list[tuple[str, BaseException]]:
    """What led to `error`: its cause, or else the exception that was being handled."""
    if error.__cause__ is not None:
        return [("cause", error.__cause__)]
    if error.__context__ is not None and not error.__suppress_context__:
        return [("context", error.__context__)]
    return []
