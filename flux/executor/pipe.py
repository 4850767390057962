"""A pipe: framed bytes to and from one process, over a Unix stream that never blocks the daemon.

Frames given in one turn of the loop leave in one write. What the peer does not take waits here, up to
`limit` bytes; a peer that lets more wait is stuck, and `on_end` is told so. One read takes at most
`_READ` bytes, so a peer that floods the daemon waits its turn like all others.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from flux.errors import ProtocolError
from flux.wire.frames import Frame, Splitter, pack

LIMIT: Final = 64 * 1024 * 1024  # two of the largest frames
_READ: Final = 256 * 1024


class Pipe:
    """The daemon's end of one stream.

    Args:
        on_frames: takes the bodies of the frames that one read completed.
        on_end: told that nothing more will come, and what rule the peer broke (empty: none, it just ended).
            Called once, never from `send` itself.
    """

    def __init__(
        self,
        end: socket.socket,
        on_frames: Callable[[list[bytes]], None],
        on_end: Callable[[str], None],
        limit: int = LIMIT,
    ) -> None:
        end.setblocking(False)
        self._socket = end
        self._on_frames = on_frames
        self._on_end = on_end
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._splitter = Splitter()
        self._turn: list[bytes] = []
        self._in = bytearray(_READ)
        self._out = bytearray()
        self._is_open = True
        self._is_writing = False
        self._loop.add_reader(end.fileno(), self._read)

    @property
    def waiting(self) -> int:
        """Bytes that the peer has not taken yet."""
        return len(self._out) + sum(map(len, self._turn))

    def send(self, frame: Frame) -> None:
        """Send `frame` at the end of this turn of the loop. Dropped if the stream has ended.

        Raises:
            ProtocolError: it is above the limit of a frame.
        """
        data = pack(frame)
        if not self._is_open:
            return
        if not self._turn:
            self._loop.call_soon(self._flush)
        self._turn.append(data)

    def drain(self) -> None:
        """Take in all that a dead peer has left."""
        while self._is_open and self._read():
            continue

    def close(self) -> None:
        """End the stream."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())
            self._socket.close()
            self._turn.clear()
            self._out.clear()

    def _flush(self) -> None:
        data = b"".join(self._turn)
        self._turn.clear()
        if not self._is_open or not data:
            return
        if self._out:
            self._out += data
        else:
            rest = self._write(data)
            if rest:
                self._out += rest
                self._watch()
        if len(self._out) > self._limit:
            self._end(f"it left {len(self._out)} bytes unread, the limit is {self._limit}")

    def _write(self, data: bytes | bytearray) -> memoryview | None:
        """What the peer did not take of `data`; None if it is gone."""
        try:
            return memoryview(data)[self._socket.send(data) :]
        except BlockingIOError:
            return memoryview(data)
        except OSError:
            return None  # the reading side will see the end, after what is still to be read

    def _watch(self) -> None:
        if not self._is_writing:
            self._is_writing = True
            self._loop.add_writer(self._socket.fileno(), self._write_on)

    def _write_on(self) -> None:
        try:
            sent = self._socket.send(self._out)
        except BlockingIOError:
            return
        except OSError:
            sent = len(self._out)
        del self._out[:sent]
        if not self._out:
            self._is_writing = False
            self._loop.remove_writer(self._socket.fileno())

    def _read(self) -> bool:
        """Take in what one read gives; whether there may be more."""
        try:
            # Into a buffer that is there: to ask the system for a new one costs more than what most reads bring.
            size = self._socket.recv_into(self._in)
        except BlockingIOError:
            return False
        except OSError:
            size = 0
        if not size:
            self._end("")
            return False
        try:
            bodies = self._splitter.feed(memoryview(self._in)[:size])
        except ProtocolError as exc:
            self._end(str(exc))
            return False
        if bodies:
            self._on_frames(bodies)
        return True

    def _end(self, reason: str) -> None:
        if self._is_open:
            self.close()
            self._on_end(reason)
