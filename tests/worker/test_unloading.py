"""Unloading an execution that rests, and going on elsewhere."""

import asyncio
from typing import Any

from flux.core.events import ABANDONED
from flux.core.events import EventType as T
from flux.errors import TaskTimeout
from flux.task import task
from flux.tasks import pause, sleep
from tests.worker.playing import answering, error_of, output_of, play, until
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


# ---------------------------------------------------------------------- bodies that wait, and do not


def _rests(body: Any, **options: Any) -> bool:
    """Whether the execution comes to rest while this body waits."""

    async def flow(ctx: Any) -> Any:
        return await task(body)()

    daemon = play(flow, resume=lambda name, output: (20.0, name), **options)
    assert daemon.ledger.end is not None
    return "WORKFLOW_PAUSED" in daemon.ledger.steps


async def only_waits() -> Any:
    return await pause("a")


async def gathers_waits() -> Any:
    return await asyncio.gather(pause("a"), sleep(30), pause("b"))


async def waits_for_a_child() -> Any:
    return await asyncio.create_task(only_waits())


async def waits_beside_work() -> Any:
    return await asyncio.gather(pause("a"), asyncio.sleep(30))


async def waits_while_a_child_works() -> Any:
    working = asyncio.create_task(asyncio.sleep(30))
    answer = await pause("a")
    await working
    return answer


def test_a_body_that_only_waits_does_not_run():
    """Whether it waits for one thing or for several, by itself or by its tasks."""
    assert _rests(only_waits)
    assert _rests(gathers_waits)
    assert _rests(waits_for_a_child)
    assert _rests(gathers_waits, linger=lambda: 0.1)


def test_a_body_that_does_something_beside_runs():
    """It would lose its work if it were unloaded."""
    assert not _rests(waits_beside_work)
    assert not _rests(waits_while_a_child_works)


def test_a_body_that_goes_on_by_itself_wakes_its_execution():
    """A timeout around a pause ends it without the daemon: the facts wait until the execution runs again."""

    @task
    async def impatient() -> Any:
        try:
            async with asyncio.timeout(5):
                return await pause("a")
        except TimeoutError:
            return await double(21)

    async def flow(ctx: Any) -> Any:
        return await impatient(), await pause("b")

    daemon = play(flow, resume=lambda name, output: None if name == "a" else (1.0, name))

    assert output_of(daemon) == (42, "b")
    assert "WORKFLOW_PAUSED" in daemon.ledger.steps
    assert [event.detail for event in daemon.ledger.of(T.PAUSE_CLOSED)] == [ABANDONED, None]


def test_the_time_of_a_body_stands_still_only_while_it_waits():
    """A pause beside work does not make the work endless."""

    @task.with_options(timeout=10)
    async def works() -> None:
        await asyncio.gather(pause("a"), asyncio.sleep(100))

    async def flow(ctx: Any) -> None:
        await works()

    daemon = play(flow)

    assert isinstance(error_of(daemon), TaskTimeout)
    assert daemon.clock.monotonic() < 20_000
