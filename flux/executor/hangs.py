"""Leases and hangs: a heartbeat renews a worker's leases, and tells which body holds its loop.

A body that holds the loop longer than its attempt's timeout and a second, or half a minute without a
timeout, has its worker killed: nothing else of that worker can move either. A worker that says nothing
until its lease ends is lost, and nothing that it says later brings the lease back: its executions may be
another's by then. Instants are monotonic milliseconds.
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
        self._timeouts: dict[str, dict[str, int]] = {}  # execution -> call -> of the body that runs

    def begun(self, report: Report, denied: Collection[int]) -> None:
        """Drop the timeouts of bodies that ended, then keep those of bodies that start: it may be the same call."""
        known = self._timeouts.get(report.execution)
        if known is not None:
            for fact in report.facts:
                known.pop(fact.call, None)
        for index, begin in enumerate(report.begins):
            if begin.timeout and index not in denied:
                self._timeouts.setdefault(report.execution, {})[begin.call] = begin.timeout

    def heard(self, worker: Worker, beat: Heartbeat) -> None:
        """Renew the leases of a worker that gave a sign of life, unless its loop hangs."""
        worker.lease_until = self._clock.monotonic() + self._lease
        worker.peer.send(Renewed(self._lease))
        if beat.execution is None:
            return
        timeout = self._timeouts.get(beat.execution, {}).get(beat.call or "", 0)
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
        for worker in self._workers.everyone():
            self.is_over(worker)

    def is_over(self, worker: Worker) -> bool:
        """Whether the lease of a worker is over; it is then lost."""
        if self._clock.monotonic() <= worker.lease_until:
            return False
        self._lose(worker, Death(cause="lease"))
        return True

    def ended(self, execution: str) -> None:
        """Drop what is known of an execution that left its worker."""
        self._timeouts.pop(execution, None)
