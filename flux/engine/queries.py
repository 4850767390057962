"""What clients may ask. Every query looks with the eyes of its caller: what he may not see is not there.

Queries run on the read connection and see everything that has been committed. Pages are cut by key:
newest first, the next page starts below the last key of this one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from flux.core.catalog import Source, Version
from flux.core.events import BEGINS, FACTS, NUMBERS, Event, EventType
from flux.core.execution import Execution, State
from flux.core.permissions import escape
from flux.core.principal import Caller
from flux.engine.access import lacking
from flux.engine.live import Live
from flux.engine.parked import load
from flux.errors import Conflict, Invalid, NotFound
from flux.ids import LENGTH
from flux.store import catalog, events, executions, logs
from flux.store.catalog import LoadError
from flux.store.database import Reader
from flux.store.executions import Place
from flux.store.logs import Line

MAX_PAGE: Final = 1_000
_EVERYTHING: Final = "workflow:*:*:read"
_T: Final = EventType
_DONE: Final = {
    _T.TASK_COMPLETED: "COMPLETED",
    _T.TASK_FAILED: "FAILED",
    _T.TASK_CANCELLED: "CANCELLED",
    _T.TASK_DENIED: "DENIED",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuery:
    """Which executions, and how many. `before`: the key below which the page starts, 0 for the newest."""

    states: tuple[State, ...] = ()
    namespace: str | None = None
    name: str | None = None
    before: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Executions, newest first. `next`: `before` of the next page, or None. `as_of`: position of the log."""

    items: list[Execution]
    next: int | None
    count: int
    as_of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt of a task. `ended` 0: it has not; `error`: the codec's bytes, or None."""

    number: int
    started: int
    ended: int = 0
    worker: str | None = None
    error: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """One call of a task, folded from its events. `state`: RUNNING, RETRYING, COMPLETED, FAILED, CANCELLED, DENIED.

    What had not ended when its execution did was CANCELLED by that.
    """

    call: str
    parent: str | None
    name: str
    state: str
    started: int
    ended: int
    attempts: tuple[Attempt, ...]
    args: bytes | None
    result: bytes | None
    error: bytes | None


def execution(reader: Reader, live: Live, identity: str, caller: Caller) -> Execution:
    """The execution, live or from the file.

    Raises:
        NotFound: there is none, or none for this caller.
    """
    found = live.executions.get(identity) or load(reader, identity)
    if not may_read(live, caller, found.namespace, found.name):
        raise NotFound(f"there is no execution {identity}", execution=identity)
    return found


def find(reader: Reader, live: Live, text: str, caller: Caller) -> str:
    """The id that `text` is, starts or ends.

    Raises:
        NotFound: nothing fits.
        Conflict: more than one does.
    """
    if len(text) == LENGTH:
        return text
    if len(text) < 4:
        raise Invalid(f"{text!r} is too short for an id: give at least 4 characters of it")
    found = executions.resembling(reader, text, _visible_refs(live, caller))
    if not found:
        raise NotFound(f"no execution's id starts or ends with {text!r}")
    if len(found) > 1:
        raise Conflict(f"{text!r} fits more than one execution, {found[0]} and {found[1]} among them")
    return found[0]


def page(reader: Reader, live: Live, query: PageQuery, caller: Caller) -> Page:
    """One page of the executions that the caller may see, and how many there are in all."""
    limit = max(1, min(query.limit, MAX_PAGE))
    is_everything = query == PageQuery(before=query.before, limit=query.limit) and _may_read_all(live, caller)
    places = live.totals if is_everything else _places(live, query, caller)
    before = query.before or live.numbers.key + 1
    rows = executions.page(reader, places=None if is_everything else places, before=before, limit=limit + 1)
    return Page(
        items=[_completed(reader, live, row) for row in rows[:limit]],
        next=rows[limit - 1].key if len(rows) > limit else None,
        count=sum(places.values()),
        as_of=live.numbers.position,
    )


def events_after(
    reader: Reader, live: Live, after: int, caller: Caller, *, identity: str | None = None, limit: int = 500
) -> tuple[int, list[tuple[str, Event]]]:
    """The log after a position: where to go on, and (execution id, event) of what the caller may see.

    `identity`: of one execution only. Where to go on is `after` when there is nothing more.
    """
    if identity is not None:
        found = execution(reader, live, identity, caller)
        rows = [(identity, event) for event in events.of(reader, found.key, after=after, limit=limit)]
        return (rows[-1][1].position if rows else after), rows
    rows = events.everything(reader, after=after, limit=limit)
    seen: dict[str, bool] = {}
    kept = []
    for owner, event in rows:
        if owner not in seen:
            row = live.executions.get(owner) or executions.get(reader, owner)
            seen[owner] = may_read(live, caller, row.namespace, row.name)
        if seen[owner]:
            kept.append((owner, event))
    return (rows[-1][1].position if rows else after), kept


def whole_log(reader: Reader, live: Live, found: Execution) -> list[Event]:
    """Every event of an execution, oldest first."""
    return events.of(reader, found.key)


def input_of(reader: Reader, live: Live, found: Execution) -> bytes | None:
    """The input of an execution, in the codec's bytes."""
    return _payload(reader, found, _T.WORKFLOW_QUEUED)


def output_of(reader: Reader, live: Live, found: Execution) -> bytes | None:
    """The output of a completed execution, or what an open pause shows; None: there is none."""
    if found.state is State.PAUSED:
        pauses = sorted((wait for wait in found.waits.values() if wait.kind == "pause"), key=lambda wait: wait.opened)
        return pauses[0].output if pauses else None
    return _payload(reader, found, _T.WORKFLOW_COMPLETED, _T.WORKFLOW_CANCELLED)


def error_of(reader: Reader, live: Live, found: Execution) -> bytes | None:
    """The error of a failed execution, in the codec's bytes."""
    return _payload(reader, found, _T.WORKFLOW_FAILED) if found.state is State.FAILED else None


def labels_of(reader: Reader, live: Live, found: Execution) -> dict[str, str]:
    """The labels of an execution."""
    text = executions.labels(reader, found.key)
    return {} if text is None else {str(name): str(value) for name, value in json.loads(text).items()}


def tasks(reader: Reader, live: Live, found: Execution) -> list[TaskView]:
    """Every call of the execution, in the order in which they first began."""
    calls: dict[str, _Call] = {}
    worker = None
    for event in events.of(reader, found.key):
        if event.type is _T.WORKFLOW_STARTED:
            worker = event.worker
        elif event.call is not None and (event.type in BEGINS or event.type in FACTS or event.type in _DONE):
            calls.setdefault(event.call, _Call(event)).take(event, worker)
    return [call.view(found.finished) for call in calls.values()]


def logs_of(reader: Reader, live: Live, found: Execution, *, after: int = 0, limit: int = 1_000) -> list[Line]:
    """Captured output of the execution."""
    return logs.of(reader, found.key, after=after, limit=limit)


def workflows(reader: Reader, live: Live, caller: Caller) -> list[Version]:
    """The offered versions that the caller may see, by name."""
    return [live.catalog[key] for key in sorted(live.catalog) if may_read(live, caller, *key)]


def versions(reader: Reader, live: Live, namespace: str, name: str, caller: Caller) -> list[Version]:
    """Every version of a workflow, newest first.

    Raises:
        NotFound: there never was one, or the caller may not see it.
    """
    found = catalog.versions(reader, namespace, name) if may_read(live, caller, namespace, name) else []
    if not found:
        raise NotFound(f"there is no workflow {namespace}/{name}", workflow=f"{namespace}/{name}")
    return found


def workflow(reader: Reader, live: Live, namespace: str, name: str, caller: Caller) -> Version:
    """The version that new executions of a workflow get.

    Raises:
        NotFound: nothing of that name is offered, or the caller may not see it.
    """
    found = live.catalog.get((namespace, name))
    if found is None or not may_read(live, caller, namespace, name):
        raise NotFound(f"there is no workflow {namespace}/{name}", workflow=f"{namespace}/{name}")
    return found


def pinned(reader: Reader, live: Live, digest: str) -> Source:
    """The pinned source with this digest."""
    found = catalog.pinned(reader, digest)
    if found is None:
        raise NotFound(f"the source {digest} is gone", digest=digest)
    return found


def history(reader: Reader, live: Live, key: int) -> Sequence[tuple[object, ...]]:
    """The whole log of an execution as a worker receives it: rows with the columns of a recorded event."""
    return events.history(reader, key)


def load_errors(reader: Reader, live: Live, caller: Caller) -> list[LoadError]:
    """Every file that does not load, and why: of files that never did, only who may read everything is told."""
    found = catalog.errors(reader)
    if not found or _may_read_all(live, caller):
        return found
    visible = {version.path for key, version in live.catalog.items() if may_read(live, caller, *key)}
    return [error for error in found if error.path in visible]


def states(reader: Reader, live: Live, caller: Caller) -> dict[State, int]:
    """How many of the executions that the caller may see stand in each state."""
    found: dict[State, int] = {}
    for (state, _, _), number in _places(live, PageQuery(), caller).items():
        found[state] = found.get(state, 0) + number
    return found


def may_read(live: Live, caller: Caller, namespace: str, name: str) -> bool:
    """Whether the caller may know of a workflow and its executions."""
    return not lacking(live.permissions, caller, [f"workflow:{escape(namespace)}:{escape(name)}:read"])


def _may_read_all(live: Live, caller: Caller) -> bool:
    """Whether the caller may know of every workflow there ever will be."""
    held, narrowing = live.permissions.grants(caller.principal.id), caller.narrowing
    is_wide = held.covers(_EVERYTHING) and (narrowing is None or narrowing.covers(_EVERYTHING))
    return is_wide and live.permissions.enabled(caller.principal.id)


def _visible_refs(live: Live, caller: Caller) -> str | None:
    """`namespace/name` of every workflow with executions that the caller may see, as JSON text; None: all."""
    if _may_read_all(live, caller):
        return None
    refs = {(namespace, name) for _, namespace, name in live.totals}
    return json.dumps([f"{namespace}/{name}" for namespace, name in refs if may_read(live, caller, namespace, name)])


def _places(live: Live, query: PageQuery, caller: Caller) -> dict[Place, int]:
    """Where the executions stand that a query is about and the caller may see, and how many there are."""
    return {
        (state, namespace, name): number
        for (state, namespace, name), number in live.totals.items()
        if number
        and (not query.states or state in query.states)
        and query.namespace in (None, namespace)
        and query.name in (None, name)
        and may_read(live, caller, namespace, name)
    }


def _completed(reader: Reader, live: Live, row: Execution) -> Execution:
    """The live record, or for a parked one its row with its waits: a list shows pauses too."""
    found = live.executions.get(row.id)
    if found is not None:
        return found
    return row if row.is_final else load(reader, row.id)


def _payload(reader: Reader, found: Execution, *kinds: EventType) -> bytes | None:
    event = events.last(reader, found.key, json.dumps([NUMBERS[kind] for kind in kinds]))
    return None if event is None else event.payload


class _Call:
    """One call while its events are folded."""

    def __init__(self, first: Event) -> None:
        self._id = first.call or ""
        self._parent = first.parent
        self._name = first.name or self._id
        self._started = first.instant
        self._state, self._ended = "RUNNING", 0
        self._attempts: dict[int, Attempt] = {}
        self._args: bytes | None = None
        self._result: bytes | None = None
        self._error: bytes | None = None

    def take(self, event: Event, worker: str | None) -> None:
        """Fold one more event; `worker`: where the execution is loaded."""
        if event.type is _T.TASK_STARTED:
            self._args = self._args or event.payload
            self._attempts[event.attempt] = Attempt(number=event.attempt, started=event.instant, worker=worker)
            self._state = "RUNNING"
        elif event.type is _T.TASK_ATTEMPT_FAILED:
            self._close(event, event.payload)
            self._state, self._error = "RETRYING", event.payload
        elif event.type is _T.TASK_FALLBACK_COMPLETED:
            self._result = event.payload
        elif event.type in _DONE:
            self._state, self._ended = _DONE[event.type], max(event.instant, self._started)  # two clocks, as below
            is_done = event.type is _T.TASK_COMPLETED
            self._result = event.payload or self._result if is_done else None
            self._error = None if is_done else event.payload or self._error
            self._close(event, None)

    def view(self, finished: int) -> TaskView:
        """The call as it stands; `finished`: when its execution ended, 0 if it has not."""
        is_cut_off = bool(finished) and not self._ended
        return TaskView(
            call=self._id,
            parent=self._parent,
            name=self._name,
            state="CANCELLED" if is_cut_off else self._state,
            started=self._started,
            ended=finished if is_cut_off else self._ended,
            attempts=tuple(self._attempts.values()),
            args=self._args,
            result=self._result,
            error=self._error,
        )

    def _close(self, event: Event, error: bytes | None) -> None:
        """The attempt that `event` names has ended, unless it had before."""
        attempt = self._attempts.get(event.attempt)
        if attempt is not None and not attempt.ended:
            ended = max(event.instant, attempt.started)  # the two were read off the clocks of two processes
            self._attempts[event.attempt] = replace(attempt, ended=ended, error=error)
