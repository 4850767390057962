"""A server over a real engine and a real database file, on a Unix socket, in the test's loop."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from flux.store.database import Database
from tests.engine.desk import Desk
from tests.server.site import Site


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database file that is closed at the end."""
    database = Database.open(tmp_path / "flux.db")
    yield database
    database.close()


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path is short enough for a socket in it."""
    folder = Path(tempfile.mkdtemp(prefix="fx-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def make_site(database: Database, short: Path) -> AsyncIterator[Callable[..., Awaitable[Site]]]:
    """Makes servers that are closed at the end."""
    made: list[Site] = []

    async def make(tcp: str | None = None, **limits: float) -> Site:
        desk = made[0].desk if made else Desk.over(database)
        if not made:
            await desk.register("work", tasks=())
        site = await Site.open(desk, short / f"{len(made)}.sock", tcp=tcp, **limits)
        made.append(site)
        return site

    yield make
    for site in made:
        await site.close()


@pytest.fixture
async def site(make_site: Callable[..., Awaitable[Site]]) -> Site:
    """A server with the workflow `default/work`."""
    return await make_site()
