"""`ExecutionContext`: what an author may know of an execution.

A record, read only: nothing an author does to it changes the execution, and no token is in it. The
worker makes one for the workflow it runs, with the events known at that moment; clients make one of
what the daemon answers. `state` stands for every question about the state; there is no second truth.

Instants are aware datetimes in UTC here, because authors read them.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from flux.codec import encode_error, error_view, view
from flux.core.events import EventType as ExecutionEventType
from flux.core.execution import FINAL
from flux.core.execution import State as ExecutionState
from flux.runtime import current

if TYPE_CHECKING:
    T_co = TypeVar("T_co", covariant=True, default=Any)  # a bare `ExecutionContext` says nothing about its input
else:  # `default` is for type checkers; Python takes it from 3.13 on
    T_co = TypeVar("T_co", covariant=True)

__all__ = ["ExecutionContext", "ExecutionEvent", "ExecutionEventType", "ExecutionState", "TaskMetadata"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMetadata:
    """What a task's body may know of itself, as its keyword `metadata`.

    Attributes:
        task_id: the call id: the call's place in the program.
        attempt: counted from 1.
        idempotency_key: the same for every attempt, replay and restart of this call. Give it to
            services that do nothing twice under one key.
    """

    task_id: str
    task_name: str
    execution_id: str
    attempt: int
    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionEvent:
    """One event of an execution's log.

    Attributes:
        source_id: the call, pause or timer it is about; the execution's id where it is about the whole.
        name: of the task or pause, or of the workflow.
        value: what the event carries: arguments, result, error, pause's output, resume's input.
        attempt: of the task; 0 where there is none.
    """

    type: ExecutionEventType
    source_id: str
    name: str
    time: datetime
    value: object = None
    sequence: int = 0
    attempt: int = 0

    def to_dict(self) -> dict[str, object]:
        """The event as JSON has it."""
        return {
            "sequence": self.sequence,
            "type": str(self.type),
            "source_id": self.source_id,
            "name": self.name,
            "attempt": self.attempt,
            "value": _plain(self.value),
            "time": self.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }


@dataclass(frozen=True, kw_only=True)  # no slots: a frozen one made through `ExecutionContext[T](...)` breaks with them
class ExecutionContext(Generic[T_co]):
    """An execution as its author sees it.

    Attributes:
        input: what it was started with.
        output: what it returned; the error, if it failed; None before it ended.
        events: its log as far as it is known here, oldest first.
        attempt: how many workers it has been given to, this one included.
    """

    execution_id: str
    workflow_namespace: str
    workflow_name: str
    input: T_co
    state: ExecutionState
    output: Any = None  # typed by the workflow, which a record of an execution does not know
    events: tuple[ExecutionEvent, ...] = ()
    attempt: int = 1

    @staticmethod
    async def get() -> "ExecutionContext[object]":
        """The execution that is running here, in a workflow's body or in a task's.

        Raises:
            NoExecution: none is.
        """
        return cast("ExecutionContext[object]", current("ExecutionContext.get()").context)

    @property
    def has_started(self) -> bool:
        """Whether a worker has ever begun it."""
        started = ExecutionEventType.WORKFLOW_STARTED
        return self.state is not ExecutionState.QUEUED or any(event.type is started for event in self.events)

    @property
    def has_finished(self) -> bool:
        """Whether it has completed, failed or been cancelled."""
        return self.state in FINAL

    @property
    def has_succeeded(self) -> bool:
        """Whether it has completed."""
        return self.state is ExecutionState.COMPLETED

    @property
    def has_failed(self) -> bool:
        """Whether it has failed."""
        return self.state is ExecutionState.FAILED

    @property
    def is_paused(self) -> bool:
        """Whether it waits for somebody to resume it."""
        return self.state is ExecutionState.PAUSED

    @property
    def is_cancelled(self) -> bool:
        """Whether it has been cancelled."""
        return self.state is ExecutionState.CANCELLED

    def summary(self) -> dict[str, object]:
        """The execution as JSON has it, without its events."""
        return {
            "execution_id": self.execution_id,
            "workflow_namespace": self.workflow_namespace,
            "workflow_name": self.workflow_name,
            "state": str(self.state),
            "attempt": self.attempt,
            "input": _plain(self.input),
            "output": _plain(self.output),
        }

    def to_dict(self) -> dict[str, object]:
        """The execution as JSON has it, events included."""
        return {**self.summary(), "events": [event.to_dict() for event in self.events]}

    def to_json(self, indent: int | None = None) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)


def _plain(value: object) -> object:
    """`value` as plain JSON; an error as {type, message, traceback, cause}."""
    if isinstance(value, BaseException):
        return error_view(encode_error(value))
    seen: object = view(value)
    return seen
