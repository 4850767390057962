"""The timeline of one execution: its events folded into calls.

A call is what one call id did: spans (attempts, fallback, rollback, waiting) in the order of their
start. `fold` is incremental: it takes what is known and the events that came since. Pure; instants are
int milliseconds.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from .records import Fact, Json, text

_FRAME: Final = re.compile(r"^(.*)@\d+(?:/.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Something that lasted. `end` None: it goes on.

    `kind` is "queued", "running", "waiting", "retrying", "fallback" or "rollback"; `outcome` is
    "completed", "failed", "cancelled", "lost" (its process died), "parked" (it waits) or empty.
    """

    start: int
    end: int | None = None
    kind: str = "running"
    outcome: str = ""
    attempt: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What one call id did so far. `state` is written as an execution's."""

    id: str
    name: str
    parent: str = ""
    kind: str = "task"
    state: str = "RUNNING"
    spans: tuple[Span, ...] = ()
    attempts: int = 0
    error: str = ""

    @property
    def start(self) -> int:
        """When it first did something."""
        return self.spans[0].start if self.spans else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """An execution's calls in the order of their first event, and the execution itself as `root`."""

    root: Call
    calls: Mapping[str, Call] = field(default_factory=dict)
    sequence: int = 0


def empty(workflow: str) -> Timeline:
    """The timeline of an execution of which no event is known."""
    return Timeline(root=Call(id="", name=workflow, kind="execution", state="QUEUED"))


def fold(timeline: Timeline, facts: Iterable[Fact]) -> Timeline:
    """The timeline after `facts`, in the order of their sequence; those already known are skipped."""
    root, calls, sequence = timeline.root, dict(timeline.calls), timeline.sequence
    for fact in facts:
        if fact.sequence <= sequence:
            continue
        sequence = fact.sequence
        if fact.type.startswith("WORKFLOW_"):
            root = _workflow(root, fact)
            if fact.type in _LOSES:
                calls = {key: _stopped(call, fact) for key, call in calls.items()}
        elif fact.call and fact.type != "TIMER_FIRED":
            known = calls.get(fact.call) or _first(fact)
            calls[fact.call] = _task(known, fact)
    return Timeline(root=root, calls=calls, sequence=sequence)


_LOSES: Final = {"WORKFLOW_RECOVERED": "lost", "WORKFLOW_PAUSED": "parked", "WORKFLOW_WAITING": "parked"}
_ROOT: Final[Mapping[str, tuple[str, str]]] = {  # event -> (kind of the span it opens, state after it)
    "WORKFLOW_QUEUED": ("queued", "QUEUED"),
    "WORKFLOW_STARTED": ("running", "RUNNING"),
    "WORKFLOW_PAUSED": ("waiting", "PAUSED"),
    "WORKFLOW_WAITING": ("waiting", "WAITING"),
    "WORKFLOW_RESUMED": ("queued", "QUEUED"),
    "WORKFLOW_WOKEN": ("queued", "QUEUED"),
    "WORKFLOW_RECOVERED": ("queued", "QUEUED"),
    "WORKFLOW_COMPLETED": ("", "COMPLETED"),
    "WORKFLOW_FAILED": ("", "FAILED"),
    "WORKFLOW_CANCELLED": ("", "CANCELLED"),
}


def _workflow(root: Call, fact: Fact) -> Call:
    if fact.type == "WORKFLOW_CANCELLING":
        return replace(root, state="CANCELLING")
    if fact.type not in _ROOT:
        return root
    kind, state = _ROOT[fact.type]
    if kind == "queued" and fact.worker and fact.type != "WORKFLOW_RECOVERED":
        kind, state = "running", "RUNNING"  # it is still loaded there and has a slot
    outcome = {"WORKFLOW_RECOVERED": "lost"}.get(fact.type, "" if kind else state.lower())
    spans = _closed(root.spans, fact.instant, outcome)
    if kind:
        spans = (*spans, Span(start=fact.instant, kind=kind, attempt=fact.attempt))
    if root.state == "CANCELLING" and kind:
        state = "CANCELLING"
    return replace(root, spans=spans, state=state)


def _first(fact: Fact) -> Call:
    """The call of an event that is the first of its call id."""
    kind = "pause" if fact.type == "PAUSE_OPENED" else "task"
    name = fact.name or fact.call.rpartition("/")[2].partition("#")[0]
    return Call(id=fact.call, name=name, parent=fact.parent or _parent(fact.call), kind=kind)


def _parent(call: str) -> str:
    """The call in whose attempt `call` was made, read from its id: `charge#1@2/check#1` -> `charge#1`."""
    found = _FRAME.match(call)
    return found[1] if found else ""


_OPENS: Final = {
    "TASK_STARTED": "running",
    "TASK_FALLBACK_STARTED": "fallback",
    "TASK_ROLLBACK_STARTED": "rollback",
    "PAUSE_OPENED": "waiting",
}
_CLOSES: Final[Mapping[str, tuple[str, str]]] = {  # event -> (outcome of the open span, state of the call)
    "TASK_COMPLETED": ("completed", "COMPLETED"),
    "TASK_FAILED": ("failed", "FAILED"),
    "TASK_DENIED": ("failed", "FAILED"),
    "TASK_CANCELLED": ("cancelled", "CANCELLED"),
    "TASK_FALLBACK_COMPLETED": ("completed", "RUNNING"),
    "TASK_FALLBACK_FAILED": ("failed", "RUNNING"),
    "TASK_ROLLBACK_COMPLETED": ("completed", "RUNNING"),
    "TASK_ROLLBACK_FAILED": ("failed", "RUNNING"),
    "PAUSE_CLOSED": ("completed", "COMPLETED"),
}


def _task(call: Call, fact: Fact) -> Call:
    """The call after one more event of it."""
    if fact.type in _OPENS:
        spans = _closed(call.spans, fact.instant, "parked")
        opened = Span(start=fact.instant, kind=_OPENS[fact.type], attempt=fact.attempt)
        state = "PAUSED" if call.kind == "pause" else "RUNNING"
        return replace(call, spans=(*spans, opened), state=state, attempts=max(call.attempts, fact.attempt))
    if fact.type == "TASK_ATTEMPT_FAILED":
        return _attempt_failed(call, fact)
    if fact.type in _CLOSES:
        outcome, state = _CLOSES[fact.type]
        spans = _closed(call.spans, fact.instant, outcome) or (
            Span(start=fact.instant, end=fact.instant, outcome=outcome),
        )
        error = _error(fact) if outcome == "failed" else ""
        return replace(call, spans=spans, state=state, error=error or call.error)
    return call


def _attempt_failed(call: Call, fact: Fact) -> Call:
    error = _error(fact)
    spans = _closed(call.spans, fact.instant, "failed", error)
    state = "RUNNING"
    if fact.detail and isinstance(fact.detail.get("delay"), int):
        spans = (*spans, Span(start=fact.instant, kind="retrying", attempt=fact.attempt))
        state = "WAITING"
    return replace(call, spans=spans, state=state, error=error, attempts=max(call.attempts, fact.attempt))


def _error(fact: Fact) -> str:
    """`ReadTimeout: after 5 s`, from the error an event carries."""
    view: Json = fact.payload if isinstance(fact.payload, Mapping) else fact.detail or {}
    kind, message = text(view, "type"), text(view, "message").partition("\n")[0]
    return f"{kind}: {message}" if kind and message else kind or message


def _closed(spans: tuple[Span, ...], at: int, outcome: str, error: str = "") -> tuple[Span, ...]:
    """The spans, the last one ended if it was open."""
    if not spans or spans[-1].end is not None:
        return spans
    last = spans[-1]
    told = "" if last.kind in ("queued", "waiting", "retrying") and outcome != "cancelled" else outcome
    return (*spans[:-1], replace(last, end=at, outcome=told, error=error))


def _stopped(call: Call, fact: Fact) -> Call:
    """A call whose body was running when the execution was recovered or put to rest."""
    if call.kind == "pause" or not call.spans or call.spans[-1].end is not None or call.spans[-1].kind == "retrying":
        return call
    outcome = _LOSES[fact.type]
    return replace(
        call, spans=_closed(call.spans, fact.instant, outcome), state="QUEUED" if outcome == "lost" else "WAITING"
    )
