"""A client that is made when it is first asked: the screen is painted before.

What HTTP stands on takes as long to import as all the rest of the terminal UI, so it is imported
beside the first paint, in a thread.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from typing import Protocol

from flux.client.follow import Update

from .client import Client
from .records import Json


class Closing(Client, Protocol):
    """A client that holds connections."""

    async def close(self) -> None:
        """Close them."""
        ...


class Late:
    """The client protocol, passed on to a client that `load` and `make` give on first use.

    `load` runs in a thread and may take its time; what it returns makes the client for `url`.
    """

    def __init__(self, url: str, load: Callable[[], Callable[[str], Closing]]) -> None:
        self.url = url
        self._load = load
        self._made: Awaitable[Closing] | None = None

    async def close(self) -> None:
        """Close what was made, if anything was."""
        if self._made is not None:
            await (await self._made).close()

    async def executions(
        self,
        *,
        states: Iterable[str] = (),
        workflow: str | None = None,
        namespace: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Json:
        """One page of executions, newest first."""
        client = await self._client()
        return await client.executions(
            states=states, workflow=workflow, namespace=namespace, limit=limit, cursor=cursor
        )

    async def execution(self, execution: str) -> Json:
        """One execution with its input, output and error."""
        return await (await self._client()).execution(execution)

    async def history(self, execution: str, *, after: int = 0) -> AsyncIterator[Json]:
        """The events of an execution that are in the log now."""
        async for item in (await self._client()).history(execution, after=after):
            yield item

    async def events(
        self, execution: str | None = None, *, after: int | None = None, reconnect: bool = True
    ) -> AsyncIterator[Update]:
        """Events of all executions as they happen."""
        updates = (await self._client()).events(execution, after=after, reconnect=reconnect)
        try:
            async for update in updates:
                yield update
        finally:
            if isinstance(updates, AsyncGenerator):
                await updates.aclose()

    async def resume(self, execution: str, input: object = None, *, pause: str | None = None) -> Json:
        """Answer the oldest open pause, or the one named."""
        return await (await self._client()).resume(execution, input, pause=pause)

    async def cancel(self, execution: str) -> Json:
        """Ask an execution to stop."""
        return await (await self._client()).cancel(execution)

    async def stats(self) -> Json:
        """How many executions are in which state."""
        return await (await self._client()).stats()

    def _client(self) -> Awaitable[Closing]:
        if self._made is None:
            self._made = asyncio.ensure_future(self._make())
        return asyncio.shield(self._made)

    async def _make(self) -> Closing:
        make = await asyncio.to_thread(self._load)
        return make(self.url)
