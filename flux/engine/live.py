"""What the daemon knows without asking the file: live executions, permissions, the next numbers, totals.

`Live` holds what is committed. A batch of the gate works on an `Overlay` above it, each call of the
batch on an overlay above that; an overlay that fails is dropped, one that succeeds is absorbed below,
and the batch's is published after COMMIT. All records in here are immutable, so an overlay is a small
mapping of what differs.

Live are the executions that have a worker or want one. Parked ones (PAUSED, WAITING and unloaded) and
ended ones are rows only: `Overlay.execution` reads them when somebody asks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flux.core.catalog import Version
from flux.core.events import Event
from flux.core.execution import Execution, State
from flux.engine import access
from flux.engine.access import Permissions
from flux.engine.parked import load
from flux.store import audit, catalog, events, executions
from flux.store.database import Reader, Transaction
from flux.store.executions import Place

_HOLDS_A_SLOT = frozenset({State.RUNNING, State.CANCELLING})


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of a worker to report on an execution: which grant, and what stands in for its token.

    `jti`: of the token, by which it may be revoked. `verified`: the token came back, so its holder knows `handle`.
    """

    worker: str
    fence: int
    token: str
    handle: int
    jti: str
    verified: bool = False


@dataclass(slots=True)
class Numbers:
    """Counters that only the writer moves: the last position of the log, the last key of an execution."""

    position: int
    key: int

    def copy(self) -> "Numbers":
        """An independent copy."""
        return Numbers(self.position, self.key)


class Live:
    """The committed state in memory. Only the gate changes it."""

    def __init__(self, permissions: Permissions, numbers: Numbers, audit_head: bytes, slots: int) -> None:
        self.executions: dict[str, Execution] = {}
        self.leases: dict[str, Lease] = {}
        self.loaded: dict[str, set[str]] = {}
        self.busy: dict[str, int] = {}
        self.queued = 0
        self.totals: dict[Place, int] = {}
        self.permissions = permissions
        self.numbers = numbers
        self.audit_head = audit_head
        self.catalog: Mapping[tuple[str, str], Version] = {}
        self.slots = slots

    @classmethod
    def of(cls, reader: Reader, *, slots: int) -> "Live":
        """What a starting daemon knows: the numbers, the principals, the catalog, and nobody loaded anywhere."""
        numbers = Numbers(events.last_position(reader), executions.last_key(reader))
        live = cls(access.load(reader), numbers, audit.head(reader), slots)
        live.catalog = {(version.namespace, version.name): version for version in catalog.offered(reader)}
        live.totals = executions.totals(reader)
        return live

    def publish(self, batch: "Overlay") -> None:
        """Make a committed batch the truth."""
        self.leases.update(batch.leases)  # first: placing drops those of executions that left
        for execution in batch.changes.values():
            self._place(self.executions.get(execution.id), execution)
        for place, difference in batch.moves.items():
            self.totals[place] = self.totals.get(place, 0) + difference
        self.numbers = batch.numbers
        self.permissions = batch.permissions
        self.audit_head = batch.audit_head
        self.catalog = batch.catalog

    def _place(self, old: Execution | None, new: Execution) -> None:
        if old is not None:
            self._unplace(old)
        if new.worker is None and not new.needs_grant:
            self.executions.pop(new.id, None)
            self.leases.pop(new.id, None)
            return
        self.executions[new.id] = new
        self.queued += new.needs_grant
        if new.worker is not None:
            self.loaded.setdefault(new.worker, set()).add(new.id)
            self.busy[new.worker] = self.busy.get(new.worker, 0) + holds_a_slot(new)

    def _unplace(self, old: Execution) -> None:
        self.queued -= old.needs_grant
        if old.worker is not None:
            self.loaded.get(old.worker, set()).discard(old.id)
            self.busy[old.worker] = self.busy.get(old.worker, 0) - holds_a_slot(old)

    def forget_worker(self, worker: str) -> None:
        """Drop the counters of a worker that is gone and has nothing loaded."""
        self.loaded.pop(worker, None)
        self.busy.pop(worker, None)


def holds_a_slot(execution: Execution) -> bool:
    """Whether it takes one of its worker's slots."""
    return execution.worker is not None and execution.state in _HOLDS_A_SLOT


@dataclass(slots=True)
class Overlay:
    """What differs from the layer below."""

    base: Live
    below: "Overlay | None"
    numbers: Numbers
    permissions: Permissions
    audit_head: bytes
    catalog: Mapping[tuple[str, str], Version]
    changes: dict[str, Execution] = field(default_factory=dict)
    leases: dict[str, Lease] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    appended: list[tuple[str, Event]] = field(default_factory=list)
    effects: list[object] = field(default_factory=list)
    moves: dict[Place, int] = field(default_factory=dict)

    @classmethod
    def above(cls, live: Live) -> "Overlay":
        """An empty overlay for one batch."""
        return cls(live, None, live.numbers.copy(), live.permissions, live.audit_head, live.catalog)

    def nested(self) -> "Overlay":
        """An empty overlay for one call of this batch."""
        return Overlay(self.base, self, self.numbers.copy(), self.permissions, self.audit_head, self.catalog)

    def absorb(self, call: "Overlay") -> None:
        """Keep what a call did."""
        self.changes.update(call.changes)
        self.leases.update(call.leases)
        for worker, difference in call.taken.items():
            self.taken[worker] = self.taken.get(worker, 0) + difference
        self.appended += call.appended
        self.effects += call.effects
        for place, difference in call.moves.items():
            self.moves[place] = self.moves.get(place, 0) + difference
        self.numbers = call.numbers
        self.permissions = call.permissions
        self.audit_head = call.audit_head
        self.catalog = call.catalog

    def execution(self, tx: Transaction, identity: str) -> Execution:
        """The execution as this call sees it; a parked or ended one is read from the file.

        Raises:
            NotFound: there is none.
        """
        return self.known(identity) or load(tx, identity)

    def known(self, identity: str) -> Execution | None:
        """The execution if it is live, without a look into the file."""
        found = self.changes.get(identity)
        if found is None and self.below is not None:
            found = self.below.changes.get(identity)
        return found if found is not None else self.base.executions.get(identity)

    def lease(self, identity: str) -> Lease | None:
        """The newest lease of an execution."""
        found = self.leases.get(identity)
        if found is None and self.below is not None:
            found = self.below.leases.get(identity)
        return found if found is not None else self.base.leases.get(identity)

    def put(self, execution: Execution, appended: Iterable[Event] = ()) -> None:
        """What the execution is from now on, and the events that made it so."""
        self._count(self.known(execution.id), -1)
        self._count(execution, 1)
        self.changes[execution.id] = execution
        self.appended += [(execution.id, event) for event in appended]

    def moved(self, execution: Execution, before: State | None) -> None:
        """An execution is in another state than `before`; None: it is new."""
        namespace, name, moves = execution.namespace, execution.name, self.moves
        moves[execution.state, namespace, name] = moves.get((execution.state, namespace, name), 0) + 1
        if before is not None:
            moves[before, namespace, name] = moves.get((before, namespace, name), 0) - 1

    def write_totals(self, tx: Transaction) -> None:
        """Write what this batch has moved from one state to another: a few rows, however many calls it has."""
        if self.moves:
            executions.add_to_totals(tx, self.moves)

    def loaded(self, worker: str) -> list[Execution]:
        """Everything that is loaded on a worker, as this call sees it, by id."""
        layers = (self, self.below) if self.below is not None else (self,)
        changed = {execution.id for layer in layers for execution in layer.changes.values()}
        there = [self.known(identity) for identity in sorted(changed.union(self.base.loaded.get(worker, ())))]
        return [execution for execution in there if execution is not None and execution.worker == worker]

    def busy(self, worker: str) -> int:
        """Slots of a worker that are taken, as this call sees it."""
        below = 0 if self.below is None else self.below.taken.get(worker, 0)
        return self.base.busy.get(worker, 0) + below + self.taken.get(worker, 0)

    def has_slot(self, worker: str) -> bool:
        """Whether one more execution may run on a worker."""
        return self.busy(worker) < self.base.slots

    def _count(self, execution: Execution | None, difference: int) -> None:
        if execution is not None and execution.worker is not None and holds_a_slot(execution):
            self.taken[execution.worker] = self.taken.get(execution.worker, 0) + difference

    def effect(self, effect: object) -> None:
        """Something that a listener must do once this is committed."""
        self.effects.append(effect)
