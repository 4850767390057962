"""The watcher: tells which workflow files are new, changed or gone, as soon as the folder is quiet.

What the kernel reports is only a hint to look: told is the difference between what was seen last and what
is there now. So renames, editors that write beside and move over, lost events and whole trees that
appear at once all come out as what they are. Every `LOOK` the whole folder is compared, which finds what
no event is sent for: the target of a link, a network disk.

A file that is still being written is told of when nothing has been written for `QUIET`; one that then goes
on growing is told of again. Durations are int milliseconds unless said otherwise.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Final

from watchfiles import Change, awatch

from flux.clock import SYSTEM
from flux.executor.folder import Mark, check, is_candidate, is_visible, mark, scan

QUIET: Final = 50
LOOK: Final = 5_000
_TURN: Final = 1_000  # how often it is looked whether it is time to look
_MOST: Final = 500  # a folder that is never quiet is looked at all the same
_SHARE: Final = 100  # looking at the whole folder may take this part of the time
_LOG: Final = logging.getLogger(__name__)


class Watcher:
    """Compares a folder with what it held before.

    Args:
        changed: told of each file that is new or has other content.
        deleted: told of each file that is gone.
    """

    def __init__(self, folder: Path, changed: Callable[[Path], None], deleted: Callable[[Path], None]) -> None:
        self._folder = folder
        self._changed = changed
        self._deleted = deleted
        self._known: dict[Path, Mark] = {}
        self._refused: list[str] = []
        self._one = asyncio.Lock()
        self._look_at = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def refused(self) -> list[str]:
        """Folders below that are left out since they cannot be trusted, each with the reason."""
        return self._refused

    async def start(self) -> None:
        """Tell of every file that is there, and of every change from now on.

        Raises:
            InvalidConfiguration: the folder is not there, or must not be trusted.
        """
        check(self._folder)
        self._task = asyncio.get_running_loop().create_task(self._watch())
        await asyncio.sleep(0)  # one turn: the kernel's watch stands before the first scan, so nothing falls between
        await self.look()

    async def stop(self) -> None:
        """Tell nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def look(self) -> None:
        """Compare the whole folder."""
        async with self._one:
            started = SYSTEM.monotonic()
            found, refused = await asyncio.to_thread(scan, self._folder)
            took = SYSTEM.monotonic() - started
            self._look_at = SYSTEM.monotonic() + max(LOOK, took * _SHARE)
            for text in refused:
                if text not in self._refused:
                    _LOG.warning("left out: %s", text)
            self._refused = refused
            self._compare(self._known.keys() | found.keys(), found)

    async def _watch(self) -> None:
        while True:
            events = awatch(
                self._folder,
                watch_filter=self._concerns,
                debounce=_MOST,
                step=QUIET,
                rust_timeout=_TURN,
                yield_on_timeout=True,
                ignore_permission_denied=True,
            )
            try:
                inode = self._folder.stat().st_ino
                async with aclosing(events):
                    async for changes in events:
                        await self._see({Path(path) for _, path in changes})
                        if self._folder.stat().st_ino != inode:
                            break  # another folder has its name now: watch that one
            except (OSError, RuntimeError) as exc:  # the folder is gone, or the kernel has no watch left
                _LOG.warning("%s cannot be watched (%s); it is looked at every %g s", self._folder, exc, LOOK / 1000)
                await self.look()
                await asyncio.sleep(LOOK / 1000)

    def _concerns(self, _change: Change, path: str) -> bool:
        """Whether an event may mean a workflow file, or a folder of them."""
        place = Path(path)
        return is_visible(place, self._folder) and (is_candidate(place.name) or not place.is_file())

    async def _see(self, paths: Iterable[Path]) -> None:
        """Look at what events named; at everything if that is a folder, or if it is time."""
        if SYSTEM.monotonic() >= self._look_at or not all(is_candidate(path.name) for path in paths):
            await self.look()
            return
        async with self._one:
            found = {path: known for path in paths if (known := mark(path)) is not None}
            self._compare(set(paths), found)

    def _compare(self, paths: Iterable[Path], found: dict[Path, Mark]) -> None:
        """Tell in which of `paths` the folder differs from what was known."""
        for path in sorted(paths):
            before, now = self._known.get(path), found.get(path)
            if before == now:
                continue
            if now is None:
                del self._known[path]
                self._deleted(path)
            else:
                self._known[path] = now
                self._changed(path)
