"""The door between what authors import and what runs it.

Authoring never does I/O: a task that is called, a pause, a sleep talk to the `Runtime` held in the
context variable `RUNTIME`. The worker sets one for the workflow's private loop and one for the body
of each attempt; elsewhere there is none, and a call raises `NoExecution`.

Durations are int milliseconds here; authors write seconds.
"""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Protocol

from flux.core.retry import RetryPolicy
from flux.errors import NoExecution


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """Everything about a task that running it needs.

    Attributes:
        name: as declared; may be a template over the arguments (`"get_{key}"`).
        fn: the author's function.
        is_async: `async def` (runs on the worker's loop) or `def` (runs in a task process).
        place: "loop", "process" or "thread": where bodies run.
        timeout: of one attempt, from the start of its body; 0 for none.
        fallback, rollback: called with the task's arguments; plain functions, async functions or tasks.
        exempt: needs no permission.
        injects: names of the keywords the runtime adds ("metadata").
    """

    name: str
    fn: Callable[..., object]
    is_async: bool
    place: str
    retry: RetryPolicy
    timeout: int = 0
    fallback: Callable[..., object] | None = None
    rollback: Callable[..., object] | None = None
    exempt: bool = False
    injects: frozenset[str] = frozenset()


class PendingCall(Protocol):
    """A call whose place in the program is known and which has not begun."""

    @property
    def id(self) -> str:
        """The call id."""
        ...

    def start(self) -> Awaitable[object]:
        """Begin it. The awaitable gives the decoded stored value or raises the task's error."""
        ...


class Runtime(Protocol):
    """What authoring may ask of the place it runs in."""

    @property
    def context(self) -> object:
        """The `ExecutionContext` of the execution that is running here."""
        ...

    def call(self, spec: TaskSpec, args: tuple[object, ...], kwargs: dict[str, object]) -> PendingCall:
        """A call of the task at this place of the program; its id is taken now."""
        ...

    def pause(self, name: str, output: object) -> Awaitable[object]:
        """Open a pause; gives what it is resumed with."""
        ...

    def sleep(self, milliseconds: int) -> Awaitable[None]:
        """Sleep durably."""
        ...

    def now(self) -> datetime:
        """The instant of the last thing delivered (in a workflow body), else the clock's."""
        ...

    def random(self, name: str) -> Random:
        """A generator seeded by the execution and this place of the program."""
        ...


RUNTIME: ContextVar[Runtime | None] = ContextVar("flux_runtime", default=None)


class ImportEnds(BaseException):
    """A script that is being imported for its tasks would run a workflow: its import ends there, with what it has.

    No Exception, so that no author's `except Exception` swallows it.
    """


def current(what: str) -> Runtime:
    """The runtime of the execution that is running here.

    Raises:
        NoExecution: there is none; `what` says what was tried.
    """
    runtime = RUNTIME.get()
    if runtime is None:
        raise NoExecution(f"{what} needs a running workflow; outside of one, call the plain function (`.fn`)")
    return runtime
