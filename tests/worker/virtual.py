"""A real asyncio loop in virtual time: when nothing is ready, the time jumps to the next timer.

So a test with random delays of seconds takes milliseconds and the same course each time.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

START = 1_700_000_000_000  # the instant at which virtual time begins


class _Jumping(selectors.DefaultSelector):
    """A selector that never waits: it moves the time on instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
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


def run(main: Coroutine[Any, Any, T]) -> T:
    """What `main` returns, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def clock() -> VirtualLoop:
    """The clock of the running virtual loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop
