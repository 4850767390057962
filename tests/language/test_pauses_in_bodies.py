"""Pauses in the body of a task, beside other things that the body does."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from flux.context import ExecutionContext
from flux.task import task
from flux.tasks.parallel import parallel
from flux.tasks.pause import pause
from flux.workflow import workflow
from tests.worker.playing import output_of, play, until
from tests.worker.scripted import ScriptedDaemon


@task
async def echo(value: object) -> object:
    """A nested call."""
    return value


async def _gathered() -> list[object]:
    results: list[object] = await asyncio.gather(pause("a"), echo(1), pause("b"))
    return results


async def _in_parallel() -> list[object]:
    results: list[object] = await parallel(pause("a"), echo(1), pause("b"))
    return results


async def _in_a_task_group() -> list[object]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in (pause("a"), echo(1), pause("b"))]
    return [each.result() for each in tasks]


async def _waited_for() -> list[object]:
    tasks = [asyncio.ensure_future(each) for each in (pause("a"), echo(1), pause("b"))]
    await asyncio.wait(tasks)
    return [each.result() for each in tasks]


async def _begun_early() -> list[object]:
    tasks = [asyncio.ensure_future(pause(name)) for name in "ab"]
    await asyncio.sleep(1)
    return [await tasks[0], 1, await tasks[1]]


@pytest.mark.parametrize(
    "body", [_gathered, _in_parallel, _in_a_task_group, _waited_for, _begun_early], ids=lambda body: body.__name__[1:]
)
def test_a_body_that_waits_for_several_pauses_rests(body: Callable[[], Awaitable[list[object]]]):
    """Nothing runs, so the execution is PAUSED: it holds no worker, and whoever runs it in-process gets it back."""

    @task.with_options(name="asks")
    async def asks() -> list[object]:
        return await body()

    @workflow
    async def asking(ctx: ExecutionContext[None]) -> list[object]:
        return await asks()

    async def answer(daemon: ScriptedDaemon) -> None:
        for name, value in (("b", 3), ("a", 2)):
            await asyncio.wait_for(until(daemon, "WORKFLOW_PAUSED"), 60)
            daemon.ledger.steps.remove("WORKFLOW_PAUSED")
            daemon.answer(f"asks#1@1/pause:{name}#1", value)

    assert output_of(play(asking, script=answer)) == [2, 1, 3]
