"""Pages of the list: the newest of a query, and the ones below it, one request at a time.

Where a part of the query can only be applied here, pages are read until there is a screenful of
matches, at most `DEEPEST` of them at a time: then the end of the list says how far it was searched.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from textual.message import Message

from flux.errors import FluxError

from . import query as queries
from .client import Client
from .messages import PageRead, ReadRefused
from .query import EVERYTHING, Query
from .records import Page, page

SIZE: Final = 200  # rows a page: a screenful and a few more, answered in a few milliseconds
DEEPEST: Final = 10
SCREENFUL: Final = 60


class Pager:
    """Reads pages of executions and tells `post`."""

    def __init__(self, client: Client, post: Callable[[Message], object]) -> None:
        self._client = client
        self._post = post
        self._query = EVERYTHING
        self._wanted: tuple[Query, str | None] | None = None
        self._bell = asyncio.Event()

    def ask(self, query: Query) -> None:
        """Have the newest page of `query` read; a question that was not answered yet is forgotten."""
        self._query = query
        self._wanted = (query, None)
        self._bell.set()

    def more(self, query: Query, cursor: str) -> None:
        """Have the page at `cursor` read, unless another question is open."""
        if self._wanted is None and query == self._query:
            self._wanted = (query, cursor)
            self._bell.set()

    async def run(self) -> None:
        """Answer questions until cancelled."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            wanted = self._wanted
            if wanted is None:
                continue
            try:
                await self._read(*wanted)
            except FluxError as error:
                self._post(ReadRefused(None, str(error)))
            if self._wanted is wanted:
                self._wanted = None

    async def newest(self) -> Page:
        """The newest page of the present query, told to `post` too."""
        return await self._one(self._query, None)

    async def _read(self, query: Query, cursor: str | None) -> None:
        """The page at `cursor`, and those below it until enough of them match or the question changes."""
        matching = 0
        for _ in range(DEEPEST):
            found = await self._one(query, cursor)
            matching += sum(queries.matches(query, row) for row in found.rows)
            cursor = found.cursor
            if cursor is None or matching >= SCREENFUL or not query.is_local or query != self._query:
                return

    async def _one(self, query: Query, cursor: str | None) -> Page:
        found = page(
            await self._client.executions(
                states=query.states,
                workflow=query.asked_workflow,
                namespace=query.namespace or None,
                cursor=cursor,
                limit=SIZE,
            )
        )
        if query == self._query:
            self._post(PageRead(found, query, cursor is None))
        return found
