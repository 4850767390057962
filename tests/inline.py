"""A `Runtime` for tests of what authors import: it runs every call where it is awaited and keeps what was asked.

No log, no replay, no process: `def` bodies run at once too. Ids count calls of one name, whatever the scope.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from flux.context import ExecutionContext, ExecutionState, TaskMetadata
from flux.runtime import RUNTIME, PendingCall, Runtime, TaskSpec

INSTANT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class InlineRuntime:
    """Answers at once. `placed` are the ids of calls in the order they were made, `begun` of those that began."""

    answers: Mapping[str, object] = field(default_factory=dict)
    placed: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    paused: list[tuple[str, object]] = field(default_factory=list)
    slept: list[int] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def context(self) -> ExecutionContext[object]:
        """A running execution."""
        return ExecutionContext(
            execution_id="E1",
            workflow_namespace="default",
            workflow_name="inline",
            input=None,
            state=ExecutionState.RUNNING,
        )

    def _place(self, name: str) -> str:
        self.counts[name] += 1
        return f"{name}#{self.counts[name]}"

    def call(self, spec: TaskSpec, args: tuple[object, ...], kwargs: dict[str, object]) -> PendingCall:
        """Takes the id, begins nothing."""
        place = self._place(spec.name)
        self.placed.append(place)
        return _InlineCall(self, place, spec, args, kwargs)

    async def pause(self, name: str, output: object) -> object:
        """What `answers` says for this name."""
        self.paused.append((name, output))
        return self.answers.get(name)

    async def sleep(self, milliseconds: int) -> None:
        """Sleeps for one turn of the loop."""
        self.slept.append(milliseconds)
        await asyncio.sleep(0)

    def now(self) -> datetime:
        """Always the same."""
        return INSTANT

    def random(self, name: str) -> Random:
        """Seeded by the place."""
        return Random(self._place(name))


@dataclass
class _InlineCall:
    runtime: InlineRuntime
    id: str
    spec: TaskSpec
    args: tuple[object, ...]
    kwargs: dict[str, object]

    def start(self) -> Awaitable[object]:
        """The body, begun now."""
        self.runtime.begun.append(self.id)
        return self._body()

    async def _body(self) -> object:
        metadata = TaskMetadata(
            task_id=self.id, task_name=self.spec.name, execution_id="E1", attempt=1, idempotency_key=f"E1/{self.id}"
        )
        result = self.spec.fn(*self.args, **self.kwargs, **dict.fromkeys(self.spec.injects, metadata))
        return await result if isinstance(result, Awaitable) else result


@contextmanager
def running(runtime: InlineRuntime | None = None) -> Iterator[InlineRuntime]:
    """An execution runs here, on `runtime`."""
    runtime = runtime or InlineRuntime()
    as_a_runtime: Runtime = runtime  # so that mypy says when the protocol and this drift apart
    token = RUNTIME.set(as_a_runtime)
    try:
        yield runtime
    finally:
        RUNTIME.reset(token)
