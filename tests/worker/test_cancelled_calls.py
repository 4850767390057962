"""Cancelling a call: it ends in its own time, and the log knows."""

import asyncio
from typing import Any

from flux.core.events import EventType as T
from flux.task import task
from flux.tasks import sleep
from tests.worker.playing import Failing, events, output_of, play
from tests.worker.scripted import ScriptedDaemon


@task
async def double(x: int) -> int:
    return 2 * x


@task
async def slow(x: int) -> int:
    await asyncio.sleep(10)
    return x


def test_a_cancelled_call_waits_for_its_clean_up():
    """CancelledError reaches the await when the body has ended, and that is recorded."""
    order: list[str] = []

    @task
    async def careful() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(1)
            order.append("clean")

    async def flow(ctx: Any) -> float:
        running = asyncio.create_task(careful())
        await sleep(2)
        running.cancel()
        try:
            await running
        except asyncio.CancelledError:
            order.append("told")
        return asyncio.get_running_loop().time()

    daemon = play(flow)

    assert order == ["clean", "told"]
    assert events(daemon, "careful#1") == ["STARTED", "CANCELLED"]


def test_a_cancelled_call_is_rolled_back():
    """The undo runs before the workflow hears of it."""
    order: list[str] = []

    async def undo() -> None:
        order.append("undo")

    @task.with_options(rollback=undo)
    async def careful() -> None:
        await asyncio.sleep(10)

    async def flow(ctx: Any) -> None:
        try:
            async with asyncio.timeout(1):
                await careful()
        except TimeoutError:
            order.append("told")

    daemon = play(flow)

    assert order == ["undo", "told"]
    assert events(daemon, "careful#1") == ["STARTED", "ROLLBACK_STARTED", "ROLLBACK_COMPLETED", "CANCELLED"]


def test_a_value_that_comes_all_the_same_is_delivered():
    """A body that answers a cancel with a value has a value; nobody's work is thrown away."""

    @task
    async def stubborn() -> str:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            return "nearly done anyway"
        return "no"

    async def flow(ctx: Any) -> str:
        async with asyncio.timeout(1):
            return await stubborn()

    assert output_of(play(flow)) == "nearly done anyway"


def test_a_call_cancelled_before_it_was_asked_for_never_existed():
    """No begin, no fact, no wait."""

    async def flow(ctx: Any) -> int:
        never = asyncio.create_task(slow(1))
        await asyncio.sleep(0)
        never.cancel()
        return await double(1)

    daemon = play(flow)

    assert output_of(daemon) == 2
    assert daemon.ledger.steps[2:] == ["TASK_STARTED double#1", "TASK_COMPLETED double#1", "WORKFLOW_COMPLETED"]


def test_a_call_cancelled_while_it_is_asked_for_runs_no_body():
    """The begin stands in the log by then, so its end does too."""
    ran: list[int] = []

    @task
    async def body() -> None:
        ran.append(1)

    async def flow(ctx: Any) -> None:
        await body()

    async def script(daemon: ScriptedDaemon) -> None:
        await asyncio.sleep(0.15)
        daemon.cancel()

    daemon = play(flow, script=script, delay=lambda: 0.1)

    assert ran == []
    assert events(daemon, "body#1") == ["STARTED", "CANCELLED"]


def test_a_call_cancelled_in_a_delay_is_over():
    """No further attempt; the timer is closed."""
    failing = Failing(1)

    @task.with_options(retry_max_attempts=3, retry_delay=100)
    async def fragile() -> str:
        return await failing()

    async def flow(ctx: Any) -> str:
        try:
            async with asyncio.timeout(5):
                return await fragile()
        except TimeoutError:
            return "late"

    daemon = play(flow)

    assert output_of(daemon) == "late"
    assert daemon.clock.monotonic() < 10_000
    assert events(daemon, "fragile#1")[-1] == "CANCELLED"


def test_a_body_that_ignores_a_cancel_is_given_up():
    """Thirty seconds of clean-up are enough; the workflow goes on without it."""

    @task
    async def deaf() -> None:
        while True:
            try:
                await asyncio.sleep(1_000)
            except asyncio.CancelledError:
                await asyncio.sleep(1_000)

    async def flow(ctx: Any) -> str:
        try:
            async with asyncio.timeout(1):
                await deaf()
        except TimeoutError:
            return "late"
        return "no"

    daemon = play(flow)

    assert output_of(daemon) == "late"
    assert 31_000 <= daemon.ledger.events[-1].instant - daemon.ledger.events[0].instant < 32_000


def test_within_an_anyio_scope_the_await_ends_at_once():
    """anyio repeats its cancel until the task has ended; the call ends in its own time behind it."""
    order: list[str] = []

    @task
    async def careful() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(1)
            order.append("clean")

    async def flow(ctx: Any) -> str:
        running = asyncio.create_task(careful())
        await sleep(2)
        running.cancel(msg="Cancelled by cancel scope 7f00")
        try:
            await running
        except asyncio.CancelledError:
            order.append("told")
        return "done"

    daemon = play(flow)

    assert order == ["told", "clean"]
    assert events(daemon, "careful#1") == ["STARTED", "CANCELLED"]
    assert daemon.ledger.events[-1].type is T.WORKFLOW_COMPLETED
