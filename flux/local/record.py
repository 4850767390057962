"""An execution as its author sees it: the context that `run()` returns, made from the log."""

from collections.abc import Callable, Sequence
from typing import Final

from flux import codec
from flux.clock import to_datetime
from flux.codec import ClassIndex
from flux.context import ExecutionContext, ExecutionEvent
from flux.core.events import Event, EventType
from flux.core.execution import Execution, State

_T: Final = EventType
_ERRORS: Final = frozenset(
    {
        _T.WORKFLOW_FAILED,
        _T.TASK_FAILED,
        _T.TASK_ATTEMPT_FAILED,
        _T.TASK_FALLBACK_FAILED,
        _T.TASK_ROLLBACK_FAILED,
    },
)
_CALLS: Final = frozenset({_T.TASK_STARTED, _T.TASK_FALLBACK_STARTED, _T.TASK_ROLLBACK_STARTED})


def context_of(execution: Execution, events: Sequence[Event], classes: ClassIndex) -> ExecutionContext[object]:
    """The context of an execution whose whole log is `events`."""
    seen = tuple(_event(execution, event, classes) for event in events)
    return ExecutionContext(
        execution_id=execution.id,
        workflow_namespace=execution.namespace,
        workflow_name=execution.name,
        input=next((event.value for event in seen if event.type is _T.WORKFLOW_QUEUED), None),
        state=execution.state,
        output=_output(execution, seen),
        events=seen,
        attempt=max(1, execution.fence),
    )


def _output(execution: Execution, events: Sequence[ExecutionEvent]) -> object:
    if execution.state is State.PAUSED:
        opened = {event.source_id: event.value for event in events if event.type is _T.PAUSE_OPENED}
        oldest = min(
            ((wait.opened, call) for call, wait in execution.waits.items() if wait.kind == "pause"), default=(0, "")
        )
        return opened.get(oldest[1])
    return events[-1].value if events and execution.is_final else None


def _event(execution: Execution, event: Event, classes: ClassIndex) -> ExecutionEvent:
    return ExecutionEvent(
        type=event.type,
        source_id=event.call or execution.id,
        name=event.name or (_name(event.call) if event.call else execution.name),
        time=to_datetime(event.instant),
        value=_value(event, classes),
        sequence=event.sequence,
        attempt=event.attempt if event.call else 0,
    )


def _value(event: Event, classes: ClassIndex) -> object:
    if event.payload is None:
        return None
    read: Callable[[bytes, ClassIndex], object] = codec.decode
    if event.type in _ERRORS:
        read = codec.decode_error
    elif event.type in _CALLS:
        read = _arguments
    return read(event.payload, classes)


def _arguments(payload: bytes, classes: ClassIndex) -> object:
    """Arguments as people read them: the positional ones, or all by name where there are others."""
    args, kwargs = codec.decode_call(payload, classes)
    return {"args": list(args), "kwargs": kwargs} if kwargs else list(args)


def _name(call: str) -> str:
    return call.rpartition("/")[2].partition("#")[0]
