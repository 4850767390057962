"""From the folder to the catalog: real files, a real inspector process, a real engine."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flux.engine import queries
from flux.errors import Conflict, InvalidDefinition
from flux.executor.pool import Pool
from flux.executor.registrar import Registrar
from flux.wire.control import Inspection
from tests.engine.desk import CALLER, Desk
from tests.executor.conftest import Told

GOOD = "from flux.workflow import workflow\n@workflow\nasync def {name}(ctx): return {value}\n"


class Folder:
    """A watched folder, and what the catalog makes of it."""

    def __init__(self, desk: Desk, pool: Pool, root: Path) -> None:
        self.desk = desk
        self.root = root
        self.pool = pool
        self.registrar = Registrar(desk.gate, self.inspect, root)
        self.looks: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        self._looked = asyncio.Event()

    async def inspect(self, path: Path, root: Path) -> Inspection:
        """The pool's inspection; noted, and held up as long as the test wants."""
        found = await self.pool.inspect(path, root)
        self.looks.append(path.name)
        self._looked.set()
        if path.name in self.gates:
            await self.gates[path.name].wait()
        return found

    async def looked(self, name: str) -> None:
        """Return when a file has been looked at, and the registrar has not heard of it."""
        async with asyncio.timeout(30):
            while name not in self.looks:
                self._looked.clear()
                await self._looked.wait()

    def write(self, name: str, text: str) -> Path:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    async def change(self, name: str, text: str) -> Path:
        """Write a file, and have it looked at."""
        path = self.write(name, text)
        self.registrar.changed(path)
        await self.registrar.settled()
        return path

    async def delete(self, name: str) -> None:
        """Delete a file, and have that noticed."""
        (self.root / name).unlink()
        self.registrar.deleted(self.root / name)
        await self.registrar.settled()

    @property
    def offered(self) -> dict[str, int]:
        """Reference -> number of the version of everything from this folder."""
        return {
            version.ref: version.number
            for version in self.desk.gate.live.catalog.values()
            if Path(version.path).is_relative_to(self.root)
        }

    @property
    def errors(self) -> dict[str, str]:
        """File -> type of the error, of files that do not load."""
        return {Path(error.path).name: error.type for error in self.desk.gate.read(queries.load_errors, CALLER)}


@pytest.fixture
async def folder(desk: Desk, pool: tuple[Pool, Told], tmp_path: Path) -> AsyncIterator[Folder]:
    """An empty folder."""
    root = tmp_path / "watched"
    root.mkdir()
    folder = Folder(desk, pool[0], root)
    yield folder
    folder.registrar.stop()


async def test_a_file_is_offered_and_each_content_is_a_version(folder: Folder) -> None:
    """The same bytes again are the version they were."""
    await folder.change("a.py", GOOD.format(name="one", value=1))
    assert folder.offered == {"default/one": 1}

    await folder.change("a.py", GOOD.format(name="one", value=2))
    assert folder.offered == {"default/one": 2}

    await folder.change("a.py", GOOD.format(name="one", value=1))
    assert folder.offered == {"default/one": 1}


async def test_a_file_that_breaks_keeps_its_last_good_version(folder: Folder) -> None:
    """With the error beside it, until it is mended."""
    await folder.change("a.py", GOOD.format(name="one", value=1))

    await folder.change("a.py", "oops(\n")
    broken = (folder.offered, folder.errors)
    await folder.change("a.py", GOOD.format(name="one", value=2))

    assert broken == ({"default/one": 1}, {"a.py": "SyntaxError"})
    assert (folder.offered, folder.errors) == ({"default/one": 2}, {})


async def test_a_file_that_drops_a_name_withdraws_it(folder: Folder) -> None:
    """What it does not hold any more is offered no more."""
    await folder.change("a.py", GOOD.format(name="one", value=1) + GOOD.format(name="two", value=2))
    await folder.change("a.py", GOOD.format(name="two", value=2))
    assert folder.offered == {"default/two": 2}

    await folder.change("a.py", "x = 1\n")

    assert (folder.offered, folder.errors) == ({}, {})


async def test_a_file_without_workflows_is_no_error(folder: Folder) -> None:
    """It may be a module that others import."""
    await folder.change("a.py", "oops(\n")
    await folder.change("a.py", "x = 1\n")

    assert (folder.offered, folder.errors) == ({}, {})


async def test_who_imports_a_changed_module_is_looked_at_again(folder: Folder) -> None:
    """Its source is the file with its local imports; so it is a new version. Others are left alone."""
    folder.write("numbers_.py", "VALUE = 1\n")
    await folder.change("a.py", "import numbers_\n" + GOOD.format(name="one", value="numbers_.VALUE"))
    await folder.change("b.py", GOOD.format(name="other", value=0))
    folder.looks.clear()

    await folder.change("numbers_.py", "VALUE = 2\n")

    assert sorted(folder.looks) == ["a.py", "numbers_.py"]
    assert folder.offered == {"default/one": 2, "default/other": 1}


async def test_what_did_not_load_is_looked_at_again_with_every_change(folder: Folder) -> None:
    """The module that it misses may be the one that has come."""
    await folder.change("a.py", "import later\n" + GOOD.format(name="one", value=1))
    assert folder.errors == {"a.py": "ModuleNotFoundError"}

    await folder.change("later.py", "x = 1\n")

    assert (folder.offered, folder.errors) == ({"default/one": 1}, {})


async def test_a_deleted_file_is_withdrawn_and_who_imports_it_is_told_of(folder: Folder) -> None:
    """The importer keeps its last good version."""
    await folder.change("b.py", GOOD.format(name="gone", value=1) + "x = 1\n")
    await folder.change("a.py", "from b import x\n" + GOOD.format(name="one", value="x"))

    await folder.delete("b.py")

    assert folder.offered == {"default/one": 1}
    assert folder.errors == {"a.py": "ModuleNotFoundError"}


@pytest.mark.parametrize("how", ["deleted", "renamed"])
async def test_a_name_belongs_to_the_first_file_until_that_lets_it_go(folder: Folder, how: str) -> None:
    """The second file is told of, and takes the name as soon as it is free."""
    await folder.change("a.py", GOOD.format(name="one", value=1))
    await folder.change("b.py", GOOD.format(name="one", value=2))
    before = (folder.offered, folder.errors)

    if how == "deleted":
        await folder.delete("a.py")
    else:
        await folder.change("a.py", GOOD.format(name="another", value=1))

    assert before == ({"default/one": 1}, {"b.py": "Conflict"})
    assert folder.offered["default/one"] == 2
    assert folder.errors == {}


async def test_a_change_during_the_inspection_is_not_lost(folder: Folder) -> None:
    """The file is looked at once more, and the newest content is what is offered."""
    gate = folder.gates["a.py"] = asyncio.Event()
    path = folder.write("a.py", GOOD.format(name="one", value=1))
    folder.registrar.changed(path)
    await folder.looked("a.py")

    folder.write("a.py", GOOD.format(name="two", value=2))
    for _ in range(3):
        folder.registrar.changed(path)
    gate.set()
    await folder.registrar.settled()

    assert folder.looks == ["a.py", "a.py"]
    assert folder.offered == {"default/two": 1}


async def test_a_file_that_is_deleted_during_its_inspection_is_neither_offered_nor_told_of(folder: Folder) -> None:
    """Nobody could mend it."""
    folder.gates["a.py"] = asyncio.Event()
    path = folder.write("a.py", GOOD.format(name="one", value=1))
    folder.registrar.changed(path)
    await folder.looked("a.py")

    await folder.delete("a.py")
    folder.gates["a.py"].set()
    await folder.registrar.settled()

    assert (folder.offered, folder.errors) == ({}, {})


async def test_what_went_away_while_nobody_watched_is_withdrawn(folder: Folder) -> None:
    """A daemon that starts finds the catalog of the last one."""
    await folder.change("a.py", GOOD.format(name="one", value=1))
    await folder.change("b.py", GOOD.format(name="two", value=1))
    (folder.root / "a.py").unlink()

    folder.registrar.missing()
    await folder.registrar.settled()

    assert folder.offered == {"default/two": 1}


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a.py", "default"), ("billing/a.py", "billing"), ("billing/deep/a.py", "billing"), ("package/a.py", "default")],
)
async def test_the_namespace_is_the_folder_unless_that_is_a_package(folder: Folder, path: str, expected: str) -> None:
    """A folder with `__init__.py` is there to be imported."""
    folder.write("package/__init__.py", "")

    assert folder.registrar.namespace(folder.root / path) == expected


# ---------------------------------------------------------------------- uploads


async def test_an_uploaded_file_is_kept_and_offered(folder: Folder, tmp_path: Path) -> None:
    """Beside the watched folder, in the namespace that the upload says."""
    uploads = tmp_path / "uploads"

    versions = await folder.registrar.upload(
        uploads, "a.py", GOOD.format(name="sent", value=1).encode(), "remote", CALLER
    )

    assert [version.ref for version in versions] == ["remote/sent"]
    assert [path.name for path in uploads.iterdir()] == ["a.py"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("x = 1\noops(\n", "a.py:2: SyntaxError"), ("x = 1\n", "holds no workflow")],
    ids=["does not load", "holds nothing"],
)
async def test_an_upload_that_cannot_be_offered_is_refused_and_not_kept(
    folder: Folder, tmp_path: Path, text: str, words: str
) -> None:
    """With the place in the file."""
    uploads = tmp_path / "uploads"

    with pytest.raises(InvalidDefinition, match=words):
        await folder.registrar.upload(uploads, "a.py", text.encode(), None, CALLER)

    assert list(uploads.iterdir()) == []


async def test_an_upload_cannot_take_a_name_away(folder: Folder, tmp_path: Path) -> None:
    """It belongs to a file of the folder."""
    await folder.change("a.py", GOOD.format(name="one", value=1))

    with pytest.raises(Conflict, match="already defined"):
        await folder.registrar.upload(tmp_path / "uploads", "b.py", (folder.root / "a.py").read_bytes(), None, CALLER)

    assert folder.offered == {"default/one": 1}
