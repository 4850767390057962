"""A socket that keeps message borders and carries descriptors: launcher to daemon, worker to launcher.

`send` never blocks: what the peer does not take waits here, and leaves when `flush` is called. The
descriptors of a message are closed here once they are on their way. A peer that lets more than
`MAX_WAITING` messages wait has stopped, and counts as gone.
"""

import contextlib
import os
import socket
from array import array
from collections import deque
from collections.abc import Sequence
from typing import Final

from flux.errors import ProtocolError
from flux.wire.control import MAX_MESSAGE, Control, encode

MAX_WAITING: Final = 10_000
_ANCILLARY: Final = socket.CMSG_LEN(8 * array("i").itemsize)  # room for more descriptors than any message has


class Channel:
    """One end of a control socket."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._waiting: deque[tuple[bytes, Sequence[int]]] = deque()

    @classmethod
    def pair(cls) -> tuple["Channel", socket.socket]:
        """A channel, and the socket of its other end."""
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(near), far

    def fileno(self) -> int:
        """The descriptor to poll."""
        return self._socket.fileno()

    def send(self, message: Control, descriptors: Sequence[int] = ()) -> bool:
        """Send, now or later; whether nothing waits.

        Raises:
            EOFError: the peer is gone, or takes nothing.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise EOFError(f"the peer left {MAX_WAITING} messages unread")
        self._waiting.append((encode(message), descriptors))
        return self.flush()

    def flush(self) -> bool:
        """Send what waits, as far as the peer takes it; whether nothing is left.

        Raises:
            EOFError: the peer is gone.
        """
        while self._waiting:
            body, descriptors = self._waiting[0]
            try:
                socket.send_fds(self._socket, [body], list(descriptors))
            except BlockingIOError:
                return False
            except OSError as exc:
                raise EOFError(str(exc)) from exc
            self._waiting.popleft()
            _close_all(descriptors)
        return True

    def receive(self) -> tuple[bytes, list[int]] | None:
        """The next message and its descriptors; None if none is there.

        Raises:
            EOFError: the peer is gone.
            ProtocolError: descriptors were lost on the way.
        """
        try:
            # Not socket.recv_fds: it drops the flag, and every program that a body starts would hold the descriptors.
            body, ancillary, flags, _ = self._socket.recvmsg(MAX_MESSAGE, _ANCILLARY, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return None
        except OSError as exc:
            raise EOFError(str(exc)) from exc
        if not body:
            raise EOFError("the peer closed its end")
        descriptors = [fd for level, kind, data in ancillary for fd in _descriptors(level, kind, data)]
        if flags & (socket.MSG_CTRUNC | socket.MSG_TRUNC):
            _close_all(descriptors)
            raise ProtocolError("a control message arrived cut short")
        return body, descriptors

    def close(self) -> None:
        """Close this end, and the descriptors that were not sent."""
        for _, descriptors in self._waiting:
            _close_all(descriptors)
        self._waiting.clear()
        self._socket.close()


def _descriptors(level: int, kind: int, data: bytes) -> Sequence[int]:
    """The descriptors in one piece of ancillary data."""
    if (level, kind) != (socket.SOL_SOCKET, socket.SCM_RIGHTS):
        return ()
    return array("i", data[: len(data) - len(data) % array("i").itemsize])


def _close_all(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
