"""Heartbeats: a thread that tells the daemon how long ago the loop last turned.

A process that still answers may be useless, when a body holds its loop. The thread therefore asks
the loop for a sign of life every `CHECK`; one that is overdue by more than `HELD` is told at once, with the
body that holds the loop, and again every `HELD`. Otherwise a heartbeat leaves every `interval`.

Durations are int milliseconds. The thread is a daemon thread: it ends with the process.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Final

from flux.clock import Clock
from flux.wire.frames import Heartbeat

CHECK: Final = 250
HELD: Final = 1_000

Holding = Callable[[], tuple[str, str, int, int] | None]
"""The body that holds the loop: execution, call, attempt, since how many ms (0: not known); None: none does."""


class Pulse:
    """Sends the heartbeats of one worker.

    Args:
        send: sends at once, also while the loop is held. Called by the thread.
        held: called by the thread before it tells that the loop is held.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        send: Callable[[Heartbeat], None],
        holding: Holding,
        clock: Clock,
        interval: int,
        held: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._send = send
        self._holding = holding
        self._clock = clock
        self._interval = interval
        self._held = held
        self._asked = 0  # when the loop was asked for a sign of life that it has not given; 0: it has given all
        self._told = clock.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for it."""
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(CHECK / 1000):
            now = self._clock.monotonic()
            age = now - self._asked if self._asked else 0
            if not self._asked:
                self._asked = now
                self._loop.call_soon_threadsafe(self._answer)
            since = now - self._told
            if age > HELD and since >= HELD:
                self._held()
                self._tell(now, age)
            elif since >= self._interval:
                self._tell(now, age)

    def _answer(self) -> None:
        self._asked = 0

    def _tell(self, now: int, age: int) -> None:
        self._told = now
        body = self._holding() if age > HELD else None
        if body is None:
            self._send(Heartbeat(age))
        else:
            execution, call, attempt, since = body
            self._send(Heartbeat(age, execution, call, attempt, since or age))
