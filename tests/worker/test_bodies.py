"""Bodies: what they begin with, where they run, how long they may."""

import asyncio
import contextvars
import gc
import threading
import weakref
from dataclasses import replace
from typing import Any

from flux.context import ExecutionContext
from flux.runtime import RUNTIME, current
from flux.task import Task, task
from flux.tasks import now, uuid4
from flux.worker.output import ORIGIN
from tests.worker.playing import error_of, output_of, play

HELD: contextvars.ContextVar[str] = contextvars.ContextVar("held", default="nothing")


def test_a_body_begins_with_an_empty_context():
    """What a workflow has in its context is not recorded, so no body may depend on it."""

    @task
    async def looks() -> str:
        return HELD.get()

    async def flow(ctx: Any) -> str:
        HELD.set("something")
        return await looks()

    assert output_of(play(flow)) == "nothing"


def test_a_workflow_begins_with_an_empty_context():
    """Nor may a workflow depend on what the worker has in its own."""
    HELD.set("the test's")

    async def flow(ctx: Any) -> str:
        return HELD.get()

    assert output_of(play(flow)) == "nothing"


def test_output_is_attributed_to_the_call_and_attempt():
    """Also that of tasks which a body creates."""
    seen: list[tuple[str | None, int]] = []

    def look() -> None:
        origin = ORIGIN.get()
        assert origin is not None
        seen.append((origin.call, origin.attempt))

    @task
    async def body() -> None:
        async def child() -> None:
            look()

        await asyncio.create_task(child())

    async def flow(ctx: Any) -> None:
        look()
        await body()

    play(flow)

    assert seen == [(None, 0), ("body#1", 1)]


def test_a_body_has_a_task_of_the_real_loop():
    """`current_task`, `timeout` and task groups work in it as anywhere."""

    @task
    async def body() -> Any:
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(1))
        return asyncio.current_task() is not None

    async def flow(ctx: Any) -> Any:
        return await body()

    assert output_of(play(flow)) is True


def test_a_body_and_its_workflow_know_their_execution():
    """`ExecutionContext.get()` gives the same in both."""

    @task
    async def body() -> str:
        return (await ExecutionContext.get()).execution_id

    async def flow(ctx: ExecutionContext[int]) -> Any:
        return ctx.input, (await ExecutionContext.get()).execution_id, await body(), len(ctx.events), ctx.attempt

    assert output_of(play(flow, 5)) == (5, "E1", "E1", 2, 1)


def test_chance_and_time_in_a_body_are_its_own():
    """Chance is drawn from the place in the attempt; the time is the clock's, since a body is not replayed."""

    @task
    async def body() -> Any:
        first = await now()
        await asyncio.sleep(2)
        return (await now() - first).total_seconds(), str(await uuid4()) != str(await uuid4())

    async def flow(ctx: Any) -> Any:
        return await body()

    assert output_of(play(flow)) == (2.0, True)


def test_chance_repeats_on_replay():
    """It needs no record: the place and the execution say what it is."""

    async def flow(ctx: Any) -> Any:
        first = str(await uuid4())
        await asyncio.sleep(1)
        return first, str(await uuid4())

    assert output_of(play(flow, linger=lambda: 0.1)) == output_of(play(flow))


def _in_thread(fn: Any, **options: Any) -> Task[Any, Any]:
    made = task.with_options(**options)(fn)
    made.spec = replace(made.spec, place="thread")
    return made


def test_a_body_that_no_process_can_find_runs_in_a_thread():
    """With its context; it does not hold the loop."""

    def body(x: int) -> Any:
        origin = ORIGIN.get()
        return x + 1, threading.current_thread() is threading.main_thread(), origin and origin.call

    threaded = _in_thread(body)

    async def flow(ctx: Any) -> Any:
        return await threaded(1)

    assert output_of(play(flow)) == (2, False, "body#1")


def test_a_failure_in_a_thread_is_a_failure_of_the_task():
    """As the exception that it is."""

    def body() -> None:
        raise KeyError("gone")

    threaded = _in_thread(body)

    async def flow(ctx: Any) -> None:
        await threaded()

    assert isinstance(error_of(play(flow)), KeyError)


def test_outside_of_an_execution_there_is_no_runtime():
    """What a body had does not leak into the worker's loop."""

    @task
    async def body() -> bool:
        return current("x") is not None

    async def flow(ctx: Any) -> bool:
        return await body()

    assert output_of(play(flow)) is True
    assert RUNTIME.get() is None


def test_a_body_that_has_ended_is_gone_without_the_garbage_collector():
    """No circle is left of a task: collecting them would cost a busy worker a tenth of its time."""
    tasks: list[weakref.ref[Any]] = []

    @task
    async def body() -> None:
        tasks.append(weakref.ref(asyncio.current_task()))

    async def flow(ctx: Any) -> int:
        for _ in range(5):
            await body()
        return sum(one() is not None for one in tasks[:-1])

    gc.disable()
    try:
        alive = output_of(play(flow))
    finally:
        gc.enable()

    assert alive == 0
