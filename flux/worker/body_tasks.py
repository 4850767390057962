"""The tasks of bodies on the worker's loop: whose each is, and whether a body only waits for the daemon.

A task that a body creates belongs to the body, so whoever finds it running knows who holds the loop, and a
body with a task that does something is not taken for one that only waits.
"""

import asyncio
import contextlib
from asyncio import tasks
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextvars import Context
from types import CodeType, FrameType
from typing import Final, TypedDict, Unpack

from flux.runtime import RUNTIME
from flux.tasks.parallel import Group
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
    family = frozenset(members)
    return any(_is_durable(_waiter(task)) for task in members) and all(_is_still(task, family) for task in members)


def _waiter(task: object) -> object:
    return getattr(task, "_fut_waiter", None)


def _is_durable(waiter: object) -> bool:
    return isinstance(waiter, WaitFuture | CallFuture) and not waiter.done()


def _is_still(task: BodyTask, family: Collection[object]) -> bool:
    """Whether only the daemon, or another of the family, can end what the task waits for."""
    waiter = _waiter(task)
    if waiter is None:
        return False
    return _is_daemons(waiter, family) or _is_stuck(_group(task), family)


def _is_stuck(group: Sequence[object], family: Collection[object]) -> bool:
    return bool(group) and all(_is_daemons(each, family) for each in group)


def _is_daemons(waiter: object, family: Collection[object]) -> bool:
    """Whether only the daemon or the family can end this; what nobody knows may end by itself."""
    if isinstance(waiter, asyncio.Future) and (waiter in family or _is_durable(waiter)):
        return True
    gathered: Sequence[asyncio.Future[object]] = getattr(waiter, "_children", ())  # of `asyncio.gather`
    return bool(gathered) and all(each.done() or _is_daemons(each, family) for each in gathered)


def _group(task: BodyTask) -> list[object]:
    """The open futures that alone can wake the task, where it waits for a group; none where nobody knows."""
    coroutine: object = task.get_coro()
    while hasattr(inner := getattr(coroutine, "cr_await", None), "cr_frame"):
        coroutine = inner
    frame = getattr(coroutine, "cr_frame", None)
    if not isinstance(frame, FrameType) or frame.f_code not in _GROUPS:
        return []
    found = _GROUPS[frame.f_code](frame.f_locals)
    return [each for each in found if isinstance(each, asyncio.Future) and not each.done()]


def _waited_for(variables: Mapping[str, object]) -> Iterable[object]:
    """What `asyncio.wait` waits for; nothing if its time is limited, since then its timer may wake it."""
    futures = variables["fs"] if variables["timeout"] is None else ()
    return futures if isinstance(futures, Iterable) else ()


def _in_task_group(variables: Mapping[str, object]) -> Iterable[object]:
    group = variables["self"]
    return group._tasks if isinstance(group, asyncio.TaskGroup) else ()  # noqa: SLF001 - it tells nobody otherwise


def _in_parallel(variables: Mapping[str, object]) -> Iterable[object]:
    group = variables["self"]
    return group.items if isinstance(group, Group) else ()


_WAIT: Final[CodeType] = vars(tasks)["_wait"].__code__
_LEAVE: Final[CodeType] = vars(asyncio.TaskGroup).get("_aexit", asyncio.TaskGroup.__aexit__).__code__
_RING: Final[CodeType] = vars(Group)["_ring"].__code__
_GROUPS: Final = {_WAIT: _waited_for, _LEAVE: _in_task_group, _RING: _in_parallel}
"""Where a task stands that waits for a group of others, and which those are by the variables there."""
