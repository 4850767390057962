"""The database file: which ones are refused, what survives, what a hostile one cannot do."""

import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from flux.errors import Busy, DiskFull, StorageError, StorageFailed, UnusableDatabase
from flux.store import migrations, processes
from flux.store.database import APPLICATION_ID, Database, refuse_old_sqlite, translate
from flux.testing.faulty_disk import FaultyDisk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a database may be made."""
    return tmp_path / "flux.db"


def a_file(path: Path, *statements: str) -> bytes:
    """The bytes of a SQLite file made by somebody else."""
    connection = apsw.Connection(str(path))
    for statement in statements:
        connection.execute(statement)
    connection.close()
    return path.read_bytes()


def edit(path: Path, *statements: str) -> None:
    """Change a file of ours as somebody would who trusts everything in it."""
    Database.open(path).close()
    a_file(path, *statements)


# ---------------------------------------------------------------------- refusing


@pytest.mark.parametrize("version", ["3.51.2", "3.50.9", "3.9.99", "2.99.99", "3.51.2.1"])
def test_an_old_sqlite_is_refused(version: str):
    """Below 3.51.3 a WAL file that is being reset can be corrupted; the message says what to upgrade."""
    with pytest.raises(UnusableDatabase, match=r"3\.51\.3 or newer.*apsw"):
        refuse_old_sqlite(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.51.4", "3.52.0", "4.0", "3.51.3.1"])
def test_a_sqlite_without_the_bug_is_taken(version: str):
    """Newer ones count as mended."""
    refuse_old_sqlite(version)


def test_the_sqlite_that_is_installed_is_new_enough():
    """What we ship with can open a file."""
    refuse_old_sqlite(apsw.sqlite_lib_version())


def test_a_new_file_says_whose_it_is(path: Path):
    """By its application id and the version of its schema."""
    database = Database.open(path)

    assert database.reader.one("PRAGMA application_id") == (APPLICATION_ID,)
    assert database.reader.one("PRAGMA user_version") == (migrations.NEWEST,)
    assert database.reader.one("PRAGMA journal_mode") == ("wal",)
    database.close()


def test_an_empty_file_becomes_ours(path: Path):
    """Whoever made the name with `touch` meant a new database."""
    path.touch()

    Database.open(path).close()

    assert path.read_bytes()[:15] == b"SQLite format 3"


def test_a_file_whose_making_was_interrupted_is_made_whole(path: Path):
    """It had its application id and nothing else."""
    a_file(path, f"PRAGMA application_id = {APPLICATION_ID}")

    database = Database.open(path)

    assert database.reader.one("PRAGMA user_version") == (migrations.NEWEST,)
    database.close()


def test_a_newer_file_is_refused(path: Path):
    """What a newer Flux wrote may mean something else; both versions are named."""
    edit(path, "PRAGMA user_version = 99")

    with pytest.raises(UnusableDatabase, match=rf"schema 99, this one knows {migrations.NEWEST}"):
        Database.open(path)


def test_a_schema_version_that_cannot_be_is_refused(path: Path):
    """Nobody but an editor writes a negative one."""
    edit(path, "PRAGMA user_version = -3")

    with pytest.raises(UnusableDatabase, match="it was edited"):
        Database.open(path)


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(["CREATE TABLE notes (text)"], id="tables of somebody else"),
        pytest.param(["PRAGMA application_id = 7", "PRAGMA user_version = 1"], id="the mark of somebody else"),
    ],
)
def test_a_foreign_file_is_refused_and_left_as_it_is(path: Path, statements: list[str]):
    """It is a SQLite database, but not one of Flux: not a byte of it changes."""
    before = a_file(path, *statements)

    with pytest.raises(UnusableDatabase, match="not one of Flux"):
        Database.open(path)

    assert path.read_bytes() == before
    assert [found.name for found in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("content", [b"garbage" * 1_000, b"SQLite format 3\0" + b"\xff" * 5_000, b"x"])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(path: Path, content: bytes):
    """Whatever it is, it is not ours to overwrite."""
    path.write_bytes(content)

    with pytest.raises(UnusableDatabase, match="not a SQLite database"):
        Database.open(path)

    assert path.read_bytes() == content


@pytest.mark.parametrize("place", ["missing/flux.db", "."], ids=["no such folder", "a folder"])
def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path, place: str):
    """The message asks for the folder and the rights."""
    with pytest.raises(UnusableDatabase, match="cannot be opened"):
        Database.open(tmp_path / place)


def test_a_refused_file_is_let_go(path: Path):
    """No connection stays open: the file can be opened again at once."""
    edit(path, "PRAGMA user_version = 99")
    with pytest.raises(UnusableDatabase):
        Database.open(path)

    a_file(path, "PRAGMA journal_mode = delete", f"PRAGMA user_version = {migrations.NEWEST}")

    Database.open(path).close()


# ---------------------------------------------------------------------- hostile files


def test_a_hostile_schema_cannot_call_what_is_unsafe(path: Path):
    """A trigger that somebody put into the file must not load a library into the daemon."""
    edit(
        path,
        "CREATE TRIGGER evil AFTER INSERT ON processes BEGIN SELECT load_extension('/tmp/evil.so'); END",
    )
    database = Database.open(path)
    tx = database.begin(0)

    with pytest.raises(StorageError, match="unsafe use of load_extension"):
        processes.add(tx, 1, 1, "worker")

    database.rollback()
    database.close()


def test_the_schema_cannot_be_rewritten_in_place(path: Path):
    """Not even by a statement of ours: SQLite's own guard is up."""
    database = Database.open(path)
    tx = database.begin(0)
    tx.execute("PRAGMA writable_schema = ON")

    with pytest.raises(StorageError, match="may not be modified"):
        tx.execute("UPDATE sqlite_schema SET sql = ''")

    database.rollback()
    database.close()


@pytest.mark.parametrize(
    ("setting", "value"), [("trusted_schema", 0), ("cell_size_check", 1), ("foreign_keys", 1), ("temp_store", 2)]
)
def test_both_connections_distrust_the_file(path: Path, setting: str, value: int):
    """No functions out of the schema, no cells that lie about their size, no temporary files beside it."""
    database = Database.open(path)
    tx = database.begin(0)

    assert tx.one(f"PRAGMA {setting}") == (value,)
    assert database.reader.one(f"PRAGMA {setting}") == (value,)
    database.rollback()
    database.close()


def test_a_file_with_flipped_bits_is_an_error_and_no_surprise(path: Path):
    """What cannot be read is said so, and nothing is made up."""
    database = Database.open(path)
    tx = database.begin(0)
    for pid in range(5_000):
        processes.add(tx, pid, pid, "worker")
    database.commit()
    database.close()
    content = bytearray(path.read_bytes())
    content[len(content) // 3 :] = b"\xa5" * (len(content) - len(content) // 3)
    path.write_bytes(content)

    with pytest.raises(StorageFailed):
        processes.everything(Database.open(path).reader)


# ---------------------------------------------------------------------- reading and writing

WRITER = """
import sys
from pathlib import Path
from flux.store import processes
from flux.store.database import Database

database = Database.open(Path(sys.argv[1]))
for number in range(1, 1_000_000):
    tx = database.begin(0)
    processes.add(tx, number, number, "x" * 100)
    database.commit()
    print(number, flush=True)
"""


def test_what_was_committed_survives_a_kill(path: Path):
    """The process dies in the middle of the next commit; every commit that was told of is there, and no half."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert writer.stdout is not None
    told = [writer.stdout.readline() for _ in range(200)]
    writer.send_signal(signal.SIGKILL)
    rest, _ = writer.communicate()
    last = int((told + rest.splitlines(keepends=True))[-1])

    database = Database.open(path)
    found = [pid for pid, _ in processes.everything(database.reader)]
    database.close()

    assert found[:last] == list(range(1, last + 1))
    assert len(found) - last in (0, 1)  # the one that was committed and not told any more


def test_a_reader_sees_commits_and_nothing_else(path: Path):
    """What may still be rolled back is nobody's business."""
    database = Database.open(path)
    tx = database.begin(0)
    processes.add(tx, 1, 1, "worker")

    before = processes.everything(database.reader)
    database.commit()
    after = processes.everything(database.reader)

    assert (before, after) == ([], [(1, 1)])
    database.close()


def test_the_reading_connection_cannot_write(path: Path):
    """A query is a query."""
    database = Database.open(path)

    with pytest.raises(UnusableDatabase, match="readonly"):
        database.reader.one("DELETE FROM processes")

    database.close()


def test_a_savepoint_takes_back_what_came_after_it():
    """And nothing of what came before."""
    database = Database.in_memory()
    tx = database.begin(0)
    processes.add(tx, 1, 1, "worker")
    database.savepoint()
    processes.add(tx, 2, 2, "worker")
    database.rollback_to()
    processes.add(tx, 3, 3, "worker")
    database.commit()

    assert processes.everything(database.reader) == [(1, 1), (3, 3)]


def test_a_rollback_without_a_transaction_is_no_error():
    """SQLite may have ended it already."""
    database = Database.in_memory()
    database.rollback()

    assert not database.in_transaction


def test_a_transaction_knows_how_many_rows_it_wrote(tx):
    """So that a write that met nothing can be noticed."""
    processes.add(tx, 1, 1, "worker")
    written = tx.touched
    processes.drop(tx, 2, 2)

    assert (written, tx.touched) == (1, 0)


def test_a_checkpoint_folds_the_wal_into_the_file(path: Path):
    """From then on it is overwritten from its beginning."""
    database = Database.open(path)
    tx = database.begin(0)
    processes.add(tx, 1, 1, "x" * 100_000)
    database.commit()
    pages = database.wal_pages

    assert pages > 20
    assert database.checkpoint()
    assert database.wal_pages == 0
    database.close()


def test_a_full_disk_says_so_and_nothing_is_written(path: Path):
    """The caller may try again when there is room."""
    with FaultyDisk.registered() as disk:
        database = Database.open(path, vfs=disk.name)
        tx = database.begin(0)
        processes.add(tx, 1, 1, "x" * 100_000)
        disk.full = True

        with pytest.raises(DiskFull):
            database.commit()

        disk.full = False
        database.rollback()
        assert processes.everything(database.reader) == []
        database.close()


def test_a_program_that_holds_the_file_is_waited_for_and_then_named(path: Path):
    """Nothing was written, and the next try may do: that is no reason to stop."""
    database = Database.open(path)
    database._writer.set_busy_timeout(10)  # noqa: SLF001 - nobody wants to wait for five seconds
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(Busy, match="another program"):
        database.begin(0)

    other.execute("ROLLBACK")
    other.close()
    database.begin(0)
    database.rollback()
    database.close()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (apsw.FullError, DiskFull),
        (apsw.IOError, StorageFailed),
        (apsw.CorruptError, StorageFailed),
        (apsw.NotADBError, StorageFailed),
        (apsw.ReadOnlyError, UnusableDatabase),
        (apsw.CantOpenError, UnusableDatabase),
        (apsw.BusyError, Busy),
        (apsw.ConstraintError, StorageError),
    ],
    ids=lambda kind: kind.__name__,
)
def test_errors_of_sqlite_become_ours(theirs: type[apsw.Error], ours: type[Exception]):
    """By what the receiver should do: wait, stop, choose another file, or tell us."""
    assert type(translate(theirs("x"))) is ours
