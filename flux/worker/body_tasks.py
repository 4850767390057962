"""The tasks of bodies on the worker's loop: whose each is, and whether a body only waits for the daemon.

A task that a body creates belongs to the body, so whoever finds it running knows who holds the loop, and a
body with a task that does something is not taken for one that only waits.
"""

import asyncio
import contextlib
from asyncio import tasks
from collections.abc import Sequence
from contextvars import Context
from typing import TypedDict, Unpack

from flux.runtime import RUNTIME
from flux.worker.futures import CallFuture, WaitFuture
from flux.worker.output import ORIGIN, Origin
from flux.worker.private import Runnable


class BodyTask(asyncio.Task[object]):
    """A task of a body. `origin`: whose."""

    origin: Origin

    def unload(self, context: Context) -> None:
        """Close the coroutine, as if it had been deleted; the task never goes on."""
        self._log_destroy_pending = False
        self.add_done_callback(_ignore)  # a sibling's clean-up may cancel it, which finds nothing to go on with
        tasks._unregister_task(self)  # noqa: SLF001 - else a closing loop would cancel, and so step it
        loop = self.get_loop()
        tasks._enter_task(loop, self)  # noqa: SLF001 - as the step of a task does, for `current_task()`
        try:
            with contextlib.suppress(BaseException):  # what it says to being closed concerns nobody
                context.run(self.get_coro().close)
        finally:
            tasks._leave_task(loop, self)  # noqa: SLF001 - as above


def _ignore(task: asyncio.Task[object]) -> None:
    if not task.cancelled():
        task.exception()


class TaskOptions(TypedDict, total=False):
    """What a loop hands to its task factory; which of them, depends on the version of Python."""

    name: str | None
    context: Context | None


def task_factory(
    loop: asyncio.AbstractEventLoop, coro: Runnable[object], **options: Unpack[TaskOptions]
) -> asyncio.Task[object]:
    """A task; one that is created by a body is that body's."""
    origin = ORIGIN.get()
    runtime = RUNTIME.get()
    adopt = getattr(runtime, "adopt", None)  # the runtime of a body has it, that of a workflow has not
    if origin is None or adopt is None:
        return asyncio.Task(coro, loop=loop, **options)
    task = BodyTask(coro, loop=loop, **options)
    task.origin = origin
    adopt(task)
    return task


def are_parked(members: Sequence[BodyTask]) -> bool:
    """Whether all of these tasks wait for the daemon, or for each other; at least one for the daemon."""
    waiters = [getattr(task, "_fut_waiter", None) for task in members]
    return any(map(_is_durable, waiters)) and all(_is_still(waiter, members) for waiter in waiters)


def _is_durable(waiter: object) -> bool:
    return isinstance(waiter, WaitFuture | CallFuture) and not waiter.done()


def _is_still(waiter: object, members: Sequence[BodyTask]) -> bool:
    """Whether only the daemon can end this; what nobody knows may end by itself."""
    if _is_durable(waiter) or waiter in members:
        return True
    gathered: Sequence[asyncio.Future[object]] = getattr(waiter, "_children", ())  # of `asyncio.gather`
    return bool(gathered) and all(each.done() or _is_still(each, members) for each in gathered)
