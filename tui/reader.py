"""The execution that is looked at: its view and its events, read again whenever something happens to it.

One at a time: whoever moves through a list quickly causes one request for where he stops, not one for
each row. The last `KEPT` dossiers are remembered, so that going back shows them at once.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from textual.cache import LRUCache
from textual.message import Message

from flux.errors import FluxError

from .client import Client
from .dossier import Dossier, opened, told
from .messages import DossierRead, ReadRefused
from .records import Fact, fact

KEPT: Final = 32
REST: Final = 0.1  # seconds from one reading to the next: as often as the screen is drawn
MOST: Final = 20_000  # events of one execution that are read; the timeline says when there are more


class Reader:
    """Reads what is wanted and tells `post`."""

    def __init__(self, client: Client, post: Callable[[Message], object]) -> None:
        self._client = client
        self._post = post
        self._wanted: str | None = None
        self._bell = asyncio.Event()
        self._known: LRUCache[str, Dossier] = LRUCache(KEPT)

    def want(self, execution: str | None) -> Dossier | None:
        """What is known of `execution`, at once; it is read again and told when that is done."""
        self._wanted = execution
        if execution is None:
            return None
        self._bell.set()
        return self._known.get(execution)

    def changed(self, touched: frozenset[str]) -> None:
        """Read again if what is wanted is among `touched`."""
        if self._wanted in touched:
            self._bell.set()

    def again(self) -> None:
        """Read again what is wanted."""
        self._bell.set()

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            execution = self._wanted
            if execution is None:
                continue
            try:
                await self._read(execution)
            except FluxError as error:
                self._post(ReadRefused(execution, str(error)))
            await asyncio.sleep(REST)

    async def _read(self, execution: str) -> None:
        """Read the view first and the events after it: so these are never behind what the view says."""
        view = await self._client.execution(execution)
        known = self._known.get(execution) or opened(view)
        facts, more = await self._events(execution, known)
        dossier = told(known, view, facts, more=more)
        self._known[execution] = dossier
        if execution == self._wanted:
            self._post(DossierRead(dossier))

    async def _events(self, execution: str, known: Dossier) -> tuple[list[Fact], bool]:
        """The events after those known, and whether there are too many of them."""
        found: list[Fact] = []
        async for item in self._client.history(execution, after=known.position):
            if len(known.facts) + len(found) >= MOST:
                return found, True
            found.append(fact(item))
        return found, False
