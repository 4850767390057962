"""Every request of the API as data: method, path, headers, body, and how long the answer may take.

The two clients send the same calls; they differ only in how they wait. Nothing here does I/O. The type
argument of a `Call` is the shape of its answer.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from urllib.parse import quote, urlencode

from flux.errors import Invalid
from flux.wire import routes
from flux.wire.shapes import (
    Accepted,
    CancelAnswer,
    Catalog,
    EventList,
    ExecutionPage,
    ExecutionView,
    Info,
    Json,
    LogPage,
    SourceView,
    Stats,
    TaskList,
    VersionList,
    Whoami,
    WorkflowView,
)

PATIENCE: Final = 30.0  # seconds for an answer that waits for nothing
LONGEST_WAIT: Final = 60.0  # of one request; longer waits are several, so that proxies do not cut them
HEARTBEATS: Final = 45.0  # seconds of silence after which a stream is broken: three of its heartbeats
_JSON: Final = {"Content-Type": "application/json"}

T_co = TypeVar("T_co", covariant=True)
_Query = Iterable[tuple[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T_co]):
    """One request. `patience`: seconds of silence after which the daemon counts as gone."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    patience: float = PATIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How an execution is to be started. `key` makes a repeated request give the same execution."""

    version: int | None = None
    priority: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None

    def query(self) -> list[tuple[str, object]]:
        """What goes into the URL."""
        labels = [("label", f"{name}:{value}") for name, value in self.labels.items()]
        return [("version", self.version), ("priority", self.priority or None), *labels]

    def headers(self) -> dict[str, str]:
        """What goes into the header."""
        return {} if self.key is None else {"Idempotency-Key": self.key}


def split(ref: str) -> dict[str, str]:
    """Namespace and name of a workflow's ref; without a namespace it is `default`.

    Raises:
        Invalid: it is neither `name` nor `namespace/name`.
    """
    namespace, slash, name = ref.rpartition("/")
    if not name or (slash and not namespace) or "/" in namespace:
        raise Invalid(f"a workflow is called `name` or `namespace/name`, got {ref!r}")
    return {"namespace": namespace or "default", "name": name}


def encode(value: Json) -> bytes:
    """The value as JSON.

    Raises:
        Invalid: JSON cannot say it.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as exc:
        raise Invalid(f"the input is no JSON value: {exc}") from exc


def submit(ref: str, input: Json, options: Options) -> Call[Accepted]:
    """Start an execution and wait for nothing."""
    return _run(routes.RUN, ref, input, options)


def run(ref: str, input: Json, options: Options, wait: float) -> Call[ExecutionView]:
    """Start an execution and wait until it rests, at most `wait` seconds."""
    return _run(routes.RUN_SYNC, ref, input, options, wait=min(wait, LONGEST_WAIT))


def stream(ref: str, input: Json, options: Options) -> Call[None]:
    """Start an execution and follow it."""
    return _run(routes.RUN_STREAM, ref, input, options, patience=HEARTBEATS)


def batch(ref: str, inputs: Iterable[Json], options: Options) -> Call[None]:
    """Start one execution for each input; the answer has a line for each."""
    body = b"".join(encode(value) + b"\n" for value in inputs)
    headers = {"Content-Type": "application/x-ndjson", **options.headers()}
    path = _path(routes.RUN_BATCH, options.query(), split(ref))
    return Call(method="POST", path=path, body=body, headers=headers)


def _run(
    route: routes.Route,
    ref: str,
    input: Json,
    options: Options,
    *,
    wait: float | None = None,
    patience: float = PATIENCE,
) -> Call[T_co]:
    return Call(
        method=route.method,
        path=_path(route, [("wait", wait), *options.query()], split(ref)),
        body=encode(input),
        headers={**_JSON, **options.headers()},
        patience=patience + (wait or 0),
    )


def wait(execution: str, seconds: float) -> Call[ExecutionView]:
    """One execution as soon as it rests, or as it is after `seconds`."""
    seconds = min(seconds, LONGEST_WAIT)
    return _get(routes.EXECUTION, [("wait", seconds)], {"id": execution}, patience=PATIENCE + seconds)


def resume(execution: str, input: Json, pause: str | None) -> Call[ExecutionView]:
    """Answer the oldest open pause, or the one named."""
    body = {"input": input} if pause is None else {"input": input, "pause": pause}
    path = _path(routes.RESUME, (), {"id": execution})
    return Call(method="POST", path=path, body=encode(body), headers=_JSON)


def cancel(execution: str) -> Call[CancelAnswer]:
    """Ask an execution to stop."""
    return Call(method="POST", path=_path(routes.CANCEL, (), {"id": execution}))


def execution(execution: str) -> Call[ExecutionView]:
    """One execution."""
    return _get(routes.EXECUTION, (), {"id": execution})


def executions(
    states: Iterable[str], workflow: str | None, namespace: str | None, limit: int | None, cursor: str | None
) -> Call[ExecutionPage]:
    """Executions, newest first."""
    query = [("workflow", workflow), ("namespace", namespace), ("limit", limit), ("cursor", cursor)]
    return _get(routes.EXECUTIONS, [*(("state", state) for state in states), *query])


def tasks(execution: str) -> Call[TaskList]:
    """The tasks of an execution."""
    return _get(routes.TASKS, (), {"id": execution})


def logs(execution: str, after: int) -> Call[LogPage]:
    """What an execution printed, after a line."""
    return _get(routes.LOGS, [("after", after or None)], {"id": execution})


def output(execution: str) -> Call[Json]:
    """The output of an execution."""
    return _get(routes.OUTPUT, (), {"id": execution})


def history(execution: str, after: int, limit: int | None) -> Call[EventList]:
    """The events of an execution as a list."""
    found: Call[EventList] = _get(routes.EXECUTION_EVENTS, [("after", after), ("limit", limit)], {"id": execution})
    return Call(method=found.method, path=found.path, headers={"Accept": "application/json"})


def events(execution: str | None, after: int | None, *, until_resting: bool) -> Call[None]:
    """The events of one execution, or of all, as a stream."""
    query = [("after", after), ("until", "resting" if until_resting else None)]
    if execution is None:
        path = _path(routes.EVENTS, query, {})
    else:
        path = _path(routes.EXECUTION_EVENTS, query, {"id": execution})
    return Call(method="GET", path=path, headers={"Accept": "text/event-stream"}, patience=HEARTBEATS)


def workflows() -> Call[Catalog]:
    """The workflows that can be run."""
    return _get(routes.WORKFLOWS)


def workflow(ref: str) -> Call[WorkflowView]:
    """One workflow."""
    return _get(routes.WORKFLOW, (), split(ref))


def source(ref: str, version: int | None) -> Call[SourceView]:
    """The source of a workflow's current version, or of another."""
    return _get(routes.SOURCE, [("version", version)], split(ref))


def versions(ref: str) -> Call[VersionList]:
    """The versions of a workflow."""
    return _get(routes.VERSIONS, (), split(ref))


def register(name: str, content: bytes, boundary: str, namespace: str | None) -> Call[Catalog]:
    """Register a file. `boundary`: text that does not occur in the content."""
    fields = [] if namespace is None else [_part(boundary, 'name="namespace"', namespace.encode())]
    safe = name.replace("\\", "_").replace('"', "_").replace("\r", "_").replace("\n", "_")
    parts = [*fields, _part(boundary, f'name="file"; filename="{safe}"', content), f"--{boundary}--\r\n".encode()]
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return Call(method="POST", path=_path(routes.REGISTER, (), {}), body=b"".join(parts), headers=headers)


def info() -> Call[Info]:
    """What answers there."""
    return _get(routes.INFO)


def stats() -> Call[Stats]:
    """Counts and workers."""
    return _get(routes.STATS)


def whoami() -> Call[Whoami]:
    """Who the caller is."""
    return _get(routes.WHOAMI)


def ready() -> Call[Json]:
    """Whether the daemon takes requests."""
    return _get(routes.READYZ)


def _part(boundary: str, disposition: str, content: bytes) -> bytes:
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + content + b"\r\n"


def _get(
    route: routes.Route, query: _Query = (), segments: Mapping[str, str] | None = None, *, patience: float = PATIENCE
) -> Call[T_co]:
    return Call(method="GET", path=_path(route, query, segments or {}), patience=patience)


def _path(route: routes.Route, query: _Query, segments: Mapping[str, str]) -> str:
    """The path with its braces filled in, and the parameters that have a value."""
    path = route.path.format(**{name: quote(value, safe="") for name, value in segments.items()})
    given = urlencode([(name, value) for name, value in query if value is not None])
    return f"{path}?{given}" if given else path
