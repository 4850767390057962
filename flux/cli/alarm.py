"""A limit on how long a command waits, also for a network that is silent.

It rings by a signal (SIGALRM), so it works on the main thread only. One that was set before rings later, by
as long as this one lasted.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class RanOut(Exception):
    """The time is over."""


@contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """Interrupt what is inside with `RanOut` after so many seconds; never, without a number."""
    if seconds is None:
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left)
        signal.signal(signal.SIGALRM, before)


def _ring(_number: int, _frame: FrameType | None) -> NoReturn:
    raise RanOut
