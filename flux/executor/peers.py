"""The workers as the executor sees them: who is there, what each holds, until when.

A peer is whatever speaks the protocol at the other end of a pipe: a local worker process, the worker
inside this process, later a remote one. Instants here are monotonic milliseconds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from flux.wire.frames import Frame


class Peer(Protocol):
    """One worker's end of the pipe."""

    @property
    def id(self) -> str:
        """Its name in the log, unique for the life of the file."""
        ...

    @property
    def pid(self) -> int:
        """Its process."""
        ...

    def send(self, frame: Frame) -> None:
        """Send a frame soon; those of one loop turn leave together."""
        ...


@dataclass(slots=True)
class Worker:
    """A peer and what the executor knows of it.

    Attributes:
        lease_until: its leases hold until then; a heartbeat moves it on.
        sources: digests that were sent to it.
        dedicated: the one execution it was started for, or None.
        leaving: it gets nothing new.
        lost: nothing that it says counts any more.
    """

    peer: Peer
    lease_until: int
    sources: set[str] = field(default_factory=set)
    dedicated: str | None = None
    leaving: bool = False
    lost: bool = False

    @property
    def id(self) -> str:
        """The name of the worker."""
        return self.peer.id


class Workers:
    """All workers, by name."""

    def __init__(self, start_for: Callable[[str], None]) -> None:
        self._workers: dict[str, Worker] = {}
        self._start_for = start_for

    def add(self, worker: Worker) -> None:
        """A worker that may be given work from now on."""
        self._workers[worker.id] = worker

    def remove(self, name: str) -> Worker | None:
        """Forget a worker; it was this one, or None if it was not known."""
        return self._workers.pop(name, None)

    def get(self, name: str) -> Worker | None:
        """The worker of this name, unless it is lost."""
        worker = self._workers.get(name)
        return None if worker is None or worker.lost else worker

    def everyone(self) -> list[Worker]:
        """All workers that are not lost."""
        return [worker for worker in self._workers.values() if not worker.lost]

    def shared(self) -> list[str]:
        """Names of the workers that take anything."""
        return [worker.id for worker in self.everyone() if worker.dedicated is None and not worker.leaving]

    def own(self, execution: str) -> str | None:
        """The worker that was started for this execution; None: there is none yet, and one is being started."""
        for worker in self.everyone():
            if worker.dedicated == execution and not worker.leaving:
                return worker.id
        self._start_for(execution)
        return None
