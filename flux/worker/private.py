"""What lives on a private loop: its steps, timers, tasks and futures.

Tasks and futures hash by their number, which the loop gives in the order of making. So a set of them has
the same order on every run, and with it task groups, `asyncio.wait` and the author's own sets.
"""

import asyncio
import contextlib
from asyncio import tasks
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from typing import TypeVar

from flux.core.identity import Scope

T = TypeVar("T")

Runnable = Generator["asyncio.Future[object] | None", None, T] | Coroutine[object, object, T]


class Step(asyncio.Handle):
    """A callback that is to run in this turn."""

    __slots__ = ()

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[object, ...],
        loop: asyncio.AbstractEventLoop,
        context: Context | None,
    ) -> None:
        # Not Handle.__init__: half of a step's cost would be its debugging support.
        self._callback = callback
        self._args = args
        self._loop = loop
        self._context = copy_context() if context is None else context
        self._cancelled = False
        self._repr = None
        self._source_traceback = None

    def run(self) -> None:
        """Run it, unless it was cancelled."""
        if not self._cancelled:
            self._context.run(self._callback, *self._args)


class PrivateTimer(asyncio.TimerHandle):
    """A step that is to run when an input says that its instant has come.

    Attributes:
        due: that instant, in milliseconds UTC.
        id: of the open wait; empty when none is open.
    """

    __slots__ = ("_closed", "_step", "due", "id")

    def __init__(self, due: int, step: Step, loop: asyncio.AbstractEventLoop, closed: "Closed") -> None:
        super().__init__(due / 1000, step.run, (), loop)
        self.due = due
        self.id = ""
        self._step = step
        self._closed = closed

    def cancel(self) -> None:
        """Never run it; its wait is closed."""
        if not self._cancelled:
            super().cancel()
            if self.id:
                self._closed(self)

    def run(self) -> None:
        """Run it, unless it was cancelled."""
        self.id = ""
        if not self._cancelled:
            self._step.run()


Closed = Callable[[PrivateTimer], object]


class PrivateTask(asyncio.Task[T]):
    """A task of a private loop. `scope`: the place of the calls it makes."""

    def __init__(
        self,
        coro: Runnable[T],
        loop: asyncio.AbstractEventLoop,
        scope: Scope,
        number: int,
        name: str | None,
        context: Context | None,
    ) -> None:
        self.number = number
        self.scope = scope
        self.frame_context = copy_context() if context is None else context
        super().__init__(coro, loop=loop, name=name or f"Task-{number}", context=self.frame_context)
        # asyncio's own set of tasks would hold those of all executions, with equal hashes.
        tasks._unregister_task(self)  # noqa: SLF001 - made for loops with tasks of their own

    def __hash__(self) -> int:
        return self.number

    def abandon(self) -> None:
        """Close the coroutine, as if it had been deleted: `finally` runs as far as it needs no await."""
        self._log_destroy_pending = False
        loop = self.get_loop()
        tasks._enter_task(loop, self)  # noqa: SLF001 - as the step of a task does, for `current_task()`
        try:
            with contextlib.suppress(BaseException):  # what it says to being closed concerns nobody: it will run again
                self.frame_context.run(self.get_coro().close)
        finally:
            tasks._leave_task(loop, self)  # noqa: SLF001 - as above


class PrivateFuture(asyncio.Future[T]):
    """A future of a private loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        self.number = number
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self.number
