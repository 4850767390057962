"""Documents: the JSON that leaves the daemon, as bytes.

Views are made of plain dicts, lists, text and numbers, so that one fast encoder serves them all. What
a user's value holds has gone through the codec before and is plain by then.
"""

from typing import Any, Final

import msgspec

JSON: Final = "application/json"
LINES: Final = "application/x-ndjson"
PROBLEM: Final = "application/problem+json"
HEADERS: Final = {"Cache-Control": "no-store", "Server": "flux"}
"""Of every answer: what it says holds for a moment, and nobody needs to know what serves it."""

_ENCODER: Final = msgspec.json.Encoder()


def encode(document: Any) -> bytes:
    """The document as one line of JSON, UTF-8."""
    return _ENCODER.encode(document)


def encode_line(document: Any) -> bytes:
    """The document as a line of NDJSON, with its end."""
    return _ENCODER.encode(document) + b"\n"
