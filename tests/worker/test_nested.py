"""Calls and waits in the bodies of tasks: their places, and what a body that runs again finds of them."""

import asyncio
import threading
from typing import Any

import pytest

from flux.core.events import EventType as T
from flux.errors import NotInWorkflow
from flux.runtime import current
from flux.task import task
from flux.tasks import pause, sleep
from tests.worker.playing import answering, output_of, play, until
from tests.worker.scripted import ScriptedDaemon

ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    """No body has run."""
    ran.clear()


@task
async def inner(x: object) -> str:
    ran.append(f"inner {x}")
    return f"inner {x}"


@task
async def slow(x: object) -> str:
    ran.append(f"slow {x}")
    await asyncio.sleep(10)
    return f"slow {x}"


def test_nested_calls_have_their_place_in_the_attempt():
    """A second attempt is a new frame; the log says in whose body a call was made."""

    @task.with_options(retry_max_attempts=1, retry_delay=0)
    async def outer() -> list[str]:
        ran.append("outer")
        got = await asyncio.gather(inner(1), inner(2))
        if len(ran) < 5:
            raise ValueError
        return list(got)

    async def flow(ctx: Any) -> list[str]:
        return await outer()

    daemon = play(flow)

    assert output_of(daemon) == ["inner 1", "inner 2"]
    nested = [(event.call, event.parent) for event in daemon.ledger.of(T.TASK_STARTED) if event.parent]
    assert nested == [
        ("outer#1@1/inner#1", "outer#1"),
        ("outer#1@1/inner#2", "outer#1"),
        ("outer#1@2/inner#1", "outer#1"),
        ("outer#1@2/inner#2", "outer#1"),
    ]


def test_a_body_that_runs_again_finds_what_it_had_done():
    """Only the attempt's own end ends it: nested outcomes of the lost run are given at once."""

    @task
    async def outer() -> Any:
        ran.append("outer")
        return await inner(1), await slow(2), await inner(3)

    async def flow(ctx: Any) -> Any:
        return await outer()

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TASK_STARTED outer#1@1/slow#1")
        await asyncio.sleep(1)
        daemon.kill()

    daemon = play(flow, script=script)

    assert output_of(daemon) == ("inner 1", "slow 2", "inner 3")
    assert ran == ["outer", "inner 1", "slow 2", "outer", "slow 2", "inner 3"]


def test_other_arguments_drop_the_rest_of_the_frame():
    """Bodies may do what they like: another course of events is no divergence, and takes nothing of the first."""
    seeds = iter("ab")

    @task
    async def outer() -> Any:
        seed = next(seeds)
        return await inner("same"), await inner(seed), await inner("rest"), await slow("end")

    async def flow(ctx: Any) -> Any:
        return await outer()

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TASK_STARTED outer#1@1/slow#1")
        daemon.kill()

    daemon = play(flow, script=script)

    assert output_of(daemon) == ("inner same", "inner b", "inner rest", "slow end")
    assert ran == ["inner same", "inner a", "inner rest", "slow end", "inner b", "inner rest", "slow end"]


def test_a_dropped_course_is_not_found_by_a_third_run_either():
    """The log has both; the later begins count."""
    seeds = iter("abb")

    @task
    async def outer() -> Any:
        return await inner(next(seeds)), await inner("rest"), await slow("end")

    async def flow(ctx: Any) -> Any:
        return await outer()

    async def script(daemon: ScriptedDaemon) -> None:
        for times in (1, 2):
            while daemon.ledger.steps.count("TASK_STARTED outer#1@1/slow#1") < times:  # noqa: ASYNC110 - virtual time
                await asyncio.sleep(0.1)
            await asyncio.sleep(1)
            daemon.kill()

    daemon = play(flow, script=script)

    assert output_of(daemon) == ("inner b", "inner rest", "slow end")
    assert ran.count("inner b") == 1
    assert ran.count("inner rest") == 2


def test_a_nested_delay_goes_on_where_it_was():
    """The failed attempt of the nested call counts, and its timer too."""
    failing = [1]

    @task.with_options(retry_max_attempts=1, retry_delay=10)
    async def fragile() -> str:
        ran.append("fragile")
        if failing:
            failing.pop()
            raise ValueError
        return "done"

    @task
    async def outer() -> str:
        return await fragile()

    async def flow(ctx: Any) -> str:
        return await outer()

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TASK_ATTEMPT_FAILED outer#1@1/fragile#1")
        await asyncio.sleep(1)
        daemon.kill()

    daemon = play(flow, script=script)

    assert output_of(daemon) == "done"
    assert ran == ["fragile", "fragile"]
    assert [event.attempt for event in daemon.ledger.of(T.TASK_STARTED) if event.parent] == [1, 2]


def test_waits_in_a_body_are_durable():
    """A pause and a sleep in a body survive the worker; what ended them is found again."""

    @task
    async def outer() -> object:
        ran.append("outer")
        answer = await pause("go", output=1)
        await sleep(5)
        return answer, await slow("end")

    async def flow(ctx: Any) -> object:
        return await outer()

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TASK_STARTED outer#1@1/slow#1")
        daemon.kill()

    daemon = play(flow, script=script, resume=answering, linger=lambda: 0.1)

    assert output_of(daemon) == ("go", "slow end")
    (opened,) = daemon.ledger.of(T.PAUSE_OPENED)
    assert (opened.call, opened.parent, opened.name) == ("outer#1@1/pause:go#1", "outer#1", "go")
    assert len(daemon.ledger.of(T.TIMER_FIRED)) == 1


def test_what_a_body_leaves_behind_ends_with_it():
    """Its calls are cancelled, its pauses are closed."""

    @task
    async def outer() -> str:
        kept.append(asyncio.create_task(slow("left")))
        kept.append(asyncio.create_task(pause("left")))
        await asyncio.sleep(1)
        return "done"

    kept: list[asyncio.Task[Any]] = []

    async def flow(ctx: Any) -> str:
        return await outer()

    daemon = play(flow)

    assert output_of(daemon) == "done"
    assert "TASK_CANCELLED outer#1@1/slow#1" in daemon.ledger.steps
    assert daemon.ledger.of(T.PAUSE_CLOSED)[0].call == "outer#1@1/pause:left#1"
    assert daemon.ledger.steps[-1] == "WORKFLOW_COMPLETED"


def test_a_cancelled_body_cancels_what_it_waits_for():
    """From the outside in, each with its record."""

    @task
    async def outer() -> str:
        return await slow("x")

    async def flow(ctx: Any) -> str:
        try:
            async with asyncio.timeout(1):
                return await outer()
        except TimeoutError:
            return "late"

    daemon = play(flow)

    assert output_of(daemon) == "late"
    assert daemon.ledger.steps[-3:] == [
        "TASK_CANCELLED outer#1@1/slow#1", "TASK_CANCELLED outer#1", "WORKFLOW_COMPLETED",
    ]  # fmt: skip


def test_a_nested_call_after_the_body_is_refused():
    """A frame that has ended has no places any more."""
    errors: list[BaseException] = []

    @task
    async def outer() -> str:
        async def late() -> None:
            await asyncio.sleep(1)
            try:
                await inner(1)
            except NotInWorkflow as error:
                errors.append(error)

        kept.append(asyncio.create_task(late()))
        return "done"

    kept: list[asyncio.Task[Any]] = []

    async def flow(ctx: Any) -> str:
        result = await outer()
        await sleep(5)
        return result

    assert output_of(play(flow)) == "done"
    assert "after the body of 'outer' has ended" in str(errors[0])


def test_a_thread_of_a_body_cannot_call_tasks():
    """Nor can a `def` body: only the loop of the worker may."""
    errors: list[BaseException] = []

    @task
    async def outer() -> None:
        runtime = current("x")

        def threaded() -> None:
            try:
                runtime.call(inner.spec, (1,), {})
            except NotInWorkflow as error:
                errors.append(error)

        thread = threading.Thread(target=threaded)
        thread.start()
        thread.join()

    async def flow(ctx: Any) -> None:
        await outer()

    play(flow)

    assert "only the body of an `async def` task" in str(errors[0])
