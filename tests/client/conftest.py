"""Both clients against a real server; what the blocking one does runs in a thread beside the server's loop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import pytest

from flux.client import FluxClient
from flux.client.blocking import SyncClient
from tests.server.conftest import database, make_site, short, site  # noqa: F401 - fixtures
from tests.server.site import Site

T = TypeVar("T")


@pytest.fixture
async def client(site: Site) -> AsyncIterator[FluxClient]:  # noqa: F811 - the fixture
    """The asynchronous client."""
    async with FluxClient(site.url) as client:
        yield client


@pytest.fixture
async def blocking(site: Site) -> AsyncIterator[Callable[[Callable[[SyncClient], T]], asyncio.Future[T]]]:  # noqa: F811
    """Does something with the blocking client, in a thread."""
    client = FluxClient.sync(site.url)

    def do(what: Callable[[SyncClient], T]) -> asyncio.Future[T]:
        return asyncio.ensure_future(asyncio.to_thread(what, client))

    yield do
    client.close()
