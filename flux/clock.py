"""The only place that reads a clock.

Instants are int milliseconds since 1970, UTC. Durations inside the product are int milliseconds too;
what people write and read is seconds. `ManualClock` is for tests that decide what time it is.
"""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """What tells the time."""

    def now(self) -> int:
        """Milliseconds since 1970, UTC. May step when somebody sets the machine's clock."""
        ...

    def monotonic(self) -> int:
        """Milliseconds since an unknown instant; never steps. Two of them give a duration."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Milliseconds since 1970, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> int:
        """Milliseconds since the machine started."""
        return time.monotonic_ns() // 1_000_000


class ManualClock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self, start: int = 1_700_000_000_000) -> None:
        self._now = start

    def now(self) -> int:
        """What it was set to."""
        return self._now

    def monotonic(self) -> int:
        """The same number: this clock never steps back."""
        return self._now

    def advance(self, milliseconds: int) -> None:
        """Move on by `milliseconds`, which must not be negative."""
        if milliseconds < 0:
            raise ValueError(f"a clock does not go back: {milliseconds} ms")
        self._now += milliseconds


SYSTEM = SystemClock()


def perf() -> float:
    """Seconds of the finest clock there is, for measuring how long something took."""
    return time.perf_counter()


def pause(seconds: float) -> None:
    """Block this thread. For processes without an event loop (launcher, launcher's clients, CLI)."""
    time.sleep(seconds)


def to_datetime(instant: int) -> datetime:
    """`instant` as an aware datetime in UTC, exact to the millisecond."""
    return datetime.fromtimestamp(instant // 1000, UTC).replace(microsecond=instant % 1000 * 1000)


def to_rfc3339(instant: int) -> str:
    """`instant` as RFC 3339 in UTC with milliseconds: 2026-01-31T12:00:00.000Z."""
    return f"{_second(instant // 1000)}.{instant % 1000:03d}Z"


@lru_cache(maxsize=256)  # what one answer shows lies close together, and the calendar is most of the work
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def from_datetime(moment: datetime) -> int:
    """Milliseconds UTC of an aware datetime.

    Raises:
        ValueError: it has no time zone, so nobody knows which instant it means.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; add one, for example tzinfo=UTC")
    return round(moment.timestamp() * 1000)
