"""What a body is given: its function, its arguments, its context, its place. And what a workflow's body is given."""

import inspect
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from flux.clock import to_datetime
from flux.codec import ClassIndex, decode, decode_call
from flux.context import ExecutionContext, ExecutionEvent, TaskMetadata
from flux.core.events import EventType
from flux.core.execution import State
from flux.core.identity import idempotency_key
from flux.runtime import TaskSpec
from flux.wire.frames import Grant
from flux.worker.bodies import Arguments, Body, LoopBody, ProcessBody, ThreadBody, body_context
from flux.worker.calls import Call
from flux.worker.frames import BodyFrame
from flux.worker.job import Job
from flux.worker.journal import Journal
from flux.worker.outcomes import Result
from flux.worker.output import Origin
from flux.worker.place import Place
from flux.worker.program import Program
from flux.worker.runtimes import BodyRuntime

_T: Final = EventType


def context_of(grant: Grant, journal: Journal, classes: ClassIndex) -> ExecutionContext[object]:
    """What a workflow's body knows of its execution: the same on every run but for `attempt`.

    Raises:
        PayloadTypeError: the input needs a class that the source does not have.
    """
    input = None if journal.input is None else decode(journal.input, classes)
    events = tuple(
        ExecutionEvent(
            type=kind,
            source_id=grant.execution,
            name=grant.workflow,
            time=to_datetime(instant),
            value=input if kind is _T.WORKFLOW_QUEUED else None,
            sequence=sequence,
        )
        for kind, sequence, instant in journal.opening
    )
    return ExecutionContext(
        execution_id=grant.execution,
        workflow_namespace=grant.namespace,
        workflow_name=grant.workflow,
        input=input,
        state=State.RUNNING,
        events=events,
        attempt=grant.fence,
    )


def start_body(session: Place, program: Program, call: Call, begin: EventType) -> Body:
    """A body of the call, running; its result goes to the session."""
    fn, place, timeout = _function(session, call, begin)
    attempt = call.progress.attempt
    frame = BodyFrame(call, attempt)
    origin = Origin(session.execution, session.grant.fence, call.id, attempt)
    context = body_context(BodyRuntime(session, program, frame), origin)
    loop = session.worker.real_loop

    def done(result: Result) -> None:
        session.body_ended(call, frame, result)

    if place == "process":
        job = _job(session, call, fn, timeout)
        body: Body = ProcessBody(loop, context, frame, done, session.worker.processes, job, session.classes)
    else:
        kind = ThreadBody if place == "thread" else LoopBody
        body = kind(loop, context, frame, timeout, done, fn, _arguments(session, call, fn))
    frame.body = body
    body.start(origin)
    return body


def _function(session: Place, call: Call, begin: EventType) -> tuple[Callable[..., object], str, int]:
    """What is to be run, where, and for how long at most."""
    spec = call.spec
    if begin is _T.TASK_STARTED:
        return spec.fn, call.place, spec.timeout
    stand_in = spec.rollback if begin is _T.TASK_ROLLBACK_STARTED else spec.fallback
    inner = getattr(stand_in, "spec", None)
    if isinstance(inner, TaskSpec):
        return inner.fn, session.worker.place(inner), inner.timeout
    assert stand_in is not None  # noqa: S101 - the decision to run it was made because it is there
    is_findable = "<" not in stand_in.__qualname__
    is_plain = not inspect.iscoroutinefunction(stand_in)
    return stand_in, call.place if is_plain and is_findable else "loop", 0


def _arguments(session: Place, call: Call, fn: Callable[..., object]) -> Arguments:
    """The arguments: a copy of their own for each body, unless they cannot change."""
    args, kwargs = call.given if call.given is not None else decode_call(call.args, session.classes)
    if "metadata" in _injects(call, fn):
        kwargs = {**kwargs, "metadata": _metadata(session, call)}
    return args, kwargs


def _injects(call: Call, fn: Callable[..., object]) -> frozenset[str]:
    """Keywords to be added: a stand-in gets them only if it takes them."""
    wanted = call.spec.injects
    if not wanted or fn is call.spec.fn:
        return wanted
    return wanted & frozenset(inspect.signature(fn).parameters)


def _metadata(session: Place, call: Call) -> TaskMetadata:
    return TaskMetadata(
        task_id=call.id,
        task_name=call.name,
        execution_id=session.execution,
        attempt=call.progress.attempt,
        idempotency_key=idempotency_key(session.execution, call.id),
    )


def _job(session: Place, call: Call, fn: Callable[..., object], timeout: int) -> Job:
    return Job(
        execution=session.execution,
        fence=session.grant.fence,
        call=call.id,
        attempt=call.progress.attempt,
        digest=session.grant.digest,
        module=fn.__module__,
        qualname=fn.__qualname__,
        args=call.args,
        timeout=timeout,
        injects={"metadata": asdict(_metadata(session, call))} if "metadata" in _injects(call, fn) else {},
    )
