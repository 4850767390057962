"""Failures: the exception that ended an attempt, recorded for the workflow and for readers.

Recording a failure never fails. What of an exception cannot be kept is left out: without its arguments it
comes back as `TaskFailed` with the original's name in `facts`; without one of its attributes it comes back
as itself, so that the author's `except` still matches.
"""

from typing import Any, Final

from flux.codec.classes import ClassIndex
from flux.codec.decoding import decode, plain
from flux.codec.encoding import lower, write
from flux.codec.exceptions import message_of, printable
from flux.codec.lowering import TAG
from flux.codec.namespaces import unversioned
from flux.codec.refusals import MAX_PAYLOAD
from flux.errors import PayloadTooLarge, PayloadTypeError, TaskFailed

_SHORT: Final = 2_000  # characters of each text in a failure that had to be cut
_VIEW: Final = ("type", "message", "traceback", "cause")


def encode_error(error: BaseException, classes: ClassIndex | None = None, *, limit: int = MAX_PAYLOAD) -> bytes:
    """The payload of a failure: type, module, message, arguments, traceback and what caused it."""
    try:
        data = write(lower(error, classes, root="error", limit=limit, failing=True))
    except (PayloadTypeError, PayloadTooLarge, ValueError, RecursionError):
        return _outline(error)
    return data if len(data) <= limit else _outline(error)


def _outline(error: BaseException) -> bytes:
    """What is left of a failure that is too large: its type and the begin of its message."""
    cls = type(error)
    return write(
        {
            TAG: "error",
            "type": printable(cls.__qualname__),
            "module": printable(unversioned(cls.__module__)),
            "message": message_of(error)[:_SHORT],
        }
    )


def decode_error(data: bytes, classes: ClassIndex | None = None) -> BaseException:
    """The exception, as the original type where it can be rebuilt, else `TaskFailed`; causes in `__cause__`."""
    try:
        value = decode(data, classes)
    except PayloadTypeError as exc:
        view = error_view(data)
        failed = TaskFailed(f"{view['type']}: {view['message']}", type=view["type"], detail=view["message"])
        failed.__cause__ = exc
        return failed
    return value if isinstance(value, BaseException) else TaskFailed("the recorded failure is no exception")


def error_view(data: bytes) -> dict[str, Any]:
    """The failure as clients see it: {type, message, traceback, cause}, the cause being such a view or None."""
    try:
        view = plain(data)
    except PayloadTypeError as exc:
        view = {"message": str(exc)}
    known = view if isinstance(view, dict) else {}
    return {"type": "Exception", "message": "", "traceback": "", "cause": None} | {
        word: known[word] for word in _VIEW if word in known
    }
