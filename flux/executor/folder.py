"""The watched folder as it is now: which workflow files it holds, and how to see that one has changed.

A workflow file ends in `.py`. Names that begin with a dot are hidden: editors' temporaries, version
control, environments. Links are followed, to folders once each. A folder that others than its owner may
write to, while somebody else owns it, would let anybody run code as the daemon: it is refused.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flux.errors import InvalidConfiguration

_SKIPPED: Final = frozenset({"__pycache__", "node_modules", "site-packages"})


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells one content of a file from another, without reading it."""

    inode: int
    size: int
    modified: int
    changed: int


def check(folder: Path) -> None:
    """Refuse a folder that cannot be watched or trusted.

    Raises:
        InvalidConfiguration: the message says why, and what to do.
    """
    try:
        found = folder.stat()
    except OSError as exc:
        raise InvalidConfiguration(f"the workflow folder {folder} cannot be read: {exc.strerror}") from exc
    if not stat.S_ISDIR(found.st_mode):
        raise InvalidConfiguration(f"the workflow folder {folder} is not a folder")
    reason = distrust(found)
    if reason is not None:
        raise InvalidConfiguration(f"the workflow folder {folder} {reason}", path=str(folder))


def distrust(found: os.stat_result) -> str | None:
    """Why files of this folder must not be run; None: they may."""
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid == os.geteuid() or not mode & (stat.S_IWGRP | stat.S_IWOTH):
        return None
    who = "everybody" if mode & stat.S_IWOTH else f"group {found.st_gid}"
    return (
        f"belongs to user {found.st_uid} and {who} may write to it (mode {mode:o}), while files in it run as user "
        f"{os.geteuid()}; take that right away (chmod go-w), or give the folder to user {os.geteuid()}"
    )


def is_candidate(name: str) -> bool:
    """Whether a file of that name may hold workflows."""
    return name.endswith(".py") and not name.startswith(".")


def mark(path: Path) -> Mark | None:
    """The mark of a file; None if there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return _mark(found) if stat.S_ISREG(found.st_mode) else None


def scan(folder: Path) -> tuple[dict[Path, Mark], list[str]]:
    """Every workflow file below `folder` with its mark, and what was left out because it is not to be trusted."""
    refused: list[str] = []
    return dict(_walk(folder, set(), refused)), refused


def is_visible(path: Path, folder: Path) -> bool:
    """Whether nothing between `folder` and `path` is hidden or skipped."""
    try:
        parts = path.relative_to(folder).parts
    except ValueError:
        return False
    return not any(part.startswith(".") or part in _SKIPPED for part in parts)


def _walk(folder: Path, seen: set[tuple[int, int]], refused: list[str]) -> Iterator[tuple[Path, Mark]]:
    for entry in _entries(folder, seen, refused):
        with contextlib.suppress(OSError):  # it went away, or its link leads nowhere
            if entry.is_dir():
                if not entry.name.startswith(".") and entry.name not in _SKIPPED:
                    yield from _walk(folder / entry.name, seen, refused)
            elif is_candidate(entry.name) and entry.is_file():
                yield folder / entry.name, _mark(entry.stat())


def _entries(folder: Path, seen: set[tuple[int, int]], refused: list[str]) -> list["os.DirEntry[str]"]:
    """What is in one folder, sorted; nothing if it was seen before, is an environment, or cannot be trusted."""
    try:
        found = folder.stat()
        if (found.st_dev, found.st_ino) in seen:
            return []
        seen.add((found.st_dev, found.st_ino))
        reason = distrust(found)
        if reason is not None:
            refused.append(f"{folder} {reason}")
            return []
        with os.scandir(folder) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
    return [] if any(entry.name == "pyvenv.cfg" for entry in inside) else inside


def _mark(found: os.stat_result) -> Mark:
    return Mark(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
