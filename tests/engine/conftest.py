"""An engine over a database file of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flux.store.database import Database
from tests.engine.desk import Desk


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database file that is closed at the end."""
    database = Database.open(tmp_path / "flux.db")
    yield database
    database.close()


@pytest.fixture
async def desk(database: Database) -> Desk:
    """An engine with the workflow `default/work`."""
    desk = Desk.over(database)
    await desk.register("work")
    return desk
