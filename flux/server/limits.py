"""Limits: how much of the server one principal may hold at a time, and how long things take."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flux.errors import Busy


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the daemon's configuration may change.

    Attributes:
        heartbeat: seconds of silence after which a stream shows that it is alive.
        queue: frames that wait for one reader before it loses them.
        waits, streams: of one principal at a time.
        slowest_body: seconds in which a client must have sent its body.
    """

    heartbeat: float = 15.0
    queue: int = 1_000
    waits: int = 2_000
    streams: int = 200
    slowest_body: float = 60.0


class Slots:
    """A number of things that each principal may hold at a time."""

    def __init__(self, limit: int, what: str) -> None:
        self._limit = limit
        self._what = what
        self._held: Counter[str] = Counter()

    @contextmanager
    def one(self, principal: str) -> Iterator[None]:
        """Hold one while the block runs.

        Raises:
            Busy: the principal holds as many as it may.
        """
        if self._held[principal] >= self._limit:
            raise Busy(f"{self._limit} {self._what} of one principal are open already: end some first", retry_after=5)
        self._held[principal] += 1
        try:
            yield
        finally:
            self._held[principal] -= 1
            if not self._held[principal]:
                del self._held[principal]
