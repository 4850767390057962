"""One execution on this worker, as the parts of its session see it, and the worker as a session sees it."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from flux.clock import Clock
from flux.context import ExecutionContext
from flux.runtime import TaskSpec
from flux.wire.frames import FromWorker, Grant
from flux.worker.calls import Call
from flux.worker.calls import Session as CallPlace
from flux.worker.frames import BodyFrame
from flux.worker.job import Processes
from flux.worker.journal import Journal
from flux.worker.loop import PrivateLoop
from flux.worker.outcomes import Result
from flux.worker.output import Origin
from flux.worker.waits import Waits


class Reporting(Protocol):
    """What has something to report."""

    def flush(self) -> None:
        """Report it."""
        ...

    def guarded(self, work: Callable[[], object], /) -> None:
        """Call `work`; an error that nobody foresaw in it harms nobody else."""
        ...


class Worker(Protocol):
    """What a session needs of its process. `turning`: whose private loop makes a turn right now."""

    clock: Clock
    processes: Processes
    real_loop: asyncio.AbstractEventLoop
    turning: Origin | None

    def send(self, frame: FromWorker) -> None:
        """Send a frame to the daemon."""
        ...

    def changed(self, session: Reporting) -> None:
        """Have `session.flush` called at the end of this turn of the real loop."""
        ...

    def place(self, spec: TaskSpec, /) -> str:
        """Where bodies of a task run: "loop", "process" or "thread"."""
        ...

    def jitter(self) -> float:
        """A random number in [0, 1)."""
        ...


class Place(CallPlace, Protocol):
    """One execution on this worker.

    Attributes:
        seen: the sequence of the last input delivered.
        calls: those that are open, by id.
    """

    worker: Worker
    grant: Grant
    execution: str
    context: ExecutionContext[object]
    loop: PrivateLoop
    journal: Journal
    waits: Waits
    calls: dict[str, Call]
    seen: int

    def stamp(self) -> int:
        """The instant now."""
        ...

    def body_ended(self, call: Call, frame: BodyFrame, result: Result) -> None:
        """A body of the call has ended."""
        ...

    def abandon_bodies(self) -> None:
        """End every body; what they say is dropped."""
        ...

    def warn(self, text: str, call: str | None = None) -> None:
        """Write a warning to the execution's log."""
        ...
