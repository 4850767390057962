"""The shapes of the API's answers: plain JSON objects with names, for whoever builds and whoever reads them.

Instants are RFC 3339 in UTC, durations seconds, ids ULIDs, states upper case. A key that may be absent
is marked; a key that is there may still hold null, if its type says so. The API only grows: a reader
ignores keys it does not know.

`Json` is any value of JSON.
"""

from typing import Any, Final, NotRequired, TypedDict

Json = Any
"""What a user's value looks like on the wire: null, a boolean, a number, text, a list, an object."""

RESTING: Final = frozenset({"COMPLETED", "FAILED", "CANCELLED", "PAUSED"})
"""States in which nothing happens until somebody does something. The same as `core.execution.RESTING`."""


class FieldProblem(TypedDict):
    """What is wrong at one place of a request. `pointer`: a JSON pointer, or the name of a parameter."""

    pointer: str
    detail: str


class Problem(TypedDict):
    """An error (RFC 9457). `code` is stable; `detail` and `hint` are for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    retryable: bool
    hint: NotRequired[str]
    errors: NotRequired[list[FieldProblem]]
    missing_permissions: NotRequired[list[str]]
    execution_id: NotRequired[str]
    state: NotRequired[str]
    allowed: NotRequired[list[str]]
    outcome: NotRequired[str]
    suggestions: NotRequired[list[str]]
    retry_after: NotRequired[float]


class Failure(TypedDict):
    """Why something failed, and in which task; `cause` is the error that led to this one, or null."""

    type: str
    message: str
    task: str | None
    call_id: str | None
    attempts: int | None
    traceback: str
    cause: Json


class Pause(TypedDict):
    """A question that an execution waits on. `output` is what it shows."""

    name: str
    call_id: str
    output: Json
    opened_at: str


class ExecutionRow(TypedDict):
    """An execution as lists and events show it.

    `version` is the digest of the source it is pinned to, `why` one sentence about what it does or
    waits for, `attempt` the number of times a worker took it up.
    """

    execution_id: str
    workflow: str
    namespace: str
    name: str
    version: str
    state: str
    why: str
    reason: str | None
    pauses: list[Pause]
    created_at: str
    updated_at: str
    started_at: str | None
    finished_at: str | None
    duration: float | None
    attempt: int
    principal: str
    priority: int
    sequence: int
    worker: str | None


class ExecutionView(ExecutionRow):
    """One execution, whole. `output` stands there when it completed, `error` when it failed."""

    labels: dict[str, str]
    input: NotRequired[Json]
    output: NotRequired[Json]
    error: NotRequired[Failure | None]


class Accepted(TypedDict):
    """The answer to a request that made an execution and did not wait for it."""

    execution_id: str
    workflow: str
    state: str
    why: str
    status_url: str


class CancelAnswer(ExecutionRow):
    """What became of a cancel: `accepted`, or `too_late`."""

    outcome: str


class ExecutionChange(ExecutionRow):
    """An execution as it stands, and the type of the event that is told; `sequence` is the event's."""

    type: str


class TaskStep(TypedDict):
    """What happened to a task."""

    execution_id: str
    type: str
    call_id: str | None
    name: str | None
    attempt: int
    instant: str
    sequence: int


class ExecutionPage(TypedDict):
    """Some of the executions. `next_cursor` leads to the next ones; null: there are none.

    `position` is the one of the log that the page shows: a stream that begins there misses nothing.
    """

    items: list[ExecutionRow]
    next_cursor: str | None
    as_of: str
    position: int
    count: int


class EventView(TypedDict):
    """One event of the log. `position` counts in the whole log, `sequence` within its execution."""

    execution_id: str
    position: int
    sequence: int
    type: str
    instant: str
    call_id: str | None
    parent_call_id: str | None
    name: str | None
    attempt: int
    actor: str | None
    worker: str | None
    detail: Json
    payload: Json


class EventList(TypedDict):
    """Events in the order of the log. `next_after` is where the next ones begin; null: these are all."""

    items: list[EventView]
    next_after: int | None


class AttemptView(TypedDict):
    """One attempt of a task."""

    number: int
    started_at: str
    finished_at: str | None
    worker: str | None
    error: Failure | None


class TaskView(TypedDict):
    """One call of a task, as the log tells it. `input`: its arguments."""

    call_id: str
    parent_call_id: str | None
    name: str
    state: str
    started_at: str | None
    finished_at: str | None
    duration: float | None
    attempts: list[AttemptView]
    input: Json
    output: Json
    error: Failure | None


class TaskList(TypedDict):
    """The tasks of one execution, in the order in which they began."""

    items: list[TaskView]


class LogLine(TypedDict):
    """One line that user code printed or logged."""

    id: int
    instant: str
    stream: str
    text: str
    call_id: str | None
    attempt: int


class LogPage(TypedDict):
    """Lines in the order in which they came. `next_after` is the id to go on from."""

    items: list[LogLine]
    next_after: int


class WorkflowView(TypedDict):
    """One workflow that can be run. `error`: why the newest content of its file does not load, or null."""

    namespace: str
    name: str
    ref: str
    version: int
    digest: str
    file: str
    line: int | None
    doc: str | None
    tasks: list[str]
    input_schema: Json
    error: "LoadError | None"


class LoadError(TypedDict):
    """A file that could not be loaded. What it held before goes on serving."""

    file: str
    line: int | None
    type: str
    message: str


class Catalog(TypedDict):
    """All workflows, and what could not be loaded."""

    items: list[WorkflowView]
    load_errors: list[LoadError]


class SourceView(TypedDict):
    """The source of one version: its entry file, and every file by its path."""

    ref: str
    version: int
    entry: str
    files: dict[str, str]


class VersionView(TypedDict):
    """One version of a workflow."""

    version: int
    digest: str
    registered_at: str
    file: str
    current: bool


class VersionList(TypedDict):
    """The versions of a workflow, newest first."""

    items: list[VersionView]


class Info(TypedDict):
    """What answers here. `features` names what older daemons may lack."""

    name: str
    version: str
    api: int
    pid: int
    features: list[str]


class Written(TypedDict):
    """What was written since the daemon started: commits, the calls in them, their events."""

    commits: int
    calls: int
    events: int
    failed: int


class Stats(TypedDict):
    """Counts of executions by state, the workers, the last position of the log, what was written."""

    states: dict[str, int]
    workers: list[dict[str, Json]]
    position: int
    written: Written


class Whoami(TypedDict):
    """Who the caller is, as the daemon sees it."""

    id: str
    type: str
    subject: str
    issuer: str
    display_name: str
    roles: list[str]
    method: str
