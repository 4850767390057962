"""Encoding: a value → its payload, UTF-8 JSON in which everything that JSON cannot say carries a tag.

    {"name": "x", "n": 1}                               plain JSON stands as it is
    {"$": "tuple", "v": [1, 2]}                         "$" is the tag, "v" the content
    {"$": "dict", "v": [[1, "a"]]}                      keys that are no strings, or a key "$"
    {"$": "data", "c": "orders:Order", "v": {...}}      "c" names the class

Exact or refused: a value that would come back as another, or as one of another type, raises
`PayloadTypeError` with the path inside it. Sets are written in the order of their members' JSON, so that
equal sets give equal bytes. Two references to one object become two objects.

Plain values take a short way: one look at the types, then Python's JSON encoder in C.
"""

from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from math import isfinite
from typing import Any, Final

from flux.codec.classes import ClassIndex
from flux.codec.lowering import ATOMS, STRINGS, TAG, WRITER, Encoder, Exhausted
from flux.codec.refusals import MAX_DEPTH, MAX_PAYLOAD, Refusal, too_deep, too_large


def _write_float(value: float) -> bytes | None:
    return repr(value).encode() if isfinite(value) else None


_WRITERS: Final[Mapping[type, Callable[[Any], bytes | None]]] = {
    type(None): lambda _: b"null",
    bool: lambda value: b"true" if value else b"false",
    int: lambda value: repr(value).encode(),
    float: _write_float,
    str: lambda value: encode_basestring(value).encode(),
}


def is_atomic(value: object) -> bool:
    """Whether `value` cannot change on its way through the log, so that nobody has to decode it back."""
    return type(value) in ATOMS


def write_atom(value: object) -> bytes | None:
    """The payload of an atomic value; None for others, and for those that a closer look must refuse."""
    writer = _WRITERS.get(type(value))
    if writer is None:
        return None
    try:
        return writer(value)
    except ValueError:  # a number too long for decimal digits, or a lone surrogate
        return None


def encode(value: object, classes: ClassIndex | None = None, *, root: str = "value", limit: int = MAX_PAYLOAD) -> bytes:
    """The payload of `value`.

    Args:
        classes: where authors' classes can be found again; without it, there are none.
        root: what the value is called in errors: `result`, `input`.

    Raises:
        PayloadTypeError: it cannot be kept exactly; the message names the path inside it.
        PayloadTooLarge: it would take more than `limit` bytes.
    """
    data = _short_way(value, root, limit)
    if data is None:
        data = write(lower(value, classes, root=root, limit=limit))
    if len(data) > limit:
        raise too_large(root, limit, len(data))
    return data


def _short_way(value: object, root: str, limit: int) -> bytes | None:
    """The payload of plain JSON; None where a closer look is needed."""
    if type(value) in _WRITERS:
        return write_atom(value)
    try:
        if _is_plain(value, root, limit):
            return WRITER.encode(value).encode()
    except (ValueError, RecursionError):
        # NaN, a number too long for decimal digits, a lone surrogate, or a stack that is nearly full already
        return None
    return None


def _is_plain(value: object, root: str, limit: int) -> bool:
    """Whether JSON itself keeps `value`: lists, dicts with string keys, and atoms. Counts instead of recursing."""
    if type(value) is not list and type(value) is not dict:
        return False
    level: list[Any] = [value]
    entries = 0
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for container in level:
            items = container
            if type(container) is dict:
                if TAG in container or not STRINGS.issuperset(map(type, container)):
                    return False
                items = container.values()
            entries += len(container)
            for item in items:
                kind = type(item)
                if kind not in ATOMS:
                    if kind is not list and kind is not dict:
                        return False
                    below.append(item)
        if not below:
            return True
        if entries * 2 > limit:  # two bytes each at least; one list, shared often enough, has no end
            raise too_large(root, limit)
        level = below
    return False


def write(lowered: object) -> bytes:
    """The bytes of something that is JSON already."""
    return WRITER.encode(lowered).encode()


def lower(
    value: object, classes: ClassIndex | None, *, root: str, limit: int = MAX_PAYLOAD, failing: bool = False
) -> Any:
    """`value` as JSON with tags; `failing` records exceptions with tracebacks, and never refuses one."""
    encoder = Encoder(classes, limit, failing=failing)
    try:
        return encoder.lower(value, 0)
    except Refusal as refusal:
        raise refusal.as_error(root) from None
    except RecursionError:
        raise too_deep(type(value)).as_error(root) from None
    except Exhausted:
        raise too_large(root, limit) from None
