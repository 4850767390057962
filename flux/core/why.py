"""One sentence for every execution: what it is doing or waiting for, and what happens next.

Pure: it is told the instant. Sentences are lower case and end without a full stop, so that they fit
into a table as they are.
"""

from collections.abc import Callable, Mapping
from typing import Final

from flux.core.execution import Execution, State, Wait

_SECOND: Final = 1000
_UNITS: Final = (("d", 86_400 * _SECOND), ("h", 3_600 * _SECOND), ("m", 60 * _SECOND), ("s", _SECOND))


def why(execution: Execution, now: int) -> str:
    """The sentence for this execution at this instant."""
    return _SENTENCES[execution.state](execution, now)


def duration(milliseconds: int) -> str:
    """A duration in the largest unit that fits, rounded down: `3h`, `12s`, `0s`."""
    for unit, size in _UNITS:
        if milliseconds >= size:
            return f"{milliseconds // size}{unit}"
    return "0s"


def _queued(execution: Execution, now: int) -> str:
    if execution.alone:
        died = f" ({execution.deaths} died with it alone)" if execution.deaths else ""
        return f"waits for a worker of its own, since its last one died{died}"
    return f"waits for a free slot since {duration(now - execution.updated)}"


def _running(execution: Execution, now: int) -> str:
    where = f" on worker {execution.worker}" if execution.worker else ""
    bodies = list(execution.bodies)
    pauses = [wait for wait in execution.waits.values() if wait.kind == "pause"]
    beside = f"; {_pauses(pauses, now)}" if pauses else ""
    if not bodies:
        return f"running its workflow code{where}{beside}"
    if len(bodies) == 1:
        attempt = execution.bodies[bodies[0]]
        again = f", attempt {attempt}" if attempt > 1 else ""
        return f"running {_task(bodies[0])}{again}{where}{beside}"
    return f"running {len(bodies)} tasks, {_task(bodies[0])} first{where}{beside}"


def _waiting(execution: Execution, now: int) -> str:
    due = [(wait.due, call) for call, wait in execution.waits.items() if wait.kind == "timer"]
    if not due:
        return "waits"
    soonest, call = min(due)
    task, _, attempt = call.rpartition("@")
    left = duration(max(0, soonest - now))
    if task and attempt.isdigit():
        return f"{_task(task)} failed in attempt {attempt}; attempt {int(attempt) + 1} in {left}"
    return f"sleeps, wakes in {left}"


def _paused(execution: Execution, now: int) -> str:
    return _pauses([wait for wait in execution.waits.values() if wait.kind == "pause"], now)


def _cancelling(execution: Execution, now: int) -> str:
    bodies = len(execution.bodies)
    if bodies:
        return f"is being cancelled: {bodies} running task{'s' if bodies > 1 else ''} must end first"
    if execution.worker is None:
        return "is being cancelled: waits for a free slot to clean up"
    return "is being cancelled: cleaning up"


def _failed(execution: Execution, now: int) -> str:
    return f"failed: {execution.reason or 'for an unknown reason'}"


def _pauses(pauses: list[Wait], now: int) -> str:
    first = min(pauses, key=lambda wait: wait.opened, default=None)
    if first is None:
        return "paused"
    more = f" and {len(pauses) - 1} more" if len(pauses) > 1 else ""
    return f"waits for an answer to {first.name or 'a pause'}{more} since {duration(now - first.opened)}"


def _task(call: str) -> str:
    """The name of the task in a call id."""
    return call.rpartition("/")[2].partition("#")[0]


_SENTENCES: Final[Mapping[State, Callable[[Execution, int], str]]] = {
    State.QUEUED: _queued,
    State.RUNNING: _running,
    State.WAITING: _waiting,
    State.PAUSED: _paused,
    State.CANCELLING: _cancelling,
    State.COMPLETED: lambda execution, now: f"completed in {duration(execution.finished - execution.created)}",
    State.FAILED: _failed,
    State.CANCELLED: lambda execution, now: "was cancelled",
}
