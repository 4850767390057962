"""One keep-alive HTTP connection over a Unix socket, with as little of its own on the way as can be.

What is measured is the daemon; the standard library's client would add its parser of mail headers to
every answer. It understands what our daemon sends: a length, or chunks.
"""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_READ: Final = 256 * 1024
_PATIENCE: Final = 120.0  # seconds
_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer."""

    status: int
    body: bytes

    def json(self) -> dict[str, object]:
        """The body as an object."""
        found = json.loads(self.body)
        assert isinstance(found, dict), found
        return found


class Refused(Exception):
    """The daemon answered with an error."""


def request(method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
    """The bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n"
    if method == "POST":
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


class Connection:
    """A connection that has one request under way at a time."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(_PATIENCE)
        self._socket.connect(str(path))
        self._got = bytearray()

    def fileno(self) -> int:
        """The descriptor, for a selector."""
        return self._socket.fileno()

    def send(self, data: bytes) -> None:
        """Send a request."""
        self._socket.sendall(data)

    def feed(self) -> Reply | None:
        """Take in what has arrived, waiting for some; the answer once it is whole.

        Raises:
            Refused: it is an error of the daemon, or the stream ended.
        """
        data = self._socket.recv(_READ)
        if not data:
            raise Refused("the daemon closed the connection")
        self._got += data
        reply = _parse(self._got)
        if reply is None:
            return None
        self._got.clear()
        if reply.status >= 400:
            raise Refused(f"{reply.status} {reply.body.decode(errors='replace')}")
        return reply

    def ask(self, data: bytes) -> Reply:
        """The answer to a request."""
        self.send(data)
        while (reply := self.feed()) is None:
            continue
        return reply

    def get(self, path: str) -> dict[str, object]:
        """The object at `path`."""
        return self.ask(request("GET", path)).json()

    def close(self) -> None:
        """End it."""
        self._socket.close()


def _parse(got: bytearray) -> Reply | None:
    end = got.find(_END)
    if end < 0:
        return None
    head = bytes(got[:end]).lower()
    status = int(head[9:12])
    start = end + len(_END)
    at = head.find(b"content-length:")
    if at >= 0:
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        return Reply(status=status, body=bytes(got[start : start + length])) if len(got) >= start + length else None
    assert b"transfer-encoding: chunked" in head, head
    return Reply(status=status, body=_joined(got, start)) if got.endswith(b"0" + _END) else None


def _joined(got: bytearray, start: int) -> bytes:
    """The chunks from `start` on, as one."""
    body = bytearray()
    while True:
        end = got.index(b"\r\n", start)
        size = int(got[start:end], 16)
        if not size:
            return bytes(body)
        body += got[end + 2 : end + 2 + size]
        start = end + 2 + size + 2
