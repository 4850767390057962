"""Decoding: a payload → the value, or the view of it that readers of the API get.

Python's JSON reader calls a hook for each object, the innermost first, so nothing here recurses. A payload
without a tag is read by the C code alone.

`decode` finds authors' classes only in the `ClassIndex` it is given. `plain` needs no classes at all: the daemon
answers readers with it and never has to know the authors' code.

Bytes from outside are not payloads: `encode(json.loads(body))` makes one, and escapes what looks like a tag.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from flux.codec import exceptions, instances
from flux.codec.classes import ClassIndex, kind_of
from flux.codec.lowering import TAG
from flux.codec.scalars import BY_TAG
from flux.codec.standard import standard_error
from flux.errors import PayloadTypeError, TaskFailed

_MARK: Final = f'"{TAG}"'


def decode(data: bytes, classes: ClassIndex | None = None) -> Any:
    """The value whose payload is `data`, type included.

    Raises:
        PayloadTypeError: it is no payload, or it needs a class that `classes` does not have.
    """
    return _read(data, _Reviver(classes).revive)


def plain(data: bytes) -> Any:
    """The payload as plain JSON for readers: without tags, without classes, never failing on what is inside."""
    return _read(data, _view)


def _read(data: bytes, hook: Callable[[dict[str, Any]], Any]) -> Any:
    if data == b"null":
        return None
    try:
        text = str(data, "utf-8")
        if _MARK not in text:
            value, end = _PLAIN_READER.raw_decode(text)
        else:
            value, end = json.JSONDecoder(object_hook=hook, parse_constant=_refuse_constant).raw_decode(text)
    except PayloadTypeError:
        raise
    except (ValueError, RecursionError) as exc:
        raise PayloadTypeError(f"{len(data)} bytes are not a payload: {exc}") from exc
    if end != len(text):
        raise PayloadTypeError(f"the payload ends at character {end}, but {len(text)} are there")
    return value


def _refuse_constant(word: str) -> NoReturn:
    raise PayloadTypeError(f"{word} is not JSON")


_PLAIN_READER: Final = json.JSONDecoder(parse_constant=_refuse_constant)


class _Reviver:
    """Turns tagged records into values, with the classes of one source."""

    def __init__(self, classes: ClassIndex | None) -> None:
        self._classes = classes

    def revive(self, record: dict[str, Any]) -> Any:
        if TAG not in record:
            return record
        tag = record[TAG]
        try:
            form = BY_TAG.get(tag)
            return form.revive(record["v"]) if form is not None else _REVIVERS[tag](self, record)
        except PayloadTypeError:
            raise
        except Exception as exc:  # damaged data in any form, or an author's class that objects to it
            raise PayloadTypeError(f"a payload with the tag {tag!r} cannot be read: {exc!r}") from exc

    def _class(self, record: dict[str, Any]) -> Any:
        name = record["c"]
        cls = self._classes.find(name) if self._classes is not None else None
        if cls is None or kind_of(cls) != record[TAG]:
            raise PayloadTypeError(
                f"the class {name!r} is not part of this source any more; put it back, or keep an old name for it",
                type=name,
            )
        return cls

    def revive_data(self, record: dict[str, Any]) -> Any:
        return instances.make(self._class(record), record["v"])

    def revive_named(self, record: dict[str, Any]) -> Any:
        cls = self._class(record)
        values = record["v"]
        if set(cls._fields) != set(values):
            raise PayloadTypeError(f"{record['c']!r} has other fields now than when it was recorded", type=record["c"])
        return tuple.__new__(cls, [values[field] for field in cls._fields])

    def revive_enum(self, record: dict[str, Any]) -> Any:
        cls = self._class(record)
        return cls[record["n"]] if "n" in record else cls(record["v"])

    def revive_error(self, record: dict[str, Any]) -> BaseException:
        error = self._original(record) or _stand_in(record)
        if record.get("lost") and not isinstance(error, TaskFailed):
            error.add_note(f"not kept in the log: {', '.join(record['lost'])}")
        if record.get("traceback"):
            vars(error)[exceptions.REMOTE] = record["traceback"]
        error.__cause__ = record.get("cause")
        error.__context__ = record.get("context")
        error.__suppress_context__ = "cause" in record or bool(record.get("suppress"))
        return error

    def _original(self, record: dict[str, Any]) -> BaseException | None:
        """The exception as it was; None if its class is not known here or does not take its arguments."""
        name = record.get("c", "")
        cls = standard_error(name) or (self._classes.find(name) if self._classes is not None else None)
        if cls is None or not issubclass(cls, BaseException) or "args" not in record:
            return None
        try:
            return exceptions.put_together(cls, tuple(record["args"]), record["state"])
        except Exception:  # whatever an author's class says to it, the failure must be told
            return None


def _stand_in(record: dict[str, Any]) -> TaskFailed:
    name, detail = record.get("type", "Exception"), record.get("message", "")
    text = f"{name}: {detail}" if detail else str(name)
    return TaskFailed(text, type=name, module=record.get("module"), detail=detail)


_REVIVERS: Final[Mapping[str, Callable[[_Reviver, dict[str, Any]], Any]]] = {
    "tuple": lambda _, record: tuple(record["v"]),
    "set": lambda _, record: set(record["v"]),
    "frozenset": lambda _, record: frozenset(record["v"]),
    "dict": lambda _, record: {key: value for key, value in record["v"]},  # noqa: C416 - pairs, and nothing else
    "data": _Reviver.revive_data,
    "named": _Reviver.revive_named,
    "enum": _Reviver.revive_enum,
    "error": _Reviver.revive_error,
}


def _view(record: dict[str, Any]) -> Any:
    """A record as readers see it. One that this version does not know is shown as it is."""
    if TAG not in record:
        return record
    tag = record[TAG]
    form = BY_TAG.get(tag) if isinstance(tag, str) else None
    try:
        return form.view(record["v"]) if form is not None else _VIEWS[tag](record)
    except (LookupError, TypeError, ValueError, AttributeError):
        return record


def _view_dict(record: dict[str, Any]) -> Any:
    """A mapping with string keys; a list of pairs where two keys would read the same or one is no scalar."""
    pairs: list[Any] = record["v"]
    keys = [key if isinstance(key, str) else json.dumps(key) for key, _ in pairs]
    if len(set(keys)) < len(keys) or any(isinstance(key, list | dict) for key, _ in pairs):
        return pairs
    return dict(zip(keys, (value for _, value in pairs), strict=True))


def _view_error(record: dict[str, Any]) -> dict[str, Any]:
    """Type, message, traceback and cause; an exception that was being handled counts as the cause."""
    return {
        "type": record["type"],
        "message": record["message"] if "message" in record else _said(record.get("args", [])),
        "traceback": record.get("traceback", ""),
        "cause": record.get("cause") or record.get("context"),
    }


def _said(args: list[Any]) -> str:
    return args[0] if len(args) == 1 and isinstance(args[0], str) else ", ".join(map(json.dumps, args))


_VIEWS: Final[Mapping[str, Callable[[dict[str, Any]], Any]]] = {
    **dict.fromkeys(("tuple", "set", "frozenset", "data"), lambda record: record["v"]),
    "named": lambda record: list(record["v"].values()),
    "enum": lambda record: record.get("v", record.get("n")),
    "dict": _view_dict,
    "error": _view_error,
}
