"""The queue of executions that want a worker, and placing them: the last call of every batch.

Order: priority, then age. An execution that must be alone waits in a queue of its own for a worker that
is started for it: neither does it block those behind it, nor do full workers block it. What is taken here
may come back, since the batch may fail after it, or this very call: an entry is done with only once the
execution is known to be placed, or gone.
"""

import heapq
from collections.abc import Callable, Iterable
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
    """Executions that want a worker. While `held`, none is granted."""

    def __init__(self, places: Places, tokens: Tokens) -> None:
        self._places = places
        self._tokens = tokens
        self._shared: list[_Entry] = []
        self._alone: list[_Entry] = []
        self._known: set[str] = set()
        self._taken: list[_Entry] = []
        self.held = False

    def place(self, tx: Transaction, live: Overlay) -> None:
        """Grant what can be granted: to be run at the end of each batch."""
        self._take_back(live)
        if live.below is not None:
            self._add(live.below.changes.values())
        if self.held or not (self._shared or self._alone):
            return
        granted: list[grants.Granted] = []
        self._grant(tx, live, self._alone, granted, self._places.own)
        if self._shared:
            free = {worker: live.base.slots - live.busy(worker) for worker in self._places.shared()}
            self._grant(tx, live, self._shared, granted, lambda execution: _freest(free))
        if granted:
            grants.record_mints(tx, live, granted)

    def _grant(
        self,
        tx: Transaction,
        live: Overlay,
        heap: list[_Entry],
        granted: list[grants.Granted],
        choose: Callable[[str], str | None],
    ) -> None:
        """Grant from `heap` where `choose` finds a worker. The shared ones are alike: if one finds none, none does."""
        while heap and len(granted) < MAX_GRANTS:
            entry = heapq.heappop(heap)
            self._taken.append(entry)
            execution = _wanting(tx, live, entry[2])
            if execution is None:
                continue
            if not live.permissions.enabled(execution.principal):
                grants.deny(tx, live, execution)
                continue
            worker = choose(execution.id)
            if worker is not None:
                granted.append(grants.grant(tx, live, self._tokens, execution.id, worker))
            elif heap is self._shared:
                return

    def _add(self, executions: Iterable[Execution]) -> None:
        for execution in executions:
            if execution.needs_grant and execution.id not in self._known:
                self._known.add(execution.id)
                self._push(execution)

    def _push(self, execution: Execution) -> None:
        heap = self._alone if execution.alone else self._shared
        heapq.heappush(heap, (-execution.priority, execution.key, execution.id))

    def _take_back(self, live: Overlay) -> None:
        """Queue again what was taken and, as the committed state says, still wants a worker."""
        for entry in self._taken:
            execution = live.base.executions.get(entry[2])
            if execution is not None and execution.needs_grant:
                self._push(execution)
            else:
                self._known.discard(entry[2])
        self._taken.clear()


def _wanting(tx: Transaction, live: Overlay, identity: str) -> Execution | None:
    try:
        execution = live.execution(tx, identity)
    except NotFound:  # its submission was rolled back
        return None
    return execution if execution.needs_grant else None


def _freest(free: dict[str, int]) -> str | None:
    """The worker with the most free slots, now with one less; None if none has any."""
    best = max(free, key=free.__getitem__, default=None)
    if best is None or free[best] <= 0:
        return None
    free[best] -= 1
    return best
