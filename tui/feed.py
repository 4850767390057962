"""The event stream: connects, passes on what happens, and comes back when it breaks.

One connection: the newest page of the list, then the stream from the position at which that page was
true, so that nothing is missed between the two. What happens is gathered and passed on at most every
`BEAT` milliseconds; while nothing happens, nothing is done. After a break the delays double up to
`LONGEST`; `retry` ends a delay.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final

from textual.message import Message

from flux.client.follow import Update
from flux.clock import Clock
from flux.errors import Denied, FluxError, Unauthenticated

from .client import Client
from .messages import ExecutionsChanged, LinkChanged, StatesCounted
from .model import Link, Reach
from .pager import Pager
from .records import Row, mapping, row, text

BEAT: Final = 100  # ms: ten redraws a second are as many as an eye tells apart
BEAT_UNSEEN: Final = 1000  # while the terminal says that nobody looks
COUNT_EVERY: Final = 2000  # ms between two counts of the states
SHORTEST: Final = 500
LONGEST: Final = 15_000


class Feed:
    """Follows the daemon for as long as `run` runs, and tells `post`."""

    def __init__(self, client: Client, pager: Pager, clock: Clock, post: Callable[[Message], object]) -> None:
        self._client = client
        self._pager = pager
        self._clock = clock
        self._post = post
        self._beat = BEAT
        self._rows: dict[str, Row] = {}
        self._touched: set[str] = set()
        self._flush: asyncio.TimerHandle | None = None
        self._retry = asyncio.Event()
        self._stale = asyncio.Event()
        self._known_at = 0
        self._delay = SHORTEST

    def retry(self) -> None:
        """Connect now, whatever delay there still is; a connection that stands is made anew."""
        self._retry.set()

    def look(self, seen: bool) -> None:
        """Whether somebody looks at the screen: if not, changes are passed on once a second."""
        self._beat = BEAT if seen else BEAT_UNSEEN

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._count())
            while True:
                self._retry.clear()
                error = await self._follow()
                if error is not None:
                    self._lost(error)
                await self._rest()

    async def _follow(self) -> FluxError | None:
        """What broke the connection; None if it ended in good order or was to be made anew."""
        stream = asyncio.ensure_future(self._connection())
        asked = asyncio.ensure_future(self._retry.wait())
        try:
            await asyncio.wait((stream, asked), return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
            stream.cancel()
            ended, _ = await asyncio.gather(stream, asked, return_exceptions=True)
        if isinstance(ended, FluxError):
            return ended
        if isinstance(ended, Exception):
            raise ended
        return None

    async def _connection(self) -> None:
        """One page and the stream that goes on from it, until that ends."""
        page = await self._pager.newest()
        self._delay = SHORTEST
        self._known_at = 0
        self._stale.set()
        self._post(LinkChanged(Link(reach=Reach.LIVE)))
        updates = self._client.events(after=page.position, reconnect=False)
        try:
            async for update in updates:
                if update.event in ("reset", "bye"):
                    return
                self._take(update)
        finally:
            if isinstance(updates, AsyncGenerator):
                await updates.aclose()

    def _lost(self, error: FluxError) -> None:
        """Tell that the daemon is away, since when, why, and when it is tried again."""
        self._known_at = self._known_at or self._clock.now()
        refused = isinstance(error, Denied | Unauthenticated)
        link = Link(
            reach=Reach.REFUSED if refused else Reach.OFFLINE,
            since=self._known_at,
            retry_at=self._clock.now() + self._delay,
            reason=str(error) or error.code,
        )
        self._post(LinkChanged(link))

    async def _rest(self) -> None:
        """Wait before the next try: longer each time, unless it is asked for."""
        pause, self._delay = self._delay, min(self._delay * 2, LONGEST)
        try:
            await asyncio.wait_for(self._retry.wait(), pause / 1000)
        except TimeoutError:
            return

    def _take(self, update: Update) -> None:
        """Note what an update says; pass all of it on with the next beat."""
        execution = text(update.data, "execution_id")
        if execution:
            self._touched.add(execution)
        if update.event == "execution":
            self._rows[execution] = row(update.data)
        if self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(self._beat / 1000, self._pass_on)

    def _pass_on(self) -> None:
        self._flush = None
        rows, self._rows = tuple(self._rows.values()), {}
        touched, self._touched = frozenset(self._touched), set()
        if rows:
            self._stale.set()
        self._post(ExecutionsChanged(rows, touched))

    async def _count(self) -> None:
        """Count the states when something has changed, at most every COUNT_EVERY."""
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                counted = mapping(await self._client.stats(), "states")
            except FluxError:
                continue  # the stream will say so; the old figures stay until then
            self._post(StatesCounted({state: n for state, n in counted.items() if isinstance(n, int)}))
            await asyncio.sleep(COUNT_EVERY / 1000)
