"""The engine's thread: one in a process, with one loop, started by the first call.

The file is closed, and with it the right to it given up, when nothing has run for `IDLE` seconds, so
that a script that waits for its user keeps nobody else out.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from flux.local.engine import Engine

IDLE: Final = 0.5
_T = TypeVar("_T")
_OF_THE_PARENT: Final[list[object]] = []  # kept for good: SQLite must not be closed in a process that did not open it
Work = Callable[[Engine], Awaitable[_T]]


class EngineThread:
    """Runs work on an engine that is opened when needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._engine: Engine | None = None
        self._opening: asyncio.Lock | None = None
        self._users = 0
        self._closing: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def call(self, work: Work[_T]) -> _T:
        """What the work comes to; blocks the calling thread."""
        return asyncio.run_coroutine_threadsafe(self._use(work), self._running()).result()

    async def acall(self, work: Work[_T]) -> _T:
        """What the work comes to; the caller's loop goes on meanwhile."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._use(work), self._running()))

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="flux-engine", daemon=True).start()
                atexit.register(self._stop)
            return self._loop

    def forget(self) -> None:
        """Start afresh: a forked child has the parent's object, but neither its thread nor its right to the file."""
        atexit.unregister(self._stop)
        if self._engine is not None:
            self._engine.let_go()
        _OF_THE_PARENT.append(dict(vars(self)))
        vars(self).update(vars(EngineThread()))

    async def _use(self, work: Work[_T]) -> _T:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        self._users += 1
        try:
            return await work(await self._opened())
        finally:
            self._users -= 1
            if not self._users:
                self._closing = asyncio.get_running_loop().call_later(IDLE, self._close_soon)

    async def _opened(self) -> Engine:
        if self._opening is None:
            self._opening = asyncio.Lock()
        async with self._opening:
            if self._engine is not None and self._engine.failed:
                failed, self._engine = self._engine, None
                await failed.close()
            if self._engine is None:
                self._engine = await Engine.open()
            return self._engine

    def _close_soon(self) -> None:
        self._closing = None
        if not self._users:
            self._task = asyncio.get_running_loop().create_task(self._close())

    async def _close(self) -> None:
        if self._opening is None:
            return
        async with self._opening:
            if not self._users and self._engine is not None:
                engine, self._engine = self._engine, None
                await engine.close()

    def _stop(self) -> None:
        loop = self._loop
        if loop is None:
            return
        asyncio.run_coroutine_threadsafe(self._close_now(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)

    async def _close_now(self) -> None:
        if self._engine is not None:
            engine, self._engine = self._engine, None
            await engine.close()


THREAD: Final = EngineThread()
os.register_at_fork(after_in_child=THREAD.forget)
