"""The state machine of an execution: one table, and the fold of events over it.

Every rule about what may follow what is in `TRANSITIONS`. Everything else an `Execution` knows is
derived from its events, in `fold`. Pure: the same events give the same state in every process.

`State.QUEUED` and `State.CANCELLING` without a worker wait for a grant. PAUSED and WAITING hold no
slot. COMPLETED, FAILED and CANCELLED are final for everything but `retry`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from operator import attrgetter
from typing import Final

from flux.core.events import BEGINS, ENDS_A_BODY, Event, EventType, is_input
from flux.errors import IllegalTransition


class State(StrEnum):
    """Where an execution stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


FINAL: Final = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})
RESTING: Final = FINAL | {State.PAUSED}
OPEN: Final = frozenset(State) - FINAL
ASLEEP: Final = frozenset({State.WAITING, State.PAUSED})

_T = EventType
_WHILE_LOADED: Final = (
    BEGINS | ENDS_A_BODY | {_T.TASK_FAILED, _T.TASK_DENIED, _T.PAUSE_OPENED, _T.PAUSE_CLOSED, _T.TIMER_FIRED}
)
_ENDS: Final = {
    _T.WORKFLOW_COMPLETED: State.COMPLETED,
    _T.WORKFLOW_FAILED: State.FAILED,
    _T.WORKFLOW_CANCELLED: State.CANCELLED,
}
_WHILE_ASLEEP: Final = {
    _T.PAUSE_CLOSED: None,  # None: the state stays
    _T.TIMER_FIRED: None,
    _T.WORKFLOW_RESUMED: State.QUEUED,
    _T.WORKFLOW_WOKEN: State.QUEUED,
    _T.WORKFLOW_CANCELLING: State.CANCELLING,
    _T.WORKFLOW_FAILED: State.FAILED,
}

TRANSITIONS: Final[Mapping[State | None, Mapping[EventType, State | None]]] = {
    None: {_T.WORKFLOW_QUEUED: State.QUEUED},
    State.QUEUED: {
        _T.WORKFLOW_STARTED: State.RUNNING,
        _T.WORKFLOW_CANCELLING: State.CANCELLING,
        _T.WORKFLOW_CANCELLED: State.CANCELLED,  # nothing of it ever ran
        _T.WORKFLOW_FAILED: State.FAILED,
        _T.PAUSE_CLOSED: None,
        _T.TIMER_FIRED: None,
    },
    State.RUNNING: {
        **dict.fromkeys(_WHILE_LOADED, None),
        _T.WORKFLOW_PAUSED: State.PAUSED,
        _T.WORKFLOW_WAITING: State.WAITING,
        _T.WORKFLOW_RECOVERED: State.QUEUED,  # the worker is lost, the history is not
        _T.WORKFLOW_CANCELLING: State.CANCELLING,
        **_ENDS,
    },
    State.WAITING: {**_WHILE_ASLEEP},
    State.PAUSED: {**_WHILE_ASLEEP},
    State.CANCELLING: {
        **dict.fromkeys(_WHILE_LOADED, None),
        _T.WORKFLOW_STARTED: None,
        _T.WORKFLOW_RECOVERED: None,
        _T.WORKFLOW_FAILED: State.FAILED,
        _T.WORKFLOW_CANCELLED: State.CANCELLED,
    },
    State.COMPLETED: {},
    State.FAILED: {},
    State.CANCELLED: {},
}

_WAKES: Final = frozenset({_T.WORKFLOW_RESUMED, _T.WORKFLOW_WOKEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Something that an execution waits for and only the daemon can end.

    Attributes:
        kind: "pause" or "timer".
        due: for a timer, the instant at which it fires; 0 for a pause.
        parent: the call in whose body it was opened, or None.
        name: what a person calls a pause.
        output: what a pause shows, in the codec's bytes.
    """

    kind: str
    due: int = 0
    opened: int = 0
    parent: str | None = None
    name: str | None = None
    output: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One durable run of a workflow, as its log says it stands.

    Attributes:
        key: its row number in the file, 0 before it is stored.
        version: the source digest it is pinned to.
        fence: the fencing token of the newest grant, 0 before the first.
        worker: the worker on which it is loaded, or None.
        reports: number of the last report accepted under this fence.
        input_sequence: sequence of the newest input the daemon has for it.
        bodies: call id -> attempt of every body that was allowed to start and has not ended.
        waits: id -> Wait, everything it waits for. Pauses follow from the log, timers are told beside it.
        deaths: workers that died alone with it, with no fact recorded between.
        alone: the next grant must give it a worker of its own.
        narrowing: what the API key that started it was good for; None: all that its principal may do.
    """

    id: str
    namespace: str
    name: str
    version: str
    principal: str
    key: int = 0
    state: State = State.QUEUED
    sequence: int = 0
    fence: int = 0
    worker: str | None = None
    reports: int = 0
    input_sequence: int = 0
    bodies: Mapping[str, int]
    waits: Mapping[str, Wait]
    deaths: int = 0
    alone: bool = False
    priority: int = 0
    created: int = 0
    updated: int = 0
    started: int = 0
    finished: int = 0
    reason: str | None = None
    narrowing: tuple[str, ...] | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing but `retry` can follow."""
        return self.state in FINAL

    @property
    def needs_grant(self) -> bool:
        """Whether it wants a worker and has none."""
        return self.worker is None and self.state in (State.QUEUED, State.CANCELLING)

    def changed(self, **changes: object) -> "Execution":
        """A copy with other values. `dataclasses.replace` takes three times as long, on every task's way."""
        copy = object.__new__(Execution)
        for name, put, value in zip(_FIELDS, _SETTERS, _values(self), strict=True):
            put(copy, changes.get(name, value))
        return copy


_FIELDS: Final = tuple(field.name for field in fields(Execution))
_SETTERS: Final = tuple(getattr(Execution, name).__set__ for name in _FIELDS)
_values: Final = attrgetter(*_FIELDS)


_Changes = dict[str, object]
_Bodies = dict[str, int]
_Waits = dict[str, Wait]


def next_state(execution: str, current: State | None, event: EventType) -> State:
    """The state after an event of this type; `current` None: before the first.

    Raises:
        IllegalTransition: the table has no such row.
    """
    try:
        state = TRANSITIONS[current][event]
    except KeyError:
        raise IllegalTransition(
            f"{event} cannot happen to a {current or 'new'} execution",
            execution=execution,
            state=current,
        ) from None
    if state is not None:
        return state
    if current is None:
        raise IllegalTransition(f"{event} cannot be the first event of an execution", execution=execution)
    return current


def fold(execution: Execution, events: Iterable[Event], **beside: object) -> Execution:
    """The execution after all `events`, oldest first. `beside`: fields that no event tells.

    Timers are not events while they are open: whoever knows of them keeps them in `waits` beside this.
    """
    state: State | None = execution.state if execution.sequence else None
    changes: _Changes = {"started": execution.started}
    bodies, waits = dict(execution.bodies), dict(execution.waits)
    for event in events:
        kind = event.type
        state = next_state(execution.id, state, kind)
        if kind in _WAKES and event.worker is not None:
            state = State.RUNNING  # still loaded, and a slot is free
        changes["sequence"] = event.sequence
        if kind in BEGINS and event.call is not None:
            bodies[event.call] = event.attempt
        elif kind in ENDS_A_BODY and event.call is not None:
            bodies.pop(event.call, None)
            changes["deaths"] = 0  # a newly recorded fact: whatever killed its workers is behind it
            changes["alone"] = False
        elif kind in _FOLDS:
            changes.update(_FOLDS[kind](changes, event, bodies, waits))
        if is_input(event):
            changes["input_sequence"] = event.sequence
        changes["updated"] = event.instant
    return execution.changed(**{"state": state, "bodies": bodies, "waits": waits, **changes, **beside})


def _queued(so_far: _Changes, event: Event, bodies: _Bodies, waits: _Waits) -> _Changes:
    return {"created": event.instant}


def _started(so_far: _Changes, event: Event, bodies: _Bodies, waits: _Waits) -> _Changes:
    bodies.clear()
    started = so_far["started"] or event.instant  # only the first grant starts it
    return {"started": started, "fence": event.attempt, "worker": event.worker, "reports": 0}


def _woken(so_far: _Changes, event: Event, bodies: _Bodies, waits: _Waits) -> _Changes:
    if event.worker is None:
        bodies.clear()  # those that were parked are gone with the worker they were parked on
    return {"worker": event.worker}


def _recovered(so_far: _Changes, event: Event, bodies: _Bodies, waits: _Waits) -> _Changes:
    """`attempt` of the event: the deaths to count from now on; `seen` 1: the next grant is for it alone."""
    bodies.clear()
    return {"worker": None, "deaths": event.attempt, "alone": bool(event.seen)}


def _ended(so_far: _Changes, event: Event, bodies: _Bodies, waits: _Waits) -> _Changes:
    bodies.clear()
    waits.clear()
    return {"worker": None, "finished": event.instant, "reason": event.name}


def _opened(so_far: _Changes, event: Event, bodies: _Bodies, waits: _Waits) -> _Changes:
    if event.call is not None:
        waits[event.call] = Wait(
            kind="pause", opened=event.instant, parent=event.parent, name=event.name, output=event.payload
        )
    return {}


def _closed(so_far: _Changes, event: Event, bodies: _Bodies, waits: _Waits) -> _Changes:
    waits.pop(event.call or "", None)
    return {}


def _denied(so_far: _Changes, event: Event, bodies: _Bodies, waits: _Waits) -> _Changes:
    bodies.pop(event.call or "", None)
    return {}


_FOLDS: Final[Mapping[EventType, Callable[[_Changes, Event, _Bodies, _Waits], _Changes]]] = {
    _T.WORKFLOW_QUEUED: _queued,
    _T.WORKFLOW_STARTED: _started,
    _T.WORKFLOW_RESUMED: _woken,
    _T.WORKFLOW_WOKEN: _woken,
    _T.WORKFLOW_RECOVERED: _recovered,
    _T.WORKFLOW_COMPLETED: _ended,
    _T.WORKFLOW_FAILED: _ended,
    _T.WORKFLOW_CANCELLED: _ended,
    _T.TASK_DENIED: _denied,
    _T.PAUSE_OPENED: _opened,
    _T.PAUSE_CLOSED: _closed,
    _T.TIMER_FIRED: _closed,
}
