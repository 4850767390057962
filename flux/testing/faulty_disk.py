"""A disk that fails when it is told to: an apsw VFS above the real one.

`FaultyDisk.registered()` gives a disk and the name under which SQLite finds it. While `full` is set,
writes that make a file longer fail as on a full disk; while `broken_sync` is set, syncs fail as on a
dying one. Everything else goes to the real file system.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final

import apsw

_NUMBERS: Final = count(1)


class FaultyDisk(apsw.VFS):
    """The real file system, with faults on demand.

    Attributes:
        full: no room for a single byte more; what lies inside files already may be overwritten.
        broken_sync: syncs report an error.
        writes, syncs: how many there were.
        refused: writes that failed since the disk was full.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, base="")
        self.name = name
        self.full = False
        self.broken_sync = False
        self.writes = 0
        self.syncs = 0
        self.refused = 0

    @classmethod
    @contextmanager
    def registered(cls) -> "Iterator[FaultyDisk]":
        """A disk that SQLite knows by `name` as long as the block runs."""
        disk = cls(f"faulty-{next(_NUMBERS)}")
        try:
            yield disk
        finally:
            disk.unregister()

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        """Open a file of this disk."""
        return _FaultyFile(self, name, flags)


class _FaultyFile(apsw.VFSFile):
    def __init__(self, disk: FaultyDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.writes += 1
        if self._disk.full and offset + len(data) > self.xFileSize():
            self._disk.refused += 1
            raise apsw.FullError("the disk is full")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.syncs += 1
        if self._disk.broken_sync:
            raise apsw.IOError("the disk does not sync")
        super().xSync(flags)
