"""What asyncio does in the order of a set or of an address, done in the order of making.

`install` puts these in asyncio's place before user code loads. Outside of a private loop each does what
asyncio does. `asyncio.wait` and task groups need no replacement: private tasks and futures hash by
their number.
"""

import asyncio
from asyncio import events, mixins, tasks
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Final, TypeVar

from flux.errors import NotInWorkflow
from flux.worker.loop import PrivateLoop

T = TypeVar("T")

_as_completed: Final = asyncio.as_completed
registered_tasks: Final = asyncio.all_tasks
_Gathering: Final = vars(tasks)["_GatheringFuture"]
_Bound: Final[type] = vars(mixins)["_LoopBoundMixin"]
_get_loop: Final[Callable[[object], asyncio.AbstractEventLoop]] = vars(_Bound)["_get_loop"]


class AsCompleted(Iterator[Awaitable[T]], AsyncIterator["asyncio.Future[T]"]):
    """The outcomes of some awaitables, the first to end first. Both of `asyncio.as_completed`'s forms."""

    def __init__(self, awaitables: Iterable[Awaitable[T]], timeout: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._open = [asyncio.ensure_future(each, loop=loop) for each in dict.fromkeys(awaitables)]
        self._left = len(self._open)
        self._ended: asyncio.Queue[asyncio.Future[T] | None] = asyncio.Queue()
        self._timer = None if timeout is None else loop.call_later(timeout, self._expire)
        for future in self._open:
            future.add_done_callback(self._end)

    def _end(self, future: "asyncio.Future[T]") -> None:
        if future in self._open:
            self._open.remove(future)
            self._ended.put_nowait(future)
            if not self._open and self._timer is not None:
                self._timer.cancel()

    def _expire(self) -> None:
        for future in self._open:
            future.remove_done_callback(self._end)
            self._ended.put_nowait(None)
        self._open.clear()

    async def _next_future(self) -> "asyncio.Future[T]":
        future = await self._ended.get()
        if future is None:
            raise TimeoutError
        return future

    async def _next_result(self) -> T:
        return (await self._next_future()).result()

    def __iter__(self) -> "AsCompleted[T]":
        return self

    def __next__(self) -> Awaitable[T]:
        self._count(StopIteration)
        return self._next_result()

    def __aiter__(self) -> "AsCompleted[T]":
        return self

    async def __anext__(self) -> "asyncio.Future[T]":
        self._count(StopAsyncIteration)
        return await self._next_future()

    def _count(self, end: type[Exception]) -> None:
        if not self._left:
            raise end
        self._left -= 1


def as_completed(fs: Iterable[Awaitable[T]], *, timeout: float | None = None) -> object:
    """`asyncio.as_completed`; in a workflow's body the tasks are made in the order of `fs`."""
    if not _is_private():
        return _as_completed(fs, timeout=timeout)
    if asyncio.isfuture(fs) or asyncio.iscoroutine(fs):
        raise TypeError(f"expect an iterable of futures, not {type(fs).__name__}")
    return AsCompleted(fs, timeout)


def all_tasks(loop: asyncio.AbstractEventLoop | None = None) -> "set[asyncio.Task[object]]":
    """`asyncio.all_tasks`; in a workflow's body those of the workflow."""
    of = asyncio.get_running_loop() if loop is None else loop
    return set(of.open_tasks()) if isinstance(of, PrivateLoop) else registered_tasks(loop)


def _is_private() -> bool:
    return isinstance(events._get_running_loop(), PrivateLoop)  # noqa: SLF001 - get_running_loop(), without an error


class GatheringFuture(_Gathering):  # type: ignore[misc, valid-type]  # asyncio keeps it to itself
    """The future of `asyncio.gather`, hashed by its number in a workflow's body."""

    def __init__(self, children: object, *, loop: asyncio.AbstractEventLoop) -> None:
        self._number = loop.next_number() if isinstance(loop, PrivateLoop) else None
        super().__init__(children, loop=loop)

    def __hash__(self) -> int:
        return object.__hash__(self) if self._number is None else self._number


def get_loop(self: object) -> asyncio.AbstractEventLoop:
    """The loop that a lock, queue or event is bound to; an error that helps if it is another execution's."""
    try:
        return _get_loop(self)
    except RuntimeError as exc:
        if _is_private():
            kind = type(self).__name__
            raise NotInWorkflow(
                f"this {kind} is shared with another execution, which waits on it; make it inside the workflow's body"
            ) from exc
        raise


def install() -> None:
    """Put them in asyncio's place."""
    for module in (asyncio, tasks):
        vars(module).update(as_completed=as_completed, all_tasks=all_tasks)
    vars(tasks)["_GatheringFuture"] = GatheringFuture
    _Bound._get_loop = get_loop  # type: ignore[attr-defined]  # noqa: SLF001 - there is no other way to say it better
