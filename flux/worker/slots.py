"""Slots: which task process works for whom, and who waits for one.

There are at most `limit` task processes over all workers. A process belongs to the worker that it was
forked for and dies with it; it serves one request at a time and stays warm in between. Requests are
served first in, first out. The first that waits takes an idle process of its own worker, else a new one,
else the place of an idle process of another worker, which is ended for it.

Pure bookkeeping: `decide` says what the launcher does next, the launcher does it and tells how it went.
"""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """A worker's wish for a task process."""

    worker: int
    number: int
    digest: str


@dataclass(slots=True)
class _Process:
    worker: int
    digest: str
    is_busy: bool = True
    is_doomed: bool = False


@dataclass(frozen=True, slots=True)
class Give:
    """Process `pid` serves `request` now."""

    request: Request
    pid: int


@dataclass(frozen=True, slots=True)
class Fork:
    """`request` needs a new process."""

    request: Request


@dataclass(frozen=True, slots=True)
class Evict:
    """End `pid`; its place is needed."""

    pid: int


class Slots:
    """All task processes of one launcher."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._processes: dict[int, _Process] = {}  # the one that became idle last stands last
        self._waiting: deque[Request] = deque()

    def want(self, request: Request) -> None:
        """`request` waits from now on."""
        self._waiting.append(request)

    def want_first(self, request: Request) -> None:
        """`request` waits again, before all others: its process could not be made."""
        self._waiting.appendleft(request)

    def drop(self, worker: int, number: int) -> None:
        """Forget a request, if it still waits."""
        self._waiting = deque(r for r in self._waiting if (r.worker, r.number) != (worker, number))

    def decide(self) -> Give | Fork | Evict | None:
        """What to do next for the first that waits; None: nothing, until something is told."""
        if not self._waiting:
            return None
        request = self._waiting[0]
        own = [pid for pid, process in self._idle() if process.worker == request.worker]
        if own:
            return self._give(request, own)
        if len(self._processes) < self._limit:
            self._waiting.popleft()
            return Fork(request)
        if any(process.is_doomed for process in self._processes.values()):
            return None  # its place will do
        for pid, process in self._idle():
            process.is_doomed = True
            return Evict(pid)
        return None

    def forked(self, pid: int, request: Request) -> None:
        """Process `pid` was made for `request` and serves it."""
        self._processes[pid] = _Process(request.worker, request.digest)

    def free(self, pid: int, worker: int) -> None:
        """Process `pid` has nothing to do. Ignored if `worker` does not own it."""
        process = self._processes.get(pid)
        if process is not None and process.worker == worker:
            process.is_busy = False
            self._processes[pid] = self._processes.pop(pid)

    def ended(self, pid: int) -> int | None:
        """Forget a dead process; the worker that it belonged to."""
        process = self._processes.pop(pid, None)
        return None if process is None else process.worker

    def owner(self, pid: int) -> int | None:
        """The worker that process `pid` belongs to."""
        process = self._processes.get(pid)
        return None if process is None else process.worker

    def leave(self, worker: int) -> list[int]:
        """Forget the requests of a dead worker; its processes, which must be ended."""
        self._waiting = deque(r for r in self._waiting if r.worker != worker)
        return [pid for pid, process in self._processes.items() if process.worker == worker]

    def _idle(self) -> list[tuple[int, _Process]]:
        return [(pid, p) for pid, p in self._processes.items() if not (p.is_busy or p.is_doomed)]

    def _give(self, request: Request, own: list[int]) -> Give:
        knows = [pid for pid in own if self._processes[pid].digest == request.digest]
        pid = (knows or own)[-1]
        process = self._processes[pid]
        process.is_busy, process.digest = True, request.digest
        self._waiting.popleft()
        return Give(request, pid)
