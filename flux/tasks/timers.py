"""Time in a workflow: durable sleep, and an instant that is the same on every replay.

Authors give seconds or a timedelta; the runtime gets whole milliseconds, rounded up, so that a sleep
is never shorter than asked for. No clock is read here.
"""

from datetime import datetime, timedelta
from math import ceil
from typing import Final

from flux.runtime import current

LONGEST: Final = 100 * 365 * 86_400  # seconds; beyond it somebody has mixed up his units


async def now() -> datetime:
    """The current instant, aware, in UTC: when the last thing that this workflow learned had happened."""
    return current("now()").now()


async def sleep(duration: float | timedelta) -> None:
    """Wait `duration` (seconds or timedelta), through restarts of everything.

    Raises:
        TypeError: neither a number nor a timedelta.
        ValueError: not in 0..100 years.
    """
    milliseconds = _milliseconds(duration)
    await current("sleep()").sleep(milliseconds)


def _milliseconds(duration: object) -> int:
    """Whole milliseconds, rounded up."""
    if isinstance(duration, timedelta):
        seconds = duration.total_seconds()
    elif isinstance(duration, int | float) and not isinstance(duration, bool):
        seconds = duration
    else:
        raise TypeError(f"sleep takes seconds or a timedelta, got {type(duration).__name__}")
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"sleep must be 0..{LONGEST} s, got {seconds}")
    return ceil(round(seconds * 1000, 3))  # 0.1 + 0.2 s are 300 ms, not 301
