"""Migrations: forward only, each step whole or not at all, with a copy of what was there."""

from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from flux.store import migrations
from flux.store.database import Database
from flux.store.migrations import migrate

Steps = Callable[..., Path]


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    """Makes a folder of steps: a name such as `0002/b.sql` and its text."""

    def make(**files: str) -> Path:
        folder = tmp_path / "steps"
        for name, text in files.items():
            path = folder / f"{name[1:5]}" / f"{name[6:]}.sql"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    return make


def tables(path: Path) -> list[str]:
    """The names of all tables of a file, and the version of its schema in front."""
    connection = apsw.Connection(str(path))
    names = [str(name) for (name,) in connection.execute("SELECT name FROM sqlite_schema ORDER BY name")]
    version = connection.pragma("user_version")
    connection.close()
    return [f"v{version}", *names]


def opened(path: Path) -> apsw.Connection:
    """A connection as migrations get it."""
    return apsw.Connection(str(path))


def test_a_step_runs_its_files_in_the_order_of_their_names(tmp_path: Path, steps: Steps):
    """So a file may refer to what stands in an earlier one."""
    path = tmp_path / "x.db"
    folder = steps(_0001_b="INSERT INTO one VALUES (1);", _0001_a="CREATE TABLE one (a); CREATE TABLE two (a);")

    migrate(opened(path), path, newest=1, steps=folder)

    assert tables(path) == ["v1", "one", "two"]


def test_an_older_file_goes_all_the_way_and_leaves_a_copy(tmp_path: Path, steps: Steps):
    """The copy is the file as it was; a new file needs none."""
    path = tmp_path / "x.db"
    folder = steps(_0001_a="CREATE TABLE one (a);", _0002_a="CREATE TABLE two (a);", _0003_a="CREATE TABLE three (a);")
    migrate(opened(path), path, newest=1, steps=folder)
    copies_of_a_new_file = list(tmp_path.glob("*backup*"))

    migrate(opened(path), path, newest=3, steps=folder)

    assert copies_of_a_new_file == []
    assert tables(path) == ["v3", "one", "three", "two"]
    assert tables(tmp_path / "x-schema-1.backup.db") == ["v1", "one"]


def test_the_newest_file_is_left_alone(tmp_path: Path, steps: Steps):
    """Nothing runs twice, nothing is copied."""
    path = tmp_path / "x.db"
    folder = steps(_0001_a="CREATE TABLE one (a);")
    migrate(opened(path), path, newest=1, steps=folder)

    migrate(opened(path), path, newest=1, steps=folder)

    assert tables(path) == ["v1", "one"]
    assert list(tmp_path.glob("*backup*")) == []


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path, steps: Steps):
    """Whole or not at all; the steps before it stand."""
    path = tmp_path / "x.db"
    folder = steps(
        _0001_a="CREATE TABLE one (a);",
        _0002_a="CREATE TABLE two (a);",
        _0003_a="CREATE TABLE three (a);",
        _0003_b="INSERT INTO nowhere VALUES (1);",
    )
    migrate(opened(path), path, newest=1, steps=folder)

    with pytest.raises(apsw.SQLError, match="nowhere"):
        migrate(opened(path), path, newest=3, steps=folder)

    assert tables(path) == ["v2", "one", "two"]


def test_what_failed_once_can_be_tried_again(tmp_path: Path, steps: Steps):
    """The copy of the first try does not stand in the way of the second."""
    path = tmp_path / "x.db"
    folder = steps(_0001_a="CREATE TABLE one (a);", _0002_a="INSERT INTO nowhere VALUES (1);")
    migrate(opened(path), path, newest=1, steps=folder)
    with pytest.raises(apsw.SQLError):
        migrate(opened(path), path, newest=2, steps=folder)
    (tmp_path / "x-schema-1.backup.partial").write_bytes(b"of a copy that was interrupted")
    (folder / "0002" / "a.sql").write_text("CREATE TABLE two (a);")

    migrate(opened(path), path, newest=2, steps=folder)

    assert tables(path) == ["v2", "one", "two"]
    assert tables(tmp_path / "x-schema-1.backup.db") == ["v1", "one"]
    assert not (tmp_path / "x-schema-1.backup.partial").exists()


def test_every_table_of_ours_is_strict():
    """A column holds what it promises, so that readers need no guesses."""
    found = Database.in_memory().reader.all("SELECT name, strict FROM pragma_table_list WHERE type = 'table'")

    assert {name for name, strict in found if not strict} <= {"sqlite_schema", "sqlite_temp_schema"}
    assert len(found) > 10


def test_there_is_a_step_for_every_version():
    """From an empty file to the newest, none missing."""
    folder = Path(str(migrations.__file__)).parent
    numbers = sorted(int(step.name) for step in folder.iterdir() if step.name.isdigit())

    assert numbers == list(range(1, migrations.NEWEST + 1))
