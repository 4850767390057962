"""Where a database may lie, and the lock that keeps a second daemon away from it.

SQLite's WAL needs shared memory, which network file systems do not give; they are refused by name of
their type. The lock is an `flock` on a file of its own beside the database: locking the database file
itself would be undone by the first close of any other descriptor of it.
"""

import fcntl
import os
import re
from pathlib import Path
from typing import Final

from flux.errors import UnusableDatabase

NETWORK_TYPES: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs", "fuse.glusterfs",
     "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "ncpfs", "gfs2", "ocfs2", "beegfs", "davfs", "fuse.davfs2"},
)  # fmt: skip
_MOUNTS: Final = Path("/proc/self/mountinfo")
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")  # how the kernel writes blanks and backslashes


def type_of_mount(folder: Path, mountinfo: str) -> str | None:
    """The type of the file system that holds `folder`, by the kernel's table of mounts; None if it is not in there."""
    best, kind = -1, None
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        mount = Path(_ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), fields[4]))
        if folder.is_relative_to(mount) and len(mount.parts) >= best:
            best, kind = len(mount.parts), right.split(" ")[0]
    return kind


def refuse_network_disk(folder: Path, mountinfo: str | None = None) -> None:
    """Raise UnusableDatabase if `folder` lies on a network file system. `mountinfo`: None for that of the kernel."""
    if mountinfo is None:
        if not _MOUNTS.exists():  # only Linux has the table
            return
        mountinfo = _MOUNTS.read_text("utf-8", "surrogateescape")
    kind = type_of_mount(folder.resolve(), mountinfo)
    if kind in NETWORK_TYPES:
        raise UnusableDatabase(
            f"{folder} lies on a network file system ({kind}), where SQLite loses data: use a local disk"
        )


class Lock:
    """The right to be the one daemon of a database. Released when the process ends, however it ends."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._owner = os.getpid()
        self.path = path

    @classmethod
    def take(cls, database: Path) -> "Lock":
        """The lock of `database`, by whatever name it is reached.

        Raises:
            UnusableDatabase: another process has it; the message names its pid.
        """
        path = database.resolve().with_suffix(".lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise UnusableDatabase(f"{path} cannot be opened: {exc.strerror}") from exc
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise UnusableDatabase(
                f"{database} is in use by another Flux (pid {holder}): stop that one first, or name another file",
                pid=holder,
            ) from None
        except OSError as exc:
            os.close(descriptor)
            raise UnusableDatabase(f"{path} cannot be locked: {exc.strerror}") from exc
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor, path)

    def release(self) -> None:
        """Give it back. The file stays: removing it would let two processes lock two files of one name.

        A forked child that calls this only lets go of its copy: the lock is its parent's.
        """
        if self._owner == os.getpid():
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # closing is not enough: a child may have a copy
        os.close(self._descriptor)
