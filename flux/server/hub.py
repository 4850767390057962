"""The hub: what was just committed, handed to everybody who follows.

The gate tells the hub after each COMMIT. The hub makes one frame of each event that somebody wants,
encoded once, and puts it into the queue of each reader that may see it. Queues are bounded: a reader
that is too slow loses its queue and is told so, and neither it nor a thousand like it hold up a commit
or fill the memory. Nothing is sent from here; `streams.py` does that, each at its client's pace.

Invariant: frames of one reader come in the order of their positions, none twice, none missing between
two of them unless `lost` says so.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from flux.clock import Clock
from flux.core.events import Event, EventType
from flux.core.execution import Execution
from flux.core.principal import Caller
from flux.engine.access import Permissions
from flux.engine.gate import Committed
from flux.engine.live import Live
from flux.engine.queries import may_read
from flux.errors import NotFound
from flux.server import views
from flux.wire import documents

RESTS: Final = frozenset(
    {
        EventType.WORKFLOW_PAUSED,
        EventType.WORKFLOW_COMPLETED,
        EventType.WORKFLOW_FAILED,
        EventType.WORKFLOW_CANCELLED,
    }
)
"""Events after which an execution rests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message of a stream: what it is called, where in the log it stands, its JSON.

    `rests`: the execution it is about rests after it.
    """

    event: str
    position: int
    data: bytes
    execution: str
    ref: tuple[str, str]
    rests: bool


class Reader:
    """One follower of one execution, or of all. `lost` says that its queue overflowed and was dropped."""

    def __init__(self, live: Live, caller: Caller, execution: str | None, limit: int) -> None:
        self.execution = execution
        self.lost = False
        self._live = live
        self.caller = caller
        self._limit = limit
        self._queue: deque[Frame] = deque()
        self._news = asyncio.Event()
        self._generation: Permissions | None = None
        self._visible: dict[tuple[str, str], bool] = {}

    def push(self, frames: Iterable[Frame]) -> None:
        """Queue those of `frames` that this reader wants and may see."""
        if self.lost:
            return
        for frame in frames:
            if (self.execution is None or self.execution == frame.execution) and self.may_see(frame.ref):
                self._queue.append(frame)
        if len(self._queue) > self._limit:
            self._queue.clear()
            self.lost = True
        if self._queue or self.lost:
            self._news.set()

    def may_see(self, ref: tuple[str, str]) -> bool:
        """Whether the caller may read executions of this workflow, as permissions are now."""
        if self._generation is not self._live.permissions:
            self._generation = self._live.permissions
            self._visible.clear()
        found = self._visible.get(ref)
        if found is None:
            found = self._visible[ref] = may_read(self._live, self.caller, *ref)
        return found

    def wake(self) -> None:
        """Let `take` return, with nothing if there is nothing."""
        self._news.set()

    def clear(self) -> None:
        """Forget what is queued: the log will be asked for it."""
        self._queue.clear()
        self._news.clear()
        self.lost = False

    async def take(self, seconds: float) -> list[Frame]:
        """Everything that is queued, as soon as there is something; maybe nothing after `seconds`, or when woken."""
        if not self._news.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()
        self._news.clear()
        taken = list(self._queue)
        self._queue.clear()
        return taken


class Hub:
    """All readers. `closing`: no more events will come, everybody should say goodbye."""

    def __init__(self, live: Live, clock: Clock, limit: int) -> None:
        self.closing = False
        self._live = live
        self._clock = clock
        self._limit = limit
        self._of_all: set[Reader] = set()
        self._of_one: dict[str, set[Reader]] = {}

    def __len__(self) -> int:
        return len(self._of_all) + sum(len(group) for group in self._of_one.values())

    @property
    def position(self) -> int:
        """The position up to which readers have been told everything."""
        return self._live.numbers.position

    def join(self, caller: Caller, execution: str | None) -> Reader:
        """A reader who is told everything from now on. It must leave."""
        reader = Reader(self._live, caller, execution, self._limit)
        self._group(execution).add(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """Tell this reader nothing any more."""
        group = self._group(reader.execution)
        group.discard(reader)
        if reader.execution is not None and not group:
            del self._of_one[reader.execution]

    def close(self) -> None:
        """Wake everybody, for good."""
        self.closing = True
        for group in (self._of_all, *self._of_one.values()):
            for reader in group:
                reader.wake()

    def publish(self, committed: Committed) -> None:
        """Hand out what was committed. Called by the gate, after COMMIT."""
        if not self._of_all and self._of_one.keys().isdisjoint(committed.changed):
            return
        told = committed.events
        if not self._of_all:
            told = [(identity, event) for identity, event in told if identity in self._of_one]
        frames = frames_of(told, committed.changed, self._clock.now(), self.named)
        for reader in self._of_all:
            reader.push(frames)
        if self._of_one:
            for identity in committed.changed:
                for reader in self._of_one.get(identity, ()):
                    reader.push(frames)

    def named(self, principal: str) -> str:
        """The subject of the principal with this id; the id itself if nobody has it any more."""
        return name_of(self._live.permissions, principal)

    def _group(self, execution: str | None) -> set[Reader]:
        return self._of_all if execution is None else self._of_one.setdefault(execution, set())


def name_of(permissions: Permissions, principal: str) -> str:
    """The subject of the principal with this id; the id itself if nobody has it any more."""
    try:
        return permissions.principal(principal).subject
    except NotFound:
        return principal


def frames_of(
    told: Iterable[tuple[str, Event]], executions: dict[str, Execution], now: int, named: views.Named
) -> list[Frame]:
    """One frame for each event whose execution is known, in the same order."""
    rows: dict[str, dict[str, object]] = {}
    frames: list[Frame] = []
    for identity, event in told:
        execution = executions.get(identity)
        if execution is None:
            continue
        if event.type.startswith("TASK_"):
            name, data = "task", documents.encode(views.step(identity, event))
        else:
            if identity not in rows:
                rows[identity] = {**views.row(execution, now, named)}
            name = "execution"
            data = documents.encode({**rows[identity], "type": event.type, "sequence": event.sequence})
        frames.append(
            Frame(
                event=name,
                position=event.position,
                data=data,
                execution=identity,
                ref=(execution.namespace, execution.name),
                rests=event.type in RESTS,
            )
        )
    return frames
