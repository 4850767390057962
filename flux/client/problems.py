"""Errors that the daemon answered, as the errors they were.

A problem document's `code` names the class; its other members become `facts`. An answer that is no
such document did not come from a daemon of ours.
"""

import json
from collections.abc import Mapping
from typing import Final

from flux.errors import FluxError, Invalid, Unreachable

_SHOWN_BYTES: Final = 200
_NOT_FACTS: Final = frozenset({"type", "title", "detail", "code"})
_RENAMED: Final = {"execution_id": "execution"}


def _classes() -> dict[str, type[FluxError]]:
    """Every class of ours by its code."""
    found: dict[str, type[FluxError]] = {}
    waiting: list[type[FluxError]] = [FluxError]
    for cls in waiting:
        found.setdefault(cls.code, cls)
        waiting.extend(cls.__subclasses__())
    return found


_BY_CODE: Final[Mapping[str, type[FluxError]]] = {**_classes(), "not_ready": Unreachable}


def error_of(status: int, body: bytes) -> FluxError:
    """The error that an answer with this status carries."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict) or "code" not in document:
        shown = body[:_SHOWN_BYTES].decode("utf-8", "replace")
        return Unreachable(f"what answered with status {status} is no Flux daemon: {shown!r}", status=status)
    return error_in(document)


def error_in(document: Mapping[str, object]) -> FluxError:
    """The error that a problem document describes. A code we do not know is the caller's fault below status 500."""
    status = document.get("status")
    unknown = Invalid if isinstance(status, int) and status < 500 else FluxError
    cls = _BY_CODE.get(str(document["code"]), unknown)
    facts = {_RENAMED.get(key, key): value for key, value in document.items() if key not in _NOT_FACTS}
    return cls(str(document.get("detail") or document.get("title") or ""), **facts)
