"""Exceptions: taken apart and put together, whatever their `__init__` wants."""

import asyncio
import json
import subprocess
import urllib.error
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest

from flux.codec import ClassIndex, decode, encode
from flux.errors import Denied, FluxError, PayloadTypeError, TaskTimeout

made: list[object] = []


class Refused(Exception):
    """Wants other arguments than it hands on."""

    def __init__(self, order: int, *, reason: str) -> None:
        made.append(self)
        super().__init__(f"order {order}: {reason}")
        self.order = order
        self.reason = reason


class Missing(Refused, KeyError):
    """Of two families."""


class OwnOSError(OSError):
    """An OSError with an `__init__` of its own."""

    def __init__(self, path: str) -> None:
        super().__init__(2, "gone", path)


INDEX = ClassIndex({f"x:{cls.__name__}": cls for cls in (Refused, Missing, OwnOSError)})


def _decode_error() -> Exception:
    with pytest.raises(UnicodeDecodeError) as caught:
        b"\xff".decode()
    return caught.value


def _json_error() -> Exception:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads("{")
    return caught.value


def _attribute_error() -> Exception:
    with pytest.raises(AttributeError) as caught:
        object().nothing  # type: ignore[attr-defined]  # noqa: B018 - it is what raises
    return caught.value


def _errors() -> list[BaseException]:
    return [
        ValueError("bad", 1, (2, {"a": 3})),
        KeyError("k"),
        FileNotFoundError(2, "No such file", "a.txt"),
        OSError("only text"),
        OSError(5, "I/O", "a", None, "b"),
        _decode_error(),
        _json_error(),
        _attribute_error(),
        SyntaxError("invalid", ("f.py", 3, 4, "x = = 1", 3, 5)),
        ImportError("no", name="n", path="p"),
        StopIteration(7),
        SystemExit(3),
        asyncio.CancelledError("why"),
        asyncio.IncompleteReadError(b"ab", 4),
        subprocess.CalledProcessError(2, ["ls"], b"out"),
        urllib.error.URLError("refused"),
        InvalidOperation([Decimal(1)]),
        ExceptionGroup("several", [ValueError(1), Refused(1, reason="x")]),
        Denied("no", missing_permissions=["a:b"]),
        TaskTimeout("slow", timeout=5),
        Refused(7, reason="empty"),
        Missing(8, reason="gone"),
        OwnOSError("p"),
    ]


@pytest.mark.parametrize("error", _errors(), ids=lambda error: type(error).__name__)
def test_an_exception_comes_back_as_itself(error: BaseException):
    """Type, arguments, text and attributes, for an author's `except` to look at."""
    made.clear()

    back = decode(encode(error, INDEX), INDEX)

    assert type(back) is type(error)
    assert str(back) == str(error)
    assert repr(back) == repr(error)
    assert vars(back).keys() == vars(error).keys()
    assert made == []


@pytest.mark.parametrize(
    ("error", "names"),
    [
        (FileNotFoundError(2, "No such file", "a.txt"), ("errno", "strerror", "filename", "filename2")),
        (_json_error(), ("msg", "doc", "pos", "lineno", "colno")),
        (_decode_error(), ("encoding", "object", "start", "end", "reason")),
        (_attribute_error(), ("name",)),
        (ImportError("no", name="n", path="p"), ("name", "path")),
        (subprocess.CalledProcessError(2, ["ls"], b"out"), ("returncode", "cmd", "output", "stderr")),
        (StopIteration(7), ("value",)),
        (SyntaxError("invalid", ("f.py", 3, 4, "x = = 1", 3, 5)), ("filename", "lineno", "text")),
        (Refused(7, reason="empty"), ("order", "reason")),
        (OwnOSError("p"), ("errno", "filename")),
        (Denied("no", missing_permissions=["a:b"]), ("facts",)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_attributes_that_python_keeps_elsewhere_come_back_too(error: Any, names: tuple[str, ...]):
    """OSError's `filename` is in neither `args` nor `__dict__`."""
    back = decode(encode(error, INDEX), INDEX)

    assert [getattr(back, name) for name in names] == [getattr(error, name) for name in names]


def test_notes_stay():
    """PEP 678: they are part of what the error says."""
    error = ValueError("x")
    error.add_note("in stage 2")

    assert decode(encode(error)).__notes__ == ["in stage 2"]


def test_an_exception_inside_a_value_is_kept_whole_or_refused():
    """`gather(return_exceptions=True)` gives results; they are values like others."""
    error = Refused(1, reason="x")
    error.order = object()  # type: ignore[assignment]  # what cannot be kept

    with pytest.raises(PayloadTypeError, match=r"result\[0\]\.order"):
        encode([error], INDEX, root="result")
    with pytest.raises(PayloadTypeError, match="part of the workflow's source"):
        encode([Refused(1, reason="x")])


def test_causes_come_back_in_their_chain():
    """`raise ... from`, the error that was being handled, and `from None`."""
    cause = KeyError("k")
    caused, handled, hidden = ValueError("v"), FluxError("f"), TypeError("t")
    caused.__cause__ = cause
    handled.__context__ = cause
    hidden.__context__ = cause
    hidden.__suppress_context__ = True

    back_caused, back_handled, back_hidden = decode(encode([caused, handled, hidden]))

    assert repr(back_caused.__cause__) == "KeyError('k')"
    assert back_caused.__suppress_context__
    assert repr(back_handled.__context__) == "KeyError('k')"
    assert not back_handled.__suppress_context__
    assert back_hidden.__context__ is None
    assert back_hidden.__suppress_context__


def test_a_value_with_an_exception_has_the_same_bytes_wherever_it_was_raised():
    """A traceback changes with every edit of the file; digests must not."""
    with pytest.raises(ValueError, match="v") as caught:
        raise ValueError("v")

    assert encode(caught.value) == encode(ValueError("v"))
