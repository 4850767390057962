"""Timers of executions in one heap: what is due next, without polling.

The heap may hold entries of timers that were closed; they are dropped when they come up, or all at once
when they outnumber the open ones. Instants are milliseconds UTC of the daemon's clock: a timer that
came due while nobody was there is due at once.
"""

import asyncio
import heapq
from collections.abc import Callable
from typing import Final

from flux.clock import Clock

MAX_SLEEP: Final = 60_000  # look at the clock again at least that often: somebody may set it
_SLACK: Final = 1_000

_Key = tuple[str, str]


class Alarm:
    """Calls `ring` with the timers that are due."""

    def __init__(self, clock: Clock, ring: Callable[[list[_Key]], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._heap: list[tuple[int, _Key]] = []
        self._due: dict[_Key, int] = {}
        self._handle: asyncio.TimerHandle | None = None
        self._at = 0

    def set(self, execution: str, call: str, due: int) -> None:
        """Ring for this timer at `due`."""
        key = (execution, call)
        self._due[key] = due
        heapq.heappush(self._heap, (due, key))
        if self._handle is None or due < self._at:
            self._arm()

    def clear(self, execution: str, call: str) -> None:
        """Do not ring for this timer any more."""
        self._due.pop((execution, call), None)
        if len(self._heap) > 2 * len(self._due) + _SLACK:
            self._heap = [(due, key) for key, due in self._due.items()]
            heapq.heapify(self._heap)

    def stop(self) -> None:
        """Never ring again."""
        if self._handle is not None:
            self._handle.cancel()
        self._heap.clear()
        self._due.clear()

    def __len__(self) -> int:
        return len(self._due)

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if not self._heap:
            return
        self._at = self._heap[0][0]
        wait = min(max(0, self._at - self._clock.now()), MAX_SLEEP)
        self._handle = asyncio.get_running_loop().call_later(wait / 1000, self._wake)

    def _wake(self) -> None:
        self._handle = None
        now = self._clock.now()
        due: list[_Key] = []
        while self._heap and self._heap[0][0] <= now:
            instant, key = heapq.heappop(self._heap)
            if self._due.get(key) == instant:
                del self._due[key]
                due.append(key)
        if due:
            self._ring(due)
        self._arm()
