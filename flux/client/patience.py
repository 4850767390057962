"""Patience: how much longer a client waits, and when it tries again."""

from flux.client.calls import LONGEST_WAIT
from flux.clock import SYSTEM, Clock

FIRST_DELAY = 0.1  # seconds; a daemon that was restarted is back soon
LONGEST_DELAY = 5.0


class Deadline:
    """A number of seconds from now, cut into requests that no proxy finds too long. None: no end."""

    def __init__(self, seconds: float | None, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._end = None if seconds is None else clock.monotonic() + round(seconds * 1000)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self._end is not None and self._clock.monotonic() >= self._end

    def slice(self) -> float:
        """Seconds that the next request may wait."""
        if self._end is None:
            return LONGEST_WAIT
        return min(max(self._end - self._clock.monotonic(), 0) / 1000, LONGEST_WAIT)


class Backoff:
    """Delays between attempts: longer each time, short again after progress."""

    def __init__(self) -> None:
        self._next = FIRST_DELAY

    def progress(self) -> None:
        """Something arrived."""
        self._next = FIRST_DELAY

    def delay(self) -> float:
        """Seconds to wait before the next attempt."""
        delay = self._next
        self._next = min(delay * 2, LONGEST_DELAY)
        return delay
