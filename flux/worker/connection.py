"""The worker's end of the stream to the daemon: frames in, frames out.

There is one buffer of outgoing bytes and one lock. Whoever holds the lock sends from the head of the
buffer, without blocking, and leaves in it what the socket does not take. So bytes leave in the order in
which frames were given, each frame whole, whether the loop sends or, while the loop is held up, the
heartbeat's thread. Frames of one turn of the loop leave in one write.

The end of the stream is the end of the process: without a daemon nothing here may go on.
"""

import asyncio
import contextlib
import socket
import threading
import traceback
from collections.abc import Callable
from typing import Final

from flux.wire.frames import Frame, FromDaemon, Splitter, from_daemon, pack

_READ: Final = 256 * 1024
_PATIENCE: Final = 5  # seconds
BROKEN: Final = 70  # EX_SOFTWARE


class Connection:
    """Frames over one end of a socket pair.

    Args:
        receive: takes each frame, on the loop's thread.
        lost: called with an exit code when the stream ends or cannot be trusted; it must not return.
    """

    def __init__(
        self,
        end: socket.socket,
        loop: asyncio.AbstractEventLoop,
        receive: Callable[[FromDaemon], None],
        lost: Callable[[int], None],
    ) -> None:
        end.setblocking(False)
        self._socket = end
        self._loop = loop
        self._thread = threading.get_ident()
        self._receive = receive
        self._lost = lost
        self._splitter = Splitter()
        self._lock = threading.Lock()
        self._in = bytearray(_READ)
        self._out = bytearray()
        self._is_due = False
        self._is_writing = False
        loop.add_reader(end.fileno(), self._on_readable)

    def send(self, frame: Frame) -> None:
        """Send `frame` at the end of this turn of the loop. Any thread."""
        data = pack(frame)
        with self._lock:
            self._out += data
            if self._is_due:
                return
            self._is_due = True
        if threading.get_ident() == self._thread:
            self._loop.call_soon(self._flush_turn)
        else:
            self._wake(self._flush_turn)

    def send_now(self, frame: Frame) -> None:
        """Send `frame` and all before it at once, as far as the socket takes it. Any thread."""
        data = pack(frame)
        with self._lock:
            self._out += data
            is_done = self._drain()
        if not is_done:
            self._wake(self._write_on)

    def finish(self) -> None:
        """Send all that waits, before the process ends. Blocks for at most `_PATIENCE`."""
        with self._lock, contextlib.suppress(OSError):
            self._socket.settimeout(_PATIENCE)
            self._socket.sendall(self._out)
            self._out.clear()

    def _flush_turn(self) -> None:
        with self._lock:
            self._is_due = False
            is_done = self._drain()
        if not is_done:
            self._write_on()

    def _drain(self) -> bool:
        """Send from the buffer's head; whether nothing is left. The lock is held."""
        while self._out:
            try:
                sent = self._socket.send(self._out)
            except BlockingIOError:
                return False
            except OSError:
                self._lost(0)
                return True
            del self._out[:sent]
        return True

    def _write_on(self) -> None:
        """Send the rest when the socket takes more. On the loop's thread."""
        if not self._is_writing:
            self._is_writing = True
            self._loop.add_writer(self._socket.fileno(), self._on_writable)

    def _on_writable(self) -> None:
        with self._lock:
            is_done = self._drain()
        if is_done:
            self._is_writing = False
            self._loop.remove_writer(self._socket.fileno())

    def _on_readable(self) -> None:
        try:
            # Into a buffer that is there: to ask the system for a new one costs more than what most reads bring.
            size = self._socket.recv_into(self._in)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if not size:
            self._lost(0)
            return
        try:
            for body in self._splitter.feed(memoryview(self._in)[:size]):
                self._receive(from_daemon(body))
        except Exception:  # garbage, or an error of ours: whatever is loaded here is out of step with the daemon
            traceback.print_exc()
            self._lost(BROKEN)

    def _wake(self, callback: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending
            self._loop.call_soon_threadsafe(callback)
