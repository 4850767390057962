"""The Unix socket: its file, its mode, and what a killed daemon left in its place.

The file has mode 0660 before anybody can connect. A left-over one is removed, but only if nobody answers
at it. A path that is too long for the system gets a short one in a folder of its own, and a file in its
place that names it.
"""

import contextlib
import os
import socket
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flux.errors import Conflict, InvalidConfiguration
from flux.wire import sockets

MODE: Final = 0o660


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The bound Unix socket, and the file that names it where its own path is too long."""

    socket: socket.socket
    path: Path
    pointer: Path | None
    inode: tuple[int, int]

    @classmethod
    def bind(cls, wanted: Path) -> "Place":
        """A socket that clients who look at `wanted` find; nobody is accepted yet.

        Raises:
            Conflict: somebody answers there.
            InvalidConfiguration: the path cannot be used.
        """
        try:
            wanted.parent.mkdir(parents=True, exist_ok=True)
            _clear(wanted)
            is_short = len(os.fsencode(wanted)) <= sockets.MAX_PATH
            path = wanted if is_short else Path(tempfile.mkdtemp(prefix="flux-")) / sockets.NAME
            bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            bound.setblocking(False)
            bound.bind(str(path))
            path.chmod(MODE)  # before listen(): until then every connection is refused
            if not is_short:
                wanted.write_bytes(sockets.pointer(str(path)))
            found = path.stat()
        except OSError as exc:
            raise InvalidConfiguration(f"the socket {wanted} cannot be made: {exc.strerror or exc}") from exc
        return cls(socket=bound, path=path, pointer=None if is_short else wanted, inode=(found.st_dev, found.st_ino))

    def remove(self) -> None:
        """Remove the files, unless another daemon has put its own there."""
        self.socket.close()
        with contextlib.suppress(OSError):
            found = self.path.stat()
            if (found.st_dev, found.st_ino) != self.inode:
                return
            self.path.unlink()
            if self.pointer is not None:
                self.path.parent.rmdir()
                self.pointer.unlink()


def _clear(path: Path) -> None:
    """Remove what a daemon that was killed left at `path`.

    Raises:
        Conflict: it still answers.
        InvalidConfiguration: it is something else.
    """
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    named = sockets.target(path.read_bytes()) if stat.S_ISREG(kind) else None
    if not stat.S_ISSOCK(kind) and named is None:
        raise InvalidConfiguration(f"{path} exists and is no socket: remove it, or set paths.socket")
    if _answers(named or str(path)):
        raise Conflict(f"another daemon answers at {path}: stop it first, or set paths.socket")
    if named is not None:
        with contextlib.suppress(OSError):
            Path(named).unlink()
            Path(named).parent.rmdir()
    path.unlink()


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except BlockingIOError:
            return True  # its queue is full, so it has one
        except OSError:
            return False
    return True
