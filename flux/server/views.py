"""Views: what the core knows, as the shapes that clients get.

Values of users leave through `codec.plain`, which needs no code of theirs. Instants become RFC 3339,
durations seconds. Nothing here asks anybody: what a view shows, it is given. `Named` tells the name of
a principal by its id, since people know each other by names.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol, cast

from flux import codec
from flux.clock import to_rfc3339
from flux.core.catalog import Source, Version
from flux.core.events import Event
from flux.core.execution import Execution
from flux.core.principal import Caller
from flux.core.why import why
from flux.engine.queries import Page, TaskView
from flux.wire import shapes
from flux.wire.shapes import Json

Named = Callable[[str], str]
_DEEPEST_CAUSE: Final = 20  # errors that cause each other in a circle end somewhere


class LogLine(Protocol):
    """A captured line as the engine gives it."""

    @property
    def id(self) -> int: ...
    @property
    def call(self) -> str | None: ...
    @property
    def attempt(self) -> int: ...
    @property
    def stream(self) -> str: ...
    @property
    def instant(self) -> int: ...
    @property
    def text(self) -> str: ...


class LoadError(Protocol):
    """Why a file does not load, as the engine gives it."""

    @property
    def path(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def line(self) -> int | None: ...


def value(payload: bytes | None) -> Json:
    """The value in a payload as plain JSON; None where there is none."""
    return None if payload is None else codec.plain(payload)


def row(execution: Execution, now: int, named: Named) -> shapes.ExecutionRow:
    """An execution as lists and events show it."""
    started, finished = execution.started, execution.finished
    return {
        "execution_id": execution.id,
        "workflow": f"{execution.namespace}/{execution.name}",
        "namespace": execution.namespace,
        "name": execution.name,
        "version": execution.version,
        "state": execution.state,
        "why": why(execution, now),
        "reason": execution.reason,
        "pauses": pauses(execution),
        "created_at": to_rfc3339(execution.created),
        "updated_at": to_rfc3339(execution.updated),
        "started_at": _instant(started),
        "finished_at": _instant(finished),
        "duration": _seconds(started, finished or now),
        "attempt": execution.fence,
        "principal": named(execution.principal),
        "priority": execution.priority,
        "sequence": execution.sequence,
        "worker": execution.worker,
    }


def whole(row: shapes.ExecutionRow, labels: Mapping[str, str], input: Json) -> shapes.ExecutionView:
    """The row with what only the view of one execution shows; its outcome is added by whoever knows it."""
    return cast(
        shapes.ExecutionView, {**row, "labels": dict(labels), "input": input}
    )  # mypy sees no optional keys here


def accepted(execution: Execution, now: int) -> shapes.Accepted:
    """An execution that was made and not waited for."""
    return {
        "execution_id": execution.id,
        "workflow": f"{execution.namespace}/{execution.name}",
        "state": execution.state,
        "why": why(execution, now),
        "status_url": location(execution),
    }


def location(execution: Execution) -> str:
    """The path of an execution in the API."""
    return f"/executions/{execution.id}"


def pauses(execution: Execution) -> list[shapes.Pause]:
    """The open pauses, the one that an unnamed answer goes to first."""
    if not execution.waits:
        return []
    waits = [(wait.opened, call, wait) for call, wait in execution.waits.items() if wait.kind == "pause"]
    return [
        {"name": wait.name or call, "call_id": call, "output": value(wait.output), "opened_at": to_rfc3339(opened)}
        for opened, call, wait in sorted(waits, key=lambda one: one[0])
    ]


def page(found: Page, cursor: str | None, now: int, named: Named) -> shapes.ExecutionPage:
    """One page of executions."""
    return {
        "items": [row(execution, now, named) for execution in found.items],
        "next_cursor": cursor,
        "as_of": to_rfc3339(now),
        "position": found.as_of,
        "count": found.count,
    }


def failure(payload: bytes | None, origin: TaskView | None = None) -> shapes.Failure | None:
    """An error as clients see it, with the task it came from if it came from one."""
    if payload is None:
        return None
    seen = codec.error_view(payload)
    return {
        "type": seen["type"],
        "message": seen["message"],
        "task": origin.name if origin is not None else None,
        "call_id": origin.call if origin is not None else None,
        "attempts": len(origin.attempts) if origin is not None else None,
        "traceback": seen["traceback"],
        "cause": seen["cause"],
    }


def origin(payload: bytes | None, tasks: Iterable[TaskView]) -> TaskView | None:
    """The task whose error this is, alone or as a cause; the newest if several fit."""
    if payload is None:
        return None
    wanted = {(one["type"], one["message"]) for one in _chain(codec.error_view(payload))}
    for task in reversed([task for task in tasks if task.error is not None]):
        seen = codec.error_view(task.error or b"")
        if (seen["type"], seen["message"]) in wanted:
            return task
    return None


def _chain(error: Mapping[str, Json] | None) -> Iterable[Mapping[str, Json]]:
    for _ in range(_DEEPEST_CAUSE):
        if not isinstance(error, dict) or "message" not in error:
            return
        yield error
        error = error.get("cause")


def event(execution: str, found: Event) -> shapes.EventView:
    """One event of the log."""
    return {
        "execution_id": execution,
        "position": found.position,
        "sequence": found.sequence,
        "type": found.type,
        "instant": to_rfc3339(found.instant),
        "call_id": found.call,
        "parent_call_id": found.parent,
        "name": found.name,
        "attempt": found.attempt,
        "actor": found.actor,
        "worker": found.worker,
        "detail": None if found.detail is None else json.loads(found.detail),
        "payload": value(found.payload),
    }


def step(execution: str, found: Event) -> shapes.TaskStep:
    """What happened to a task, as streams tell it."""
    return {
        "execution_id": execution,
        "type": found.type,
        "call_id": found.call,
        "name": found.name or _task_of(found.call),
        "attempt": found.attempt,
        "instant": to_rfc3339(found.instant),
        "sequence": found.sequence,
    }


def _task_of(call: str | None) -> str | None:
    """The task in a call id: only the event that begins an attempt carries the name."""
    return None if call is None else call.rpartition("/")[2].partition("#")[0]


def task(found: TaskView) -> shapes.TaskView:
    """One call of a task with its attempts."""
    return {
        "call_id": found.call,
        "parent_call_id": found.parent,
        "name": found.name,
        "state": found.state,
        "started_at": _instant(found.started),
        "finished_at": _instant(found.ended),
        "duration": _seconds(found.started, found.ended),
        "attempts": [
            {
                "number": attempt.number,
                "started_at": to_rfc3339(attempt.started),
                "finished_at": _instant(attempt.ended),
                "worker": attempt.worker,
                "error": failure(attempt.error),
            }
            for attempt in found.attempts
        ],
        "input": None if found.args is None else codec.call_view(found.args),
        "output": value(found.result),
        "error": failure(found.error),
    }


def log_line(line: LogLine) -> shapes.LogLine:
    """One line that user code printed or logged."""
    return {
        "id": line.id,
        "instant": to_rfc3339(line.instant),
        "stream": line.stream,
        "text": line.text,
        "call_id": line.call,
        "attempt": line.attempt,
    }


def workflow(version: Version, errors: Iterable[LoadError] = ()) -> shapes.WorkflowView:
    """One workflow, with the error of its file if the newest content of it does not load."""
    about = json.loads(version.about)
    broken = next((load_error(error) for error in errors if error.path == version.path), None)
    return {
        "namespace": version.namespace,
        "name": version.name,
        "ref": version.ref,
        "version": version.number,
        "digest": version.digest,
        "file": version.path,
        "line": about.get("line"),
        "doc": about.get("doc"),
        "tasks": list(version.tasks),
        "input_schema": about.get("input_schema"),
        "error": broken,
    }


def load_error(error: LoadError) -> shapes.LoadError:
    """Why a file does not load."""
    return {"file": error.path, "line": error.line, "type": error.type, "message": error.message}


def source(version: Version, found: Source) -> shapes.SourceView:
    """The source of a version; files that are no text show their bytes as well as they can."""
    files = {path: content.decode("utf-8", "replace") for path, content in found.files.items()}
    return {"ref": version.ref, "version": version.number, "entry": found.entry, "files": files}


def versions(found: Iterable[Version], current: Version | None) -> shapes.VersionList:
    """The versions of a workflow, newest first."""
    number = current.number if current is not None else 0
    return {
        "items": [
            {
                "version": one.number,
                "digest": one.digest,
                "registered_at": to_rfc3339(one.registered),
                "file": one.path,
                "current": one.number == number,
            }
            for one in found
        ]
    }


def whoami(caller: Caller) -> shapes.Whoami:
    """Who the caller is."""
    principal = caller.principal
    return {
        "id": principal.id,
        "type": principal.type,
        "subject": principal.subject,
        "issuer": principal.issuer,
        "display_name": principal.display_name,
        "roles": list(principal.roles),
        "method": caller.method,
    }


def _instant(found: int) -> str | None:
    return to_rfc3339(found) if found else None


def _seconds(start: int, end: int) -> float | None:
    """Seconds between two instants; None unless both are known."""
    return (end - start) / 1000 if start and end else None
