"""Where a daemon's socket is, when its path is too long for the system.

A Unix socket's address holds 108 bytes on Linux (104 elsewhere), the closing zero included. A daemon
in a deeper folder listens on a short path and leaves a file in the place of the socket that names it.
Who looks for a socket and finds a file reads it. Pure: others write, read and connect.
"""

import sys
from typing import Final

MAX_PATH: Final = 107 if sys.platform == "linux" else 103  # bytes
NAME: Final = "flux.sock"
_PREFIX: Final = "unix:"
_MAX_POINTER: Final = 4096


def pointer(socket: str) -> bytes:
    """The content of the file that stands in for the socket at `socket`."""
    return f"{_PREFIX}{socket}\n".encode()


def target(content: bytes) -> str | None:
    """The socket that a file names; None if the file is no pointer."""
    if len(content) > _MAX_POINTER or not content.startswith(_PREFIX.encode()):
        return None
    return content.decode("utf-8", "surrogateescape").removeprefix(_PREFIX).strip()
