"""Server-sent events: the grammar of a stream, both ways.

A message is a few lines and an empty one. Its `id` is a position in the log: whoever comes back names
the last one he saw and misses nothing. A message without data is not delivered, but its `id` counts;
so a quiet stream can move its readers on. A line that begins with a colon keeps the connection alive.

Pure: `encode` gives bytes, `Parser` takes them in pieces of any size. Nothing here reads or writes.

Source: WHATWG HTML Living Standard, section 9.2, "Server-sent events".
"""

import re
from dataclasses import dataclass
from typing import Final

from flux.errors import ProtocolError

CONTENT_TYPE: Final = "text/event-stream"
LAST_EVENT_ID: Final = "Last-Event-ID"
MAX_MESSAGE: Final = 32 * 1024 * 1024  # bytes; twice the largest payload, as JSON may need
HEARTBEAT: Final = b": still here\n\n"

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One delivered message. `id` is the last one seen in the stream, which may be an older message's."""

    event: str
    data: str
    id: str


def encode(event: str, data: bytes, position: int | None = None) -> bytes:
    """The bytes of one message. `data`: UTF-8 text, usually one line of JSON."""
    head = f"event: {event}\n" if position is None else f"id: {position}\nevent: {event}\n"
    lines = _LINE_END.split(data) if b"\n" in data or b"\r" in data else (data,)
    return head.encode() + b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"


def mark(position: int) -> bytes:
    """The bytes that move a reader on to `position` and deliver nothing."""
    return b"id: %d\n\n" % position


class Parser:
    """Messages out of a stream that comes in pieces.

    `last_id` is what a reader that comes back must send: the id of the last message that was whole.
    `retry` is the delay in milliseconds that the server asked for, or None.
    """

    def __init__(self, last_id: str = "", *, limit: int = MAX_MESSAGE) -> None:
        self.last_id = last_id
        self.retry: int | None = None
        self._limit = limit
        self._id = last_id
        self._rest = b""
        self._after_carriage_return = False
        self._first = True
        self._event = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[Message]:
        """The messages that `piece` completes.

        Raises:
            ProtocolError: a message is larger than the limit, or is not UTF-8.
        """
        if self._after_carriage_return and piece.startswith(b"\n"):
            piece = piece[1:]  # the second half of a line end that was cut in two
        if piece:
            self._after_carriage_return = piece.endswith(b"\r")
        lines = _LINE_END.split(self._rest + piece)
        self._rest = lines.pop()
        messages = [message for line in lines if (message := self._line(line)) is not None]
        if len(self._rest) + self._size > self._limit:
            raise ProtocolError(f"a message of the event stream is larger than {self._limit} bytes")
        return messages

    def _line(self, line: bytes) -> Message | None:
        if self._first:
            self._first = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            return self._dispatch()
        try:
            name, _, value = line.decode("utf-8").partition(":")
        except UnicodeDecodeError as exc:
            raise ProtocolError("the event stream is not UTF-8") from exc
        self._field(name, value.removeprefix(" "))
        return None

    def _field(self, name: str, value: str) -> None:
        """Take one field; a comment has an empty name, and an unknown one is ignored, as the standard says."""
        if name == "data":
            self._data.append(value)
            self._size += len(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value)

    def _dispatch(self) -> Message | None:
        self.last_id = self._id
        event, data = self._event or "message", self._data
        self._event, self._data, self._size = "", [], 0
        return Message(event=event, data="\n".join(data), id=self.last_id) if data else None
