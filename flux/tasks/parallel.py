"""Many calls at once: `parallel` over calls that differ, `map_items` over items.

Each item runs in an asyncio task of its own. These are created in the order of the items, by the
caller and never by a callback, so that their places in the program do not depend on timing. Nothing
outlives the group: when it returns or raises, every item has ended.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Generic, Literal, TypeVar, overload

from flux.errors import InvalidDefinition

T = TypeVar("T")
A = TypeVar("A")


@overload
async def parallel(
    *calls: Awaitable[T],
    max_concurrent: int | None = None,
    return_exceptions: Literal[False] = False,
    raise_on_error: Literal[True] | None = None,
) -> list[T]: ...
@overload
async def parallel(
    *calls: Awaitable[T],
    max_concurrent: int | None = None,
    return_exceptions: bool = False,
    raise_on_error: bool | None = None,
) -> list[T | BaseException]: ...
async def parallel(
    *calls: Awaitable[T],
    max_concurrent: int | None = None,
    return_exceptions: bool = False,
    raise_on_error: bool | None = None,
) -> Sequence[T | BaseException]:
    """The results of `calls`, in their order, as a list.

    The first failure cancels the others, waits for their clean-up, and is raised.

    Args:
        calls: called tasks, coroutines or futures. They start in this order.
        max_concurrent: so many at once; None for all.
        return_exceptions: what an item raised stands in its place, and the others go on.
        raise_on_error: the same the other way round; None says nothing.

    Raises:
        InvalidDefinition: an item that cannot be awaited, a limit below 1, options that contradict each other.
    """
    waiting = iter(calls)
    try:
        _check(calls, max_concurrent)
        keep = _keeps_errors(return_exceptions, raise_on_error)
        return await Group[T](max_concurrent or len(calls), keep).run(waiting)
    finally:
        _close(waiting)


@overload
async def map_items(
    task: Callable[[A], Awaitable[T]],
    items: Iterable[A],
    max_concurrent: int | None = None,
    return_exceptions: Literal[False] = False,
) -> list[T]: ...
@overload
async def map_items(
    task: Callable[[A], Awaitable[T]],
    items: Iterable[A],
    max_concurrent: int | None = None,
    return_exceptions: bool = False,
) -> list[T | BaseException]: ...
async def map_items(
    task: Callable[[A], Awaitable[T]],
    items: Iterable[A],
    max_concurrent: int | None = None,
    return_exceptions: bool = False,
) -> Sequence[T | BaseException]:
    """The results of `task(item)` for all items, in their order, as a list. Options as those of `parallel`."""
    calls: list[Awaitable[T]] = []
    try:
        calls.extend(task(item) for item in items)
    except BaseException:
        _close(calls)
        raise
    return await parallel(*calls, max_concurrent=max_concurrent, return_exceptions=return_exceptions)


class Group(Generic[T]):
    """The items of one `parallel`: how many are open, and what went wrong first.

    `items`: those that have been started. While `run` waits, they alone can end its wait.
    """

    def __init__(self, limit: int, keep_errors: bool) -> None:
        self._limit = limit
        self._keep_errors = keep_errors
        self._loop = asyncio.get_running_loop()
        self.items: list[asyncio.Future[T]] = []
        self._open = 0
        self._error: BaseException | None = None
        self._enough = 0
        self._bell: asyncio.Future[None] | None = None

    async def run(self, waiting: Iterator[Awaitable[T]]) -> list[T | BaseException]:
        """The results of all items, or the first failure once the others have ended."""
        try:
            for call in waiting:
                self._start(call)
                await self._until_open(self._limit - 1)
            await self._until_open(0)
        except (Exception, asyncio.CancelledError):
            await self._stop()
            raise
        return [self._outcome(item) for item in self.items]

    def _start(self, call: Awaitable[T]) -> None:
        item = asyncio.ensure_future(call, loop=self._loop)
        self.items.append(item)
        self._open += 1
        item.add_done_callback(self._ended)

    def _ended(self, item: asyncio.Future[T]) -> None:
        self._open -= 1
        outcome = _error_of(item)  # looked at in any case, or asyncio complains that nobody did
        if outcome is not None and self._error is None and not self._keep_errors:
            self._error = outcome
        if self._bell is not None and not self._bell.done() and (self._error or self._open <= self._enough):
            self._bell.set_result(None)

    async def _until_open(self, enough: int) -> None:
        """Wait until at most `enough` items are open. Raises the first failure."""
        while self._error is None and self._open > enough:
            await self._ring(enough)
        if self._error is not None:
            raise self._error

    async def _stop(self) -> None:
        """Cancel every item and wait for all of them, also when cancelled meanwhile."""
        interruption: asyncio.CancelledError | None = None
        self._cancel()
        while self._open:
            try:
                await self._ring(0)
            except asyncio.CancelledError as error:
                interruption = error
                self._cancel()
        if interruption is not None:
            raise interruption

    async def _ring(self, enough: int) -> None:
        """Wait until an item failed or at most `enough` are open, whichever is told first."""
        self._enough = enough
        self._bell = self._loop.create_future()
        await self._bell

    def _outcome(self, item: asyncio.Future[T]) -> T | BaseException:
        error = _error_of(item)
        return item.result() if error is None else error

    def _cancel(self) -> None:
        for item in self.items:
            item.cancel()


def _error_of(item: asyncio.Future[T]) -> BaseException | None:
    try:
        return item.exception()
    except asyncio.CancelledError as cancelled:
        return cancelled


def _check(calls: tuple[object, ...], max_concurrent: int | None) -> None:
    if max_concurrent is not None and max_concurrent < 1:
        raise InvalidDefinition(f"max_concurrent must be 1 or more, got {max_concurrent}")
    for number, call in enumerate(calls, 1):
        if not inspect.isawaitable(call):
            hint = "; call it, and give what that returns" if callable(call) else ""
            raise InvalidDefinition(f"item {number} of parallel cannot be awaited: {call!r}{hint}", item=number)


def _keeps_errors(return_exceptions: bool, raise_on_error: bool | None) -> bool:
    if raise_on_error is None:
        return return_exceptions
    if raise_on_error and return_exceptions:
        raise InvalidDefinition("raise_on_error=True and return_exceptions=True contradict each other")
    return not raise_on_error


def _close(waiting: Iterable[object]) -> None:
    """End coroutines that never started, so that Python does not warn that nobody awaited them."""
    for call in waiting:
        if isinstance(call, Coroutine):
            call.close()
