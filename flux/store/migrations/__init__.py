"""From an empty file, or an older one, to the newest schema: forward only, one transaction a step.

A step is a folder named by its number; its `.sql` files run in the order of their names. A step that
has been released is never edited. Before a step that changes an existing file, a copy is made beside it.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import apsw

NEWEST: Final = 1


def migrate(
    connection: apsw.Connection, path: Path | None, *, newest: int = NEWEST, steps: Traversable | None = None
) -> None:
    """Bring the database to `newest`. `path` None: it lives in memory and needs no copy; `steps`: not ours."""
    folder = files(__package__) if steps is None else steps
    current: int = connection.pragma("user_version")
    if current and current < newest and path is not None:
        _back_up(connection, path, current)
    for step in range(current + 1, newest + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for script in _scripts(folder.joinpath(f"{step:04d}")):
                connection.execute(script)
            connection.pragma("user_version", step)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _scripts(folder: Traversable) -> list[str]:
    scripts = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [script.read_text("utf-8") for script in scripts]


def _back_up(connection: apsw.Connection, path: Path, version: int) -> None:
    """Copy the file. A copy of an earlier try is replaced, once the new one is whole."""
    target = path.with_name(f"{path.stem}-schema-{version}.backup.db")
    partial = target.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(partial),))
    partial.replace(target)
