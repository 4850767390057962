"""What authoring talks to: the runtime of a workflow's body, and that of a task's.

In a workflow's body everything goes through the log and resolves on the private loop. In a task's body
a call or a pause is nested: its place is in the frame of that attempt, and it resolves on the real loop.
"""

import inspect
from asyncio import events
from collections.abc import Awaitable
from datetime import datetime
from random import Random

from flux.clock import to_datetime
from flux.context import ExecutionContext
from flux.core.identity import Scope
from flux.errors import InvalidDefinition, NotInWorkflow
from flux.runtime import PendingCall, TaskSpec
from flux.worker.body_tasks import BodyTask
from flux.worker.frames import BodyFrame
from flux.worker.place import Place
from flux.worker.program import Program


class Pending:
    """A call whose place in the program is known and which has not begun."""

    __slots__ = ("_args", "_frame", "_kwargs", "_name", "_program", "_spec", "id")

    def __init__(
        self,
        program: Program,
        frame: BodyFrame | None,
        scope: Scope,
        spec: TaskSpec,
        args: tuple[object, ...],
        kwargs: dict[str, object],
    ) -> None:
        self._program = program
        self._frame = frame
        self._spec = spec
        self._args = args
        self._kwargs = kwargs
        name = spec.name
        if "{" in name:
            self._name = rendered(spec, args, kwargs)
            name = spec.fn.__name__  # the place of a call does not depend on what it is called with
        else:
            self._name = name
        self.id = scope.call(name)

    def start(self) -> Awaitable[object]:
        """Begin it. The awaitable gives the decoded stored value or raises the task's error."""
        return self._program.start_call(self._frame, self.id, self._name, self._spec, self._args, self._kwargs)


def rendered(spec: TaskSpec, args: tuple[object, ...], kwargs: dict[str, object]) -> str:
    """The name of a call whose task is named by a template over its arguments."""
    try:
        bound = inspect.signature(spec.fn).bind_partial(*args, **kwargs)
        bound.apply_defaults()
        return spec.name.format(**bound.arguments)
    except (LookupError, AttributeError, TypeError, ValueError) as exc:
        raise InvalidDefinition(f"the name {spec.name!r} does not fit the call's arguments: {exc!r}") from exc


class WorkflowRuntime:
    """The runtime of a workflow's body."""

    def __init__(self, session: Place, program: Program) -> None:
        self._session = session
        self._program = program

    @property
    def context(self) -> ExecutionContext[object]:
        """The execution that is running here."""
        return self._session.context

    def call(self, spec: TaskSpec, args: tuple[object, ...], kwargs: dict[str, object]) -> PendingCall:
        """A call of the task at this place of the program; its id is taken now."""
        return Pending(self._program, None, self._scope(spec.name), spec, args, kwargs)

    def pause(self, name: str, output: object) -> Awaitable[object]:
        """Open a pause; gives what it is resumed with."""
        return self._program.pause(None, self._scope("pause()").call(f"pause:{name}"), name, output)

    def sleep(self, milliseconds: int) -> Awaitable[None]:
        """Sleep durably."""
        return self._program.sleep(None, self._scope("sleep()").call("~sleep"), milliseconds)

    def now(self) -> datetime:
        """The instant of the last thing delivered."""
        return to_datetime(self._session.loop.instant)

    def random(self, name: str) -> Random:
        """A generator seeded by the execution and this place of the program."""
        place = self._scope(name).call(f"~{name}")
        return Random(f"{self._session.execution}\0{place}")  # noqa: S311 - it must repeat, not keep a secret

    def _scope(self, what: str) -> Scope:
        loop = self._session.loop
        loop.require_turn(what)
        return loop.current_scope()


class BodyRuntime:
    """The runtime of a task's body."""

    def __init__(self, session: Place, program: Program, frame: BodyFrame) -> None:
        self._session = session
        self._program = program
        self._frame = frame

    @property
    def context(self) -> ExecutionContext[object]:
        """The execution that is running here."""
        return self._session.context

    def call(self, spec: TaskSpec, args: tuple[object, ...], kwargs: dict[str, object]) -> PendingCall:
        """A nested call; its id is taken now."""
        return Pending(self._program, self._frame, self._scope(f"task {spec.name!r}"), spec, args, kwargs)

    def adopt(self, task: BodyTask) -> None:
        """The body has created a task."""
        self._frame.adopt(task)

    def pause(self, name: str, output: object) -> Awaitable[object]:
        """Open a pause; gives what it is resumed with."""
        return self._program.pause(self._frame, self._scope("pause()").call(f"pause:{name}"), name, output)

    def sleep(self, milliseconds: int) -> Awaitable[None]:
        """Sleep durably."""
        return self._program.sleep(self._frame, self._scope("sleep()").call("~sleep"), milliseconds)

    def now(self) -> datetime:
        """The clock's instant: a body is not replayed."""
        return to_datetime(self._session.stamp())

    def random(self, name: str) -> Random:
        """A generator seeded by the execution and this place of the body."""
        place = self._frame.scope.call(f"~{name}")
        return Random(f"{self._session.execution}\0{place}")  # noqa: S311 - it must repeat, not keep a secret

    def _scope(self, what: str) -> Scope:
        if events._get_running_loop() is not self._session.worker.real_loop:  # noqa: SLF001 - as get_running_loop(), without an error
            raise NotInWorkflow(f"{what} in a `def` body or a thread; only the body of an `async def` task can do that")
        self._frame.require_open(what)
        return self._frame.scope
