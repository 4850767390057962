"""Leases and hangs: a heartbeat renews a worker's leases, and tells which body holds its loop.

A body that holds the loop longer than its attempt's timeout and a second, or half a minute without a
timeout, has its worker killed: nothing else of that worker can move either. A worker that says nothing
until its lease ends is lost. Instants are monotonic milliseconds.
"""

from collections.abc import Callable, Collection
from typing import Final

from flux.clock import Clock
from flux.engine.grants import Death
from flux.executor.peers import Worker, Workers
from flux.wire.frames import Heartbeat, Renewed, Report

GRACE: Final = 1_000  # the timeout's own cancellation gets this long to work
WITHOUT_TIMEOUT: Final = 30_000

Lose = Callable[[Worker, Death], None]


class Hangs:
    """Watches over the leases and loops of all workers."""

    def __init__(self, workers: Workers, clock: Clock, *, lease: int, lose: Lose) -> None:
        self._workers = workers
        self._clock = clock
        self._lease = lease
        self._lose = lose
        self._timeouts: dict[tuple[str, str], int] = {}

    def begun(self, report: Report, denied: Collection[int]) -> None:
        """Keep the timeouts of bodies that start, drop those of bodies that ended."""
        for index, begin in enumerate(report.begins):
            if begin.timeout and index not in denied:
                self._timeouts[report.execution, begin.call] = begin.timeout
        if self._timeouts:
            for fact in report.facts:
                self._timeouts.pop((report.execution, fact.call), None)

    def heard(self, worker: Worker, beat: Heartbeat) -> None:
        """Renew the leases of a worker that gave a sign of life, unless its loop hangs."""
        worker.lease_until = self._clock.monotonic() + self._lease
        worker.peer.send(Renewed(self._lease))
        if beat.execution is None:
            return
        timeout = self._timeouts.get((beat.execution, beat.call or ""), 0)
        allowed = timeout + GRACE if timeout else WITHOUT_TIMEOUT
        if max(beat.since, beat.age) > allowed:
            self._lose(
                worker,
                Death(
                    cause="timeout" if timeout else "blocked",
                    execution=beat.execution,
                    call=beat.call,
                    attempt=beat.attempt,
                ),
            )

    def expired(self) -> None:
        """Lose every worker whose lease is over."""
        now = self._clock.monotonic()
        for worker in self._workers.everyone():
            if now > worker.lease_until:
                self._lose(worker, Death(cause="lease"))

    def ended(self, execution: str) -> None:
        """Drop what is known of an execution that left its worker."""
        for key in [key for key in self._timeouts if key[0] == execution]:
            del self._timeouts[key]
