"""The sentences that are in sight: WHY of the open executions on the screen, kept fresh.

The stream tells when the state of an execution changes, not when one task of it follows another, and a
sentence with "in 12s" in it grows old by itself. So the open executions in sight are asked for again:
at most once a second while their tasks change, every `OLD` seconds otherwise, not at all while none is
in sight. One request each time, for the newest open executions; those far below are read when selected.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from textual.message import Message

from flux.core.execution import OPEN
from flux.errors import FluxError

from .client import Client
from .messages import ExecutionsChanged
from .records import page

BEAT: Final = 1.0  # seconds
OLD: Final = 10  # beats after which a sentence is old though nothing happened
MOST: Final = 200

_OPEN: Final = sorted(OPEN)


class Glance:
    """Looks again at what `sight` says is in sight and open, and tells `post`."""

    def __init__(self, client: Client, sight: Callable[[], frozenset[str]], post: Callable[[Message], object]) -> None:
        self._client = client
        self._sight = sight
        self._post = post
        self._touched: set[str] = set()
        self._age = 0

    def changed(self, touched: frozenset[str]) -> None:
        """Something happened to these executions."""
        self._touched |= touched

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(BEAT)
            await self.beat()

    async def beat(self) -> None:
        """Look once, if there is a reason."""
        seen = self._sight()
        self._age += 1
        stale = not self._touched.isdisjoint(seen) or self._age >= OLD
        self._touched.clear()
        if not stale or not seen:
            return
        self._age = 0
        try:
            found = page(await self._client.executions(states=_OPEN, limit=MOST))
        except FluxError:
            return  # the stream will say so; what is shown is then marked as old
        rows = [row for row in found.rows if row.id in seen]
        if rows:
            self._post(ExecutionsChanged(rows, frozenset()))
