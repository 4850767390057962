"""Events: the immutable facts an execution's log is made of.

One event is one row. `sequence` counts within one execution from 1 without gaps, `position` counts in
the whole log; they are never mixed. Numbers in `NUMBERS` stand in database files: a number is never
reused and never changes its meaning.

Three groups matter to replay:
  facts   what a worker reported, in the order in which its workflow received them; `seen` is the
          sequence of the last input delivered before
  inputs  what the daemon sent to the workflow, delivered in the order of their sequence
  begins  what a worker wanted to start and was allowed to
The rest are changes of state, written by the daemon.

Instants are int milliseconds UTC. Payloads are bytes of the codec; nothing here looks into them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class EventType(StrEnum):
    """What happened, in the past tense."""

    WORKFLOW_QUEUED = "WORKFLOW_QUEUED"
    WORKFLOW_STARTED = "WORKFLOW_STARTED"
    WORKFLOW_PAUSED = "WORKFLOW_PAUSED"
    WORKFLOW_RESUMED = "WORKFLOW_RESUMED"
    WORKFLOW_WAITING = "WORKFLOW_WAITING"
    WORKFLOW_WOKEN = "WORKFLOW_WOKEN"
    WORKFLOW_RECOVERED = "WORKFLOW_RECOVERED"
    WORKFLOW_CANCELLING = "WORKFLOW_CANCELLING"
    WORKFLOW_CANCELLED = "WORKFLOW_CANCELLED"
    WORKFLOW_COMPLETED = "WORKFLOW_COMPLETED"
    WORKFLOW_FAILED = "WORKFLOW_FAILED"
    TASK_STARTED = "TASK_STARTED"
    TASK_COMPLETED = "TASK_COMPLETED"
    TASK_FAILED = "TASK_FAILED"
    TASK_CANCELLED = "TASK_CANCELLED"
    TASK_DENIED = "TASK_DENIED"
    TASK_ATTEMPT_FAILED = "TASK_ATTEMPT_FAILED"
    TASK_FALLBACK_STARTED = "TASK_FALLBACK_STARTED"
    TASK_FALLBACK_COMPLETED = "TASK_FALLBACK_COMPLETED"
    TASK_FALLBACK_FAILED = "TASK_FALLBACK_FAILED"
    TASK_ROLLBACK_STARTED = "TASK_ROLLBACK_STARTED"
    TASK_ROLLBACK_COMPLETED = "TASK_ROLLBACK_COMPLETED"
    TASK_ROLLBACK_FAILED = "TASK_ROLLBACK_FAILED"
    PAUSE_OPENED = "PAUSE_OPENED"
    PAUSE_CLOSED = "PAUSE_CLOSED"
    TIMER_FIRED = "TIMER_FIRED"


NUMBERS: Final[Mapping[EventType, int]] = {
    EventType.WORKFLOW_QUEUED: 1,
    EventType.WORKFLOW_STARTED: 2,
    EventType.WORKFLOW_PAUSED: 3,
    EventType.WORKFLOW_RESUMED: 4,
    EventType.WORKFLOW_WAITING: 5,
    EventType.WORKFLOW_WOKEN: 6,
    EventType.WORKFLOW_RECOVERED: 7,
    EventType.WORKFLOW_CANCELLING: 9,
    EventType.WORKFLOW_CANCELLED: 10,
    EventType.WORKFLOW_COMPLETED: 11,
    EventType.WORKFLOW_FAILED: 12,
    EventType.TASK_STARTED: 20,
    EventType.TASK_COMPLETED: 21,
    EventType.TASK_FAILED: 22,
    EventType.TASK_CANCELLED: 23,
    EventType.TASK_DENIED: 24,
    EventType.TASK_ATTEMPT_FAILED: 25,
    EventType.TASK_FALLBACK_STARTED: 26,
    EventType.TASK_FALLBACK_COMPLETED: 27,
    EventType.TASK_FALLBACK_FAILED: 28,
    EventType.TASK_ROLLBACK_STARTED: 29,
    EventType.TASK_ROLLBACK_COMPLETED: 30,
    EventType.TASK_ROLLBACK_FAILED: 31,
    EventType.PAUSE_OPENED: 40,
    EventType.PAUSE_CLOSED: 41,
    EventType.TIMER_FIRED: 42,
}
BY_NUMBER: Final[Mapping[int, EventType]] = {number: kind for kind, number in NUMBERS.items()}

BEGINS: Final = frozenset(
    {EventType.TASK_STARTED, EventType.TASK_FALLBACK_STARTED, EventType.TASK_ROLLBACK_STARTED},
)
FACTS: Final = frozenset(
    {
        EventType.TASK_COMPLETED,
        EventType.TASK_FAILED,
        EventType.TASK_CANCELLED,
        EventType.TASK_ATTEMPT_FAILED,
        EventType.TASK_FALLBACK_COMPLETED,
        EventType.TASK_FALLBACK_FAILED,
        EventType.TASK_ROLLBACK_COMPLETED,
        EventType.TASK_ROLLBACK_FAILED,
    },
)
INPUTS: Final = frozenset(
    {EventType.PAUSE_CLOSED, EventType.TIMER_FIRED, EventType.WORKFLOW_CANCELLING, EventType.TASK_DENIED},
)
ENDS_A_BODY: Final = FACTS - {EventType.TASK_FAILED}
"""Facts after which the body they name no longer runs. TASK_FAILED follows the fact that ended the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One immutable fact about one execution.

    Attributes:
        call: the call, timer or pause it is about.
        parent: the call in whose body this call was made; None for the workflow's own.
        attempt: of the task, or of the execution (its fencing token) for WORKFLOW_STARTED.
        seen: for facts, the sequence of the last input delivered before.
        digest: of the arguments, for begins.
        actor: the principal who did it; None: the execution's own.
        worker: where it happened. For events that wake an execution: where it is loaded, or None.
        detail: small JSON with what the columns do not hold (delay, reason, signal).
        payload: arguments, result, error, input or output, in the codec's bytes; None: there is none.
    """

    type: EventType
    instant: int
    sequence: int = 0
    position: int = 0
    call: str | None = None
    parent: str | None = None
    name: str | None = None
    attempt: int = 0
    seen: int = 0
    digest: bytes | None = None
    actor: str | None = None
    worker: str | None = None
    detail: str | None = None
    payload: bytes | None = None


ABANDONED: Final = '{"abandoned":true}'
"""`detail` of a PAUSE_CLOSED that the workflow made by itself (it gave the pause up): no input, nothing to deliver."""


def is_input(event: Event) -> bool:
    """Whether the daemon sends this event to the workflow."""
    return event.type in INPUTS and event.detail != ABANDONED
