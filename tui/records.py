"""What the daemon's JSON says, as records: executions, their pauses, events, errors, pages.

Parsing is lenient where an older or newer daemon may differ: a field that is missing or of another
type becomes its empty value, and an unknown state or event type stays as it is written. Instants
become int milliseconds (0: it has not happened), durations int milliseconds (None: unknown).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flux.clock import from_datetime
from flux.core.execution import FINAL

Json = Mapping[str, object]

_FINAL: Final = frozenset(str(state) for state in FINAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """An open pause: what `resume` answers."""

    name: str
    call: str
    output: object = None
    opened: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One execution as lists show it. `sequence` orders two records of the same execution."""

    id: str
    workflow: str
    state: str
    why: str = ""
    version: str = ""
    principal: str = ""
    worker: str = ""
    created: int = 0
    started: int = 0
    finished: int = 0
    duration: int | None = None
    sequence: int = 0
    pauses: tuple[Pause, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.state in _FINAL

    def length(self, now: int) -> int:
        """Milliseconds from its submission to its end, or until now."""
        if self.is_final and self.duration is not None:
            return self.duration
        return max((self.finished or now) - (self.started or self.created), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error of a task or an execution, with the chain of its causes."""

    type: str
    message: str
    task: str = ""
    call: str = ""
    attempts: int = 0
    traceback: str = ""
    cause: "Failure | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One event of an execution's log."""

    type: str
    sequence: int
    instant: int
    position: int = 0
    call: str = ""
    parent: str = ""
    name: str = ""
    attempt: int = 0
    worker: str = ""
    actor: str = ""
    detail: Json | None = None
    payload: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list. `position`: up to where in the log it was true; None: an older daemon does not say."""

    rows: tuple[Row, ...]
    cursor: str | None
    position: int | None
    count: int


def row(view: Json) -> Row:
    """The record of an execution view."""
    workflow = text(view, "workflow") or f"{text(view, 'namespace')}/{text(view, 'name')}"
    length = view.get("duration")
    return Row(
        id=text(view, "execution_id"),
        workflow=workflow.removeprefix("default/"),
        state=text(view, "state"),
        why=text(view, "why"),
        version=text(view, "version"),
        principal=text(view, "principal"),
        worker=text(view, "worker"),
        created=instant(view, "created_at"),
        started=instant(view, "started_at"),
        finished=instant(view, "finished_at"),
        duration=round(length * 1000) if isinstance(length, int | float) else None,
        sequence=number(view, "sequence"),
        pauses=tuple(pause(found) for found in objects(view, "pauses")),
        labels=tuple((key, str(value)) for key, value in mapping(view, "labels").items()),
    )


def pause(view: Json) -> Pause:
    """The record of one entry of `pauses`."""
    return Pause(
        name=text(view, "name"),
        call=text(view, "call_id"),
        output=view.get("output"),
        opened=instant(view, "opened_at"),
    )


def failure(view: object) -> Failure | None:
    """The record of an error view; None if it is none."""
    if not isinstance(view, Mapping):
        return None
    return Failure(
        type=text(view, "type") or "Error",
        message=text(view, "message"),
        task=text(view, "task"),
        call=text(view, "call_id"),
        attempts=number(view, "attempts"),
        traceback=text(view, "traceback"),
        cause=failure(view.get("cause")),
    )


def fact(view: Json) -> Fact:
    """The record of an event view."""
    detail = view.get("detail")
    return Fact(
        type=text(view, "type"),
        sequence=number(view, "sequence"),
        position=number(view, "position"),
        instant=instant(view, "instant"),
        call=text(view, "call_id"),
        parent=text(view, "parent_call_id"),
        name=text(view, "name"),
        attempt=number(view, "attempt"),
        worker=text(view, "worker"),
        actor=text(view, "actor"),
        detail=detail if isinstance(detail, Mapping) else None,
        payload=view.get("payload"),
    )


def page(view: Json) -> Page:
    """The record of a list answer."""
    cursor = view.get("next_cursor")
    return Page(
        rows=tuple(row(item) for item in objects(view, "items")),
        cursor=cursor if isinstance(cursor, str) else None,
        position=number(view, "position") or None,
        count=number(view, "count"),
    )


def text(view: Json, key: str) -> str:
    """The text under `key`; empty if there is none."""
    found = view.get(key)
    return found if isinstance(found, str) else ""


def number(view: Json, key: str) -> int:
    """The whole number under `key`; 0 if there is none."""
    found = view.get(key)
    return found if isinstance(found, int) else 0


def instant(view: Json, key: str) -> int:
    """The RFC 3339 instant under `key` in milliseconds; 0 if there is none."""
    found = view.get(key)
    if not isinstance(found, str):
        return 0
    try:
        return from_datetime(datetime.fromisoformat(found))
    except ValueError:
        return 0


def mapping(view: Json, key: str) -> Json:
    """The object under `key`; an empty one if there is none."""
    found = view.get(key)
    return found if isinstance(found, Mapping) else {}


def objects(view: Json, key: str) -> Iterable[Json]:
    """The objects in the array under `key`; nothing if there is no array."""
    found = view.get(key)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list | tuple) else []
