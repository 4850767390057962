"""The queue of executions that want a worker, and placing them: the last call of every batch.

Order: priority, then age. An execution that must be alone waits in a list of its own for a worker that
is started for it, so it blocks nobody behind it. What is popped here may come back, since the batch
may fail after it: an entry counts as placed only once the execution is live with a worker.
"""

import heapq
from collections.abc import Iterable
from typing import Final, Protocol

from flux.core.execution import Execution
from flux.engine import grants
from flux.engine.live import Overlay
from flux.engine.tokens import Tokens
from flux.errors import NotFound
from flux.store.database import Transaction

MAX_GRANTS: Final = 256  # in one batch, so that its reports do not wait behind a flood of submissions

_Entry = tuple[int, int, str]


class Places(Protocol):
    """The workers that executions can be granted to."""

    def shared(self) -> list[str]:
        """Names of the workers that take anything."""
        ...

    def own(self, execution: str) -> str | None:
        """The worker that was started for this execution; None: there is none yet, and one is being started."""
        ...


class Queue:
    """Executions that want a worker."""

    def __init__(self, places: Places, tokens: Tokens) -> None:
        self._places = places
        self._tokens = tokens
        self._heap: list[_Entry] = []
        self._known: set[str] = set()
        self._popped: list[_Entry] = []
        self.held = False

    def place(self, tx: Transaction, live: Overlay) -> None:
        """Grant what can be granted: to be run at the end of each batch."""
        self._take_back(live)
        if live.below is not None:
            self._add(execution for execution in live.below.changes.values() if execution.needs_grant)
        if self.held or not self._heap:
            return
        free = {worker: live.base.slots - live.busy(worker) for worker in self._places.shared()}
        granted: list[grants.Granted] = []
        aside: list[_Entry] = []
        while self._heap and len(granted) < MAX_GRANTS:
            entry = heapq.heappop(self._heap)
            execution = _wanting(tx, live, entry[2])
            if execution is None:
                self._known.discard(entry[2])
                continue
            worker = self._places.own(execution.id) if execution.alone else _freest(free)
            if worker is None:
                aside.append(entry)
                if not execution.alone:
                    break
                continue
            if not execution.alone:
                free[worker] -= 1
            self._popped.append(entry)
            granted.append(grants.grant(tx, live, self._tokens, execution.id, worker))
        for entry in aside:
            heapq.heappush(self._heap, entry)
        if granted:
            grants.record_mints(tx, live, granted)

    def __len__(self) -> int:
        return len(self._heap)

    def _add(self, executions: Iterable[Execution]) -> None:
        for execution in executions:
            if execution.id not in self._known:
                self._known.add(execution.id)
                heapq.heappush(self._heap, (-execution.priority, execution.key, execution.id))

    def _take_back(self, live: Overlay) -> None:
        """Queue again what was popped by a batch that was not committed."""
        for entry in self._popped:
            execution = live.base.executions.get(entry[2])
            if execution is not None and execution.needs_grant:
                heapq.heappush(self._heap, entry)
            else:
                self._known.discard(entry[2])
        self._popped.clear()


def _wanting(tx: Transaction, live: Overlay, identity: str) -> Execution | None:
    try:
        execution = live.execution(tx, identity)
    except NotFound:  # its submission was rolled back
        return None
    return execution if execution.needs_grant else None


def _freest(free: dict[str, int]) -> str | None:
    """The worker with the most free slots, or None if none has any."""
    best = max(free, key=free.__getitem__, default=None)
    return best if best is not None and free[best] > 0 else None
