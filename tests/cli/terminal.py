"""A terminal for tests: what a program writes where both of its streams are one."""

import contextlib
import fcntl
import os
import struct
import termios
from collections.abc import Callable, Iterator


def on_a_terminal(work: Callable[[], object], *, columns: int = 80) -> str:
    """What `work` writes to stdout and stderr where both are a terminal of that width."""
    leader, follower = os.openpty()
    try:
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with os.fdopen(follower, "w") as terminal:
            with contextlib.redirect_stdout(terminal), contextlib.redirect_stderr(terminal):
                work()
        return b"".join(until_closed(leader)).decode().replace("\r\n", "\n")
    finally:
        os.close(leader)


def until_closed(leader: int) -> Iterator[bytes]:
    """What was written to the other end, which is closed by now. Linux says so by an error, macOS by an empty read."""
    with contextlib.suppress(OSError):
        while some := os.read(leader, 65536):
            yield some
