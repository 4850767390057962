"""A real asyncio loop in virtual time: when nothing is ready, the time jumps to the next timer.

So a test with random delays of seconds takes milliseconds and the same course each time. While a thread
of the loop's executor works, time stands still and is waited for.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

START = 1_700_000_000_000  # the instant at which virtual time begins
_PATIENCE = 5.0  # real seconds for a thread


class _Jumping(selectors.DefaultSelector):
    """A selector that never waits: it moves the time on instead."""

    now = 0.0
    threads = 0

    def select(self, timeout: float | None = None) -> Any:
        if timeout == 0:
            return super().select(0)
        ready = super().select(_PATIENCE if self.threads else 0)
        if ready or self.threads:
            return ready
        if timeout is None:
            raise RuntimeError("nothing will ever happen here any more: everything waits for something else")
        self.now += max(timeout, 0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop; also a `Clock` for what runs in it."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def now(self) -> int:
        """Milliseconds since 1970."""
        return START + self.monotonic()

    def monotonic(self) -> int:
        """Milliseconds since the loop was made."""
        return int(self._jumping.now * 1000)

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> Any:  # type: ignore[override]
        future = super().run_in_executor(executor, func, *args)
        self._jumping.threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _: object) -> None:
        self._jumping.threads -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        self._jumping.threads += 1
        await super().shutdown_default_executor()
        self._jumping.threads -= 1


def run(main: Coroutine[Any, Any, T]) -> T:
    """What `main` returns, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def clock() -> VirtualLoop:
    """The clock of the running virtual loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop
