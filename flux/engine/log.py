"""Appending to the log of one execution: number, fold, write, and make it live.

The only way in which anything happens to an execution. `Log` collects the events of one use case;
`write` folds them, so that an event the state machine does not allow raises before anything is written.
"""

from flux.core.events import Event, EventType
from flux.core.execution import Execution, fold
from flux.engine.live import Overlay
from flux.store import events, executions
from flux.store.database import Transaction


class Log:
    """The events of one use case for one execution."""

    def __init__(self, tx: Transaction, live: Overlay, execution: Execution) -> None:
        self._tx = tx
        self._live = live
        self.execution = execution
        self.events: list[Event] = []
        self._sequence = execution.sequence

    def add(
        self,
        kind: EventType,
        *,
        instant: int | None = None,
        call: str | None = None,
        parent: str | None = None,
        name: str | None = None,
        attempt: int = 0,
        seen: int = 0,
        digest: bytes | None = None,
        actor: str | None = None,
        worker: str | None = None,
        detail: str | None = None,
        payload: bytes | None = None,
    ) -> int:
        """Note an event; its sequence. `instant`: when it happened, if not now."""
        self._sequence += 1
        numbers = self._live.numbers
        numbers.position += 1
        event = Event(
            type=kind,
            instant=self._tx.now if instant is None else instant,
            sequence=self._sequence,
            position=numbers.position,
            call=call,
            parent=parent,
            name=name,
            attempt=attempt,
            seen=seen,
            digest=digest,
            actor=actor,
            worker=worker,
            detail=detail,
            payload=payload,
        )
        self.events.append(event)
        return self._sequence

    def create(self, labels: str | None) -> Execution:
        """Fold and write the first events of a new execution; the execution after them."""
        after = fold(self.execution, self.events)
        executions.insert(self._tx, after, labels)
        events.append(self._tx, after.key, self.events)
        self._live.put(after, self.events)
        self._live.moved(after, None)
        self.execution = after
        self.events = []
        return after

    def write(self, **changes: object) -> Execution:
        """Fold and write what was noted; the execution after it. `changes`: what no event tells (reports, waits).

        Raises:
            IllegalTransition: the state machine does not allow one of the events; nothing is written.
        """
        before = self.execution
        after = fold(before, self.events, **changes)
        if self.events:
            events.append(self._tx, after.key, self.events)
        if _row_differs(before, after):
            executions.update(self._tx, after)
        self._live.put(after, self.events)
        if before.state is not after.state:
            self._live.moved(after, before.state)
        self.execution = after
        self.events = []
        return after


def _row_differs(before: Execution, after: Execution) -> bool:
    """Whether the row must be written: it holds the state and what a starting daemon needs, not every sequence."""
    return (
        before.state is not after.state
        or before.fence != after.fence
        or before.worker != after.worker
        or before.deaths != after.deaths
        or before.alone != after.alone
    )
