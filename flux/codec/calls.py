"""Calls: the arguments of a task, one payload for both kinds, and the digest that replay compares."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from flux.codec.classes import ClassIndex
from flux.codec.decoding import decode, plain
from flux.codec.encoding import encode, lower, write_atom
from flux.codec.refusals import MAX_PAYLOAD
from flux.errors import PayloadTypeError


def encode_call(
    args: Sequence[object],
    kwargs: Mapping[str, object],
    classes: ClassIndex | None = None,
    *,
    limit: int = MAX_PAYLOAD,
) -> bytes:
    """The payload of a call's arguments. Errors name the argument: `args[0].items`, `kwargs["order"]`."""
    short = None if kwargs else _of_atoms(args)
    if short is not None and len(short) <= limit:
        return short
    try:
        return encode([list(args), dict(kwargs)], classes, root="arguments", limit=limit)
    except PayloadTypeError:
        lower(list(args), classes, root="args", limit=limit)
        lower(dict(kwargs), classes, root="kwargs", limit=limit)
        raise


def _of_atoms(args: Sequence[object]) -> bytes | None:
    """The payload of positional arguments that are all atomic, as most are; the encoder writes the same bytes."""
    written = []
    for arg in args:
        atom = write_atom(arg)
        if atom is None:
            return None
        written.append(atom)
    return b"[[" + b",".join(written) + b"],{}]"


def decode_call(data: bytes, classes: ClassIndex | None = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The positional and the keyword arguments."""
    args, kwargs = decode(data, classes)
    return tuple(args), kwargs


def call_view(data: bytes) -> dict[str, Any]:
    """The arguments as readers see them: {args, kwargs}."""
    args, kwargs = plain(data)
    return {"args": args, "kwargs": kwargs}


def digest(data: bytes) -> bytes:
    """Eight bytes that tell one payload from another: equal values have equal payloads."""
    return blake2b(data, digest_size=8).digest()
