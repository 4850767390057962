"""What a part that posts messages is given instead of an app: it keeps them, and can be waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

from textual.message import Message

_M = TypeVar("_M", bound=Message)
PATIENCE = 10.0


class Ear:
    """Hears messages."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self._news = asyncio.Event()

    def __call__(self, message: Message) -> None:
        self.heard.append(message)
        self._news.set()

    def all(self, kind: type[_M]) -> list[_M]:
        """Everything of one kind, oldest first."""
        return [message for message in self.heard if isinstance(message, kind)]

    async def hear(self, kind: type[_M], fits: Callable[[_M], object] = bool) -> _M:
        """The first message of this kind that fits, waiting for it if it has not come yet."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = next((message for message in self.all(kind) if fits is bool or fits(message)), None)
                if found is not None:
                    return found
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def running(*works: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """`works` run until the block ends."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
