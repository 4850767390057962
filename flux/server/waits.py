"""Waits: clients that want to know when an execution rests.

One future for each waiting request, resolved by the commit that brings the execution to rest; nothing
polls. A client that leaves takes its future with it, and nothing else. When the daemon stops, every
wait ends without a result, which its client reads as "ask again".
"""

import asyncio
from dataclasses import dataclass

from flux.core.events import Event
from flux.core.execution import RESTING, Execution
from flux.engine.gate import Committed
from flux.server.hub import RESTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Rested:
    """An execution that rests, and the event that brought it there if it was seen."""

    execution: Execution
    event: Event | None = None


class Waits:
    """Who waits for what."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[Rested | None]]] = {}
        self._closed = False

    def __len__(self) -> int:
        return sum(len(futures) for futures in self._waiting.values())

    def expect(self, execution: str) -> asyncio.Future[Rested | None]:
        """A future of the moment in which the execution rests; its result is None when the daemon stops."""
        future: asyncio.Future[Rested | None] = asyncio.get_running_loop().create_future()
        if self._closed:
            future.set_result(None)
            return future
        self._waiting.setdefault(execution, set()).add(future)
        future.add_done_callback(lambda done: self._forget(execution, done))
        return future

    def publish(self, committed: Committed) -> None:
        """Resolve the waits that this commit ends. Called by the gate, after COMMIT."""
        if not self._waiting or self._waiting.keys().isdisjoint(committed.changed):
            return
        events = {identity: event for identity, event in committed.events if event.type in RESTS}
        for identity in [identity for identity in committed.changed if identity in self._waiting]:
            execution = committed.changed[identity]
            if execution.state in RESTING:
                self._resolve(identity, Rested(execution=execution, event=events.get(identity)))

    def close(self) -> None:
        """End every wait without a result, and every later one at once."""
        self._closed = True
        for identity in list(self._waiting):
            self._resolve(identity, None)

    def _resolve(self, identity: str, result: Rested | None) -> None:
        for future in list(self._waiting.get(identity, ())):
            if not future.done():
                future.set_result(result)

    def _forget(self, identity: str, future: asyncio.Future[Rested | None]) -> None:
        group = self._waiting.get(identity)
        if group is not None:
            group.discard(future)
            if not group:
                del self._waiting[identity]
