"""A private loop with somebody who fires its timers when the test says so."""

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any, Self

from flux.core.identity import Scope
from flux.worker.loop import PrivateLoop
from flux.worker.private import PrivateTask, PrivateTimer

START = 1_700_000_000_000


class Owner:
    """A session that fires timers when the test says so."""

    def __init__(self) -> None:
        self.timers: list[PrivateTimer] = []
        self.complaints: list[str] = []
        self.loop = PrivateLoop(self, Scope.root(), START)  # type: ignore[abstract]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.unload()

    def timer_opened(self, timer: PrivateTimer) -> None:
        timer.id = self.loop.current_scope().call("~timer")
        self.timers.append(timer)

    def timer_closed(self, timer: PrivateTimer) -> None:
        self.timers.remove(timer)

    def complain(self, message: str, error: BaseException | None) -> None:
        self.complaints.append(f"{message}: {error!r}")

    def start(self, coro: Coroutine[Any, Any, Any]) -> PrivateTask[Any]:
        """Start a body; it runs to its first await."""
        tasks: list[PrivateTask[Any]] = []
        self.loop.turn(lambda: tasks.append(self.loop.create_root(coro, contextvars.Context())))
        return tasks[0]

    def fire(self) -> None:
        """Fire the timer that is due first."""
        timer = min(self.timers, key=lambda each: each.due)
        self.timers.remove(timer)
        self.loop.instant = timer.due
        self.loop.turn(self.loop.ready.append, timer)

    def finish(self, coro: Coroutine[Any, Any, Any]) -> Any:
        """What the body returns when all its timers fire in time."""
        task = self.start(coro)
        while not task.done():
            self.fire()
        return task.result()


async def after(seconds: float, value: Any) -> Any:
    """`value`, later."""
    await asyncio.sleep(seconds)
    return value
