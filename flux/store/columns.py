"""Columns of a row as the types that their STRICT tables promise.

A value of another type means that somebody edited the file behind our back: `StorageError`, at once.
"""

from flux.errors import StorageError
from flux.store.database import Value


def text(value: Value) -> str:
    """A TEXT that is not null."""
    if isinstance(value, str):
        return value
    raise _wrong("text", value)


def number(value: Value) -> int:
    """An INTEGER that is not null."""
    if isinstance(value, int):
        return value
    raise _wrong("a number", value)


def blob(value: Value) -> bytes:
    """A BLOB that is not null."""
    if isinstance(value, bytes):
        return value
    raise _wrong("bytes", value)


def maybe_text(value: Value) -> str | None:
    """A TEXT or null."""
    return None if value is None else text(value)


def maybe_number(value: Value) -> int | None:
    """An INTEGER or null."""
    return None if value is None else number(value)


def _wrong(expected: str, value: Value) -> StorageError:
    return StorageError(f"the database holds {type(value).__name__} where {expected} belongs: it was edited")
