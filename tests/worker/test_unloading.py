"""Unloading an execution that rests, and going on elsewhere."""

import asyncio
from typing import Any

from flux.core.events import EventType as T
from flux.task import task
from flux.tasks import pause, sleep
from tests.worker.playing import answering, output_of, play, until
from tests.worker.scripted import ScriptedDaemon


@task
async def double(x: int) -> int:
    return 2 * x


@task
async def slow(x: int) -> int:
    await asyncio.sleep(10)
    return x


def test_a_resting_execution_is_unloaded_and_goes_on_elsewhere():
    """The next worker replays it; nothing runs twice, and the workflow notices nothing."""
    ran: list[int] = []

    @task
    async def counted(x: int) -> int:
        ran.append(x)
        return x

    async def flow(ctx: Any) -> Any:
        first = await counted(1), await pause("a"), await counted(2)
        await sleep(3)
        return *first, await counted(3)

    daemon = play(flow, resume=answering, linger=lambda: 0.1)

    assert output_of(daemon) == (1, "a", 2, 3)
    assert ran == [1, 2, 3]
    assert len(daemon.hosts) == 3


def test_an_execution_that_is_busy_is_not_unloaded():
    """A wish to unload that crosses a wake-up is not answered."""

    async def flow(ctx: Any) -> int:
        return await slow(5)

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TASK_STARTED slow#1")
        daemon.release()

    daemon = play(flow, script=script)

    assert output_of(daemon) == 5
    assert len(daemon.hosts) == 1


def test_a_parked_body_is_closed_and_not_cancelled():
    """Unloading must not look like a cancel: an author's clean-up of a cancel may have effects."""
    seen: list[str] = []

    @task
    async def asks() -> object:
        try:
            answer = await pause("in a body")
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        except GeneratorExit:
            seen.append("closed")
            raise
        seen.append("answered")
        return answer

    async def flow(ctx: Any) -> object:
        return await asks()

    daemon = play(flow, resume=answering, linger=lambda: 0.1)

    assert output_of(daemon) == "in a body"
    assert seen == ["closed", "answered"]
    assert [event.attempt for event in daemon.ledger.of(T.TASK_STARTED)] == [1, 1]


def test_a_parked_body_goes_on_where_it_is_if_it_is_still_loaded():
    """No second run for an answer that comes soon; its timeout stood still meanwhile."""
    runs: list[int] = []

    @task.with_options(timeout=2)
    async def asks() -> object:
        runs.append(1)
        answer = await pause("in a body")
        await sleep(5)
        await asyncio.sleep(1)
        return answer

    async def flow(ctx: Any) -> object:
        return await asks()

    daemon = play(flow, resume=lambda name, output: (100.0, "late"))

    assert output_of(daemon) == "late"
    assert runs == [1]
    assert "WORKFLOW_PAUSED" in daemon.ledger.steps
