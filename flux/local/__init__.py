"""The engine inside the caller's process: what `workflow.run()` runs on.

The same log, gate, protocol and worker as in the daemon, over a file of its own (`FLUX_HOME/local.db`),
on a thread of its own. `async` tasks run there; `def` tasks run in task processes, or in a thread if no
other process can find them again (a REPL, a function inside a function). Only what somebody asked for
is run: this process has the code of no other workflow, and code is not pinned here.

    thread    the one thread, and how calls reach it     engine    one open file and what runs on it
    programs  workflows and places of their tasks        record    an execution as its author sees it
"""

from typing import Final, TypeVar, cast

from flux.context import ExecutionContext
from flux.errors import InvalidInput, NoExecution
from flux.local.thread import THREAD
from flux.runtime import RUNTIME, ImportEnds
from flux.worker.loader import is_pinned
from flux.workflow import Workflow

In = TypeVar("In")
R = TypeVar("R")

LONGEST_ID: Final = 200


def run(workflow: Workflow[In, R], input: object, execution_id: str | None) -> ExecutionContext[In]:
    """The execution when it rests: COMPLETED, FAILED, CANCELLED or PAUSED.

    `execution_id` of one that is there: it goes on; `input` is not looked at.

    Raises:
        InvalidInput: the id is no text of 1..200 characters.
        PayloadTypeError: the input cannot be kept exactly.
        UnusableDatabase: another process holds the file and does not let go.
    """
    _refuse_inside(workflow)
    _check_id(execution_id)
    return cast(ExecutionContext[In], THREAD.call(lambda engine: engine.run(workflow, input, execution_id)))


async def arun(workflow: Workflow[In, R], input: object, execution_id: str | None) -> ExecutionContext[In]:
    """As `run`, for callers that have an event loop running."""
    _refuse_inside(workflow)
    _check_id(execution_id)
    return cast(ExecutionContext[In], await THREAD.acall(lambda engine: engine.run(workflow, input, execution_id)))


def resume(workflow: Workflow[In, R], execution_id: str, input: object, pause: str | None) -> ExecutionContext[In]:
    """The execution when it rests again, after its oldest open pause, or the one named, got `input`.

    Raises:
        NotFound: there is no such execution, or no such pause.
        WrongState: nothing is paused.
    """
    _refuse_inside(workflow)
    return cast(ExecutionContext[In], THREAD.call(lambda engine: engine.resume(workflow, execution_id, input, pause)))


def cancel(workflow: Workflow[In, R], execution_id: str) -> ExecutionContext[In]:
    """The execution when its clean-up is done; one that has ended is given as it is.

    Raises:
        NotFound: there is no such execution.
    """
    _refuse_inside(workflow)
    return cast(ExecutionContext[In], THREAD.call(lambda engine: engine.cancel(workflow, execution_id)))


def _refuse_inside(workflow: Workflow[In, R]) -> None:
    """A script that is imported for its tasks does not run its workflows; nor does a workflow or task run one so."""
    if RUNTIME.get() is not None:
        raise NoExecution(f"workflow {workflow.name!r} cannot be run from inside an execution")
    if is_pinned(workflow.fn.__module__):
        raise ImportEnds


def _check_id(execution_id: object) -> None:
    """An empty id is refused like a wrong one: it is a variable that nobody has set."""
    if execution_id is None or (isinstance(execution_id, str) and 0 < len(execution_id.strip()) <= LONGEST_ID):
        return
    raise InvalidInput(f"execution_id must be a text of 1..{LONGEST_ID} characters, got {execution_id!r:.80}")
