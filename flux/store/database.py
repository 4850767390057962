"""The database file: opening, refusing, one writing connection, one reading connection.

Invariant: within one process only this module opens the file, and only with apsw. A second copy of
SQLite (the standard library's) in the same process would drop our POSIX locks and lose commits.

`Transaction` carries its instant: all rows of one transaction say the same time. Errors of SQLite
become ours here: `DiskFull`, `StorageFailed`, `UnusableDatabase`.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import apsw

from flux.errors import Busy, DiskFull, StorageError, StorageFailed, UnusableDatabase
from flux.store import migrations
from flux.store.place import refuse_network_disk

Value = None | int | float | str | bytes
Row = tuple[Value, ...]

APPLICATION_ID: Final = 0x464C5558  # "FLUX"
OLDEST_SQLITE: Final = (3, 51, 3)  # below stands a bug that corrupts a WAL file that is being reset
SMALLEST: Final = 512  # bytes of the smallest page
CACHE_KIB: Final = 8192  # page cache of one connection
BUSY_TIMEOUT: Final = 5_000  # a backup or an inspector may hold a lock for a moment


def refuse_old_sqlite(version: str) -> None:
    """Raise UnusableDatabase if this SQLite cannot be trusted with a WAL file."""
    if tuple(int(part) for part in version.split(".")[:3]) < OLDEST_SQLITE:
        needed = ".".join(str(part) for part in OLDEST_SQLITE)
        raise UnusableDatabase(
            f"SQLite {version} is in use, {needed} or newer is needed (older ones can corrupt a WAL file): "
            "upgrade the package apsw",
        )


def translate(exc: apsw.Error) -> StorageError | Busy:
    """Our error for one of SQLite's."""
    if isinstance(exc, apsw.FullError):
        return DiskFull("the disk is full: nothing was written; free some space")
    if isinstance(exc, apsw.BusyError):
        return Busy("another program holds the database: nothing was written; come back later", retry_after=1)
    if isinstance(exc, apsw.IOError | apsw.CorruptError | apsw.NotADBError):
        return StorageFailed(f"the database cannot be read or written: {exc}")
    if isinstance(exc, apsw.ReadOnlyError | apsw.CantOpenError | apsw.PermissionsError):
        return UnusableDatabase(f"the database cannot be opened for writing: {exc}")
    return StorageError(f"SQLite refused: {exc}")


class Reader:
    """Queries on one connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def one(self, sql: str, /, **params: Value) -> Row | None:
        """The first row, or None."""
        try:
            return self._connection.execute(sql, params).fetchone()
        except apsw.Error as exc:
            raise translate(exc) from exc

    def all(self, sql: str, /, **params: Value) -> list[Row]:
        """All rows."""
        try:
            return self._connection.execute(sql, params).fetchall()
        except apsw.Error as exc:
            raise translate(exc) from exc


class Transaction(Reader):
    """One running transaction and its instant (milliseconds UTC)."""

    def __init__(self, connection: apsw.Connection, now: int) -> None:
        super().__init__(connection)
        self.now = now

    def execute(self, sql: str, /, **params: Value) -> None:
        """Run one statement."""
        try:
            self._connection.execute(sql, params)
        except apsw.Error as exc:
            raise translate(exc) from exc

    def many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement with positional parameters once per row."""
        try:
            self._connection.executemany(sql, rows)
        except apsw.Error as exc:
            raise translate(exc) from exc

    @property
    def touched(self) -> int:
        """How many rows the last statement wrote."""
        return self._connection.changes()


class Database:
    """An open database: one writing and one reading connection."""

    def __init__(self, writer: apsw.Connection, reading: apsw.Connection, path: str) -> None:
        self._writer = writer
        self._reading = reading
        self.path = path
        self.reader = Reader(reading)
        self.wal_pages = 0
        writer.set_wal_hook(self._count_pages)

    @classmethod
    def open(cls, path: Path, *, vfs: str | None = None) -> "Database":
        """The database at `path`, made or migrated when needed.

        Raises:
            UnusableDatabase: not ours, newer than us, on a network disk, or SQLite is too old.
            DiskFull, StorageFailed: the disk does not want to.
        """
        refuse_old_sqlite(apsw.sqlite_lib_version())
        refuse_network_disk(path.resolve().parent)
        if path.is_file() and 0 < path.stat().st_size < SMALLEST:  # SQLite would take it for an empty one
            raise UnusableDatabase(f"{path} is not a SQLite database: name another file")
        with ExitStack() as opened:
            try:
                writer = _connect(str(path), vfs)
                opened.callback(writer.close)
                _check_identity(writer, path)
                writer.pragma("journal_mode", "wal")
                writer.pragma("synchronous", "full")
                writer.pragma("wal_autocheckpoint", 0)  # the gate decides when
                migrations.migrate(writer, path)
                reading = _connect(str(path), vfs)
                reading.pragma("query_only", True)
            except apsw.Error as exc:
                raise _opening(exc, path) from exc
            opened.pop_all()
        return cls(writer, reading, str(path))

    @classmethod
    def in_memory(cls) -> "Database":
        """A database that lives as long as this object; for rules that need no disk."""
        connection = _connect(":memory:", None)
        migrations.migrate(connection, None)
        return cls(connection, connection, ":memory:")

    def begin(self, now: int) -> Transaction:
        """Start the one writing transaction."""
        self._run("BEGIN IMMEDIATE")
        return Transaction(self._writer, now)

    def commit(self) -> None:
        """Make the running transaction durable: when this returns, a power cut loses nothing of it."""
        self._run("COMMIT")

    def rollback(self) -> None:
        """Drop the running transaction, if SQLite has not already done so."""
        if self.in_transaction:
            self._run("ROLLBACK")

    def savepoint(self) -> None:
        """Mark the place to which `rollback_to` returns."""
        self._run("SAVEPOINT call")

    def release(self) -> None:
        """Keep what came since the savepoint."""
        self._run("RELEASE call")

    def rollback_to(self) -> None:
        """Undo what came since the savepoint and forget it."""
        self._run("ROLLBACK TO call")
        self._run("RELEASE call")

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction runs. A full disk may have ended it under our feet."""
        return self._writer.in_transaction

    def checkpoint(self) -> bool:
        """Copy the WAL into the file without waiting for readers; True if all of it was copied."""
        try:
            total, copied = self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.BusyError:
            return False
        except apsw.Error as exc:
            raise translate(exc) from exc
        if total == copied:
            self.wal_pages = 0
        return total == copied

    def close(self) -> None:
        """Close both connections; the last one out folds the WAL into the file."""
        self._reading.close()
        self._writer.close()

    def _run(self, sql: str) -> None:
        try:
            self._writer.execute(sql)
        except apsw.Error as exc:
            raise translate(exc) from exc

    def _count_pages(self, connection: apsw.Connection, name: str, pages: int) -> int:
        self.wal_pages = pages
        return apsw.SQLITE_OK


def _connect(path: str, vfs: str | None) -> apsw.Connection:
    connection = apsw.Connection(path, vfs=vfs, statementcachesize=200)
    connection.set_busy_timeout(BUSY_TIMEOUT)
    # A hostile file must not run code: no functions from the schema, no writing to it, no attached surprises.
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    settings: Mapping[str, int] = {"cache_size": -CACHE_KIB, "cell_size_check": 1, "foreign_keys": 1, "temp_store": 2}
    for name, value in settings.items():
        connection.pragma(name, value)
    return connection


def _check_identity(connection: apsw.Connection, path: Path) -> None:
    identity = connection.pragma("application_id")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if identity == APPLICATION_ID:
        version = connection.pragma("user_version")
        if version > migrations.NEWEST:
            raise UnusableDatabase(
                f"{path} was written by a newer Flux (schema {version}, this one knows {migrations.NEWEST}): "
                "upgrade Flux, or name another file",
            )
        if version < 0:
            raise UnusableDatabase(f"{path} says that its schema is {version}: it was edited; restore a backup")
        return
    if identity != 0 or tables != (0,):
        raise UnusableDatabase(f"{path} is a SQLite database, but not one of Flux: name another file")
    connection.pragma("application_id", APPLICATION_ID)


def _opening(exc: apsw.Error, path: Path) -> StorageError | Busy:
    if isinstance(exc, apsw.NotADBError):
        return UnusableDatabase(f"{path} is not a SQLite database: name another file")
    if isinstance(exc, apsw.CantOpenError):
        return UnusableDatabase(f"{path} cannot be opened: does its folder exist, and may this user write there?")
    return translate(exc)
