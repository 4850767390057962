"""The watcher: a real folder, real events."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flux.executor.watcher import Watcher
from tests.worker.test_sources import write


class Seen:
    """What a watcher told, as words like `+a.py` and `-a.py`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.words: asyncio.Queue[str] = asyncio.Queue()
        self.watcher = Watcher(folder, lambda path: self._tell("+", path), lambda path: self._tell("-", path))

    def _tell(self, sign: str, path: Path) -> None:
        self.words.put_nowait(sign + str(path.relative_to(self.folder)))

    async def next(self, count: int = 1) -> set[str]:
        """The next things told."""
        return {await self.words.get() for _ in range(count)}


@pytest.fixture
async def seen(tmp_path: Path) -> AsyncIterator[Seen]:
    """A watched folder that holds `a.py`."""
    folder = tmp_path / "watched"
    write(folder, {"a.py": "1"})
    seen = Seen(folder)
    await seen.watcher.start()
    assert await seen.next() == {"+a.py"}
    yield seen
    await seen.watcher.stop()


async def test_a_new_file_is_told(seen: Seen):
    """As is one that appears inside a new folder."""
    write(seen.folder, {"b.py": "", "n/c.py": ""})

    assert await seen.next(2) == {"+b.py", "+n/c.py"}


async def test_a_change_is_told(seen: Seen):
    """Whatever the time stamp says."""
    (seen.folder / "a.py").write_text("2")

    assert await seen.next() == {"+a.py"}


async def test_a_change_of_the_same_size_and_time_is_told(seen: Seen):
    """Tools that restore times do not hide a change."""
    path = seen.folder / "a.py"
    before = path.stat()
    path.write_text("2")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert await seen.next() == {"+a.py"}


async def test_a_deleted_file_is_told(seen: Seen):
    """Once."""
    (seen.folder / "a.py").unlink()

    assert await seen.next() == {"-a.py"}


async def test_a_rename_is_one_gone_and_one_new(seen: Seen):
    """Within the folder."""
    (seen.folder / "a.py").rename(seen.folder / "b.py")

    assert await seen.next(2) == {"-a.py", "+b.py"}


async def test_an_editor_that_writes_beside_and_moves_over_makes_one_change(seen: Seen):
    """Its temporary is never told."""
    (seen.folder / ".a.py.tmp").write_text("2")
    (seen.folder / ".a.py.tmp").rename(seen.folder / "a.py")
    (seen.folder / "b.py").touch()

    assert await seen.next(2) == {"+a.py", "+b.py"}
    assert seen.words.empty()


async def test_a_file_written_in_pieces_is_told_when_it_is_quiet(seen: Seen):
    """Not for each piece, as long as they follow closely."""
    with (seen.folder / "b.py").open("w") as file:
        for n in range(20):
            file.write(f"x{n} = 1\n")
            file.flush()

    assert await seen.next() == {"+b.py"}
    assert seen.words.empty()
    assert (seen.folder / "b.py").read_text().count("\n") == 20


async def test_a_folder_moved_in_and_out_is_told_file_by_file(seen: Seen, tmp_path: Path):
    """The kernel names the folder only."""
    write(tmp_path, {"outside/x.py": "", "outside/deep/y.py": ""})
    (tmp_path / "outside").rename(seen.folder / "n")
    assert await seen.next(2) == {"+n/x.py", "+n/deep/y.py"}

    (seen.folder / "n").rename(tmp_path / "outside")

    assert await seen.next(2) == {"-n/x.py", "-n/deep/y.py"}


async def test_files_that_are_no_workflows_are_not_told(seen: Seen):
    """However often they change."""
    write(seen.folder, {"data.json": "{}", "__pycache__/a.py": "", ".b.py": "", "c.py~": ""})
    write(seen.folder, {"d.py": ""})

    assert await seen.next() == {"+d.py"}
    assert seen.words.empty()


async def test_a_link_whose_target_changes_is_found_by_looking(seen: Seen, tmp_path: Path):
    """No event is sent for that."""
    write(tmp_path, {"real.py": "1"})
    (seen.folder / "link.py").symlink_to(tmp_path / "real.py")
    assert await seen.next() == {"+link.py"}

    (tmp_path / "real.py").write_text("two")
    await seen.watcher.look()

    assert await seen.next() == {"+link.py"}


async def test_looking_again_at_what_is_the_same_tells_nothing(seen: Seen):
    """Only differences are told."""
    await seen.watcher.look()

    assert seen.words.empty()


async def test_a_folder_that_goes_away_and_comes_back_is_watched_again(seen: Seen, tmp_path: Path):
    """All its files are gone in between."""
    seen.folder.rename(tmp_path / "away")
    await seen.watcher.look()
    assert await seen.next() == {"-a.py"}

    (tmp_path / "away").rename(seen.folder)
    await seen.watcher.look()

    assert await seen.next() == {"+a.py"}


async def test_many_files_are_told_at_the_start(tmp_path: Path):
    """Two thousand of them, each once."""
    for n in range(2000):
        (tmp_path / f"f{n}.py").touch()
    seen = Seen(tmp_path)

    await seen.watcher.start()
    await seen.watcher.stop()

    assert seen.words.qsize() == 2000
