"""The recorded history, and code that does not fit it."""

import asyncio
from typing import Any

import pytest

from flux.core.events import EventType as T
from flux.errors import NonDeterminismError
from flux.task import task
from flux.tasks import pause, sleep
from flux.workflow import Workflow, workflow
from tests.worker.playing import error_of, output_of, play, play_then, until
from tests.worker.scripted import ScriptedDaemon

ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    """No body has run."""
    ran.clear()


@task
async def a(x: int = 0) -> str:
    ran.append("a")
    return f"a{x}"


@task
async def b(x: int = 0) -> str:
    ran.append("b")
    return f"b{x}"


@task
async def slow() -> str:
    ran.append("slow")
    await asyncio.sleep(10)
    return "slow"


async def original(ctx: Any) -> Any:
    first = await a(1)
    second = await b(2)
    return first, second, await pause("go")


async def other_name(ctx: Any) -> Any:
    return await a(1), await a(2), await pause("go")


async def other_order(ctx: Any) -> Any:
    return await b(2), await a(1), await pause("go")


async def one_less(ctx: Any) -> Any:
    return await a(1), await pause("go")


async def one_more_before(ctx: Any) -> Any:
    left = asyncio.create_task(slow())
    return await a(1), await b(2), await pause("go"), await left


async def one_more_between(ctx: Any) -> Any:
    return await a(1), await slow(), await b(2), await pause("go")


async def shorter(ctx: Any) -> Any:
    return await a(1)


async def other_pause(ctx: Any) -> Any:
    return await a(1), await b(2), await pause("stop")


async def nothing(ctx: Any) -> None:
    return None


async def in_another_task(ctx: Any) -> Any:
    async def both() -> Any:
        return await a(1), await b(2)

    return await asyncio.create_task(both()), await pause("go")


DIFFERENT = [
    other_name, other_order, one_less, one_more_before, one_more_between, shorter, other_pause, nothing,
    in_another_task,
]  # fmt: skip


@pytest.mark.parametrize("body", DIFFERENT)
def test_code_that_does_not_fit_its_log_fails_without_any_effect(body):
    """The execution rests as diverged, nothing is run, and the error has the place and both sides."""
    daemon = play_then(original, body)

    end = daemon.ledger.events[-1]
    error = error_of(daemon)
    assert isinstance(error, NonDeterminismError)
    assert (end.type, end.detail) == (T.WORKFLOW_FAILED, '{"reason":"diverged"}')
    assert set(error.facts) == {"place", "recorded", "found"}
    assert ran == ["a", "b"]


@pytest.mark.parametrize(
    ("body", "place", "recorded", "found"),
    [
        (other_name, "b#1", "b#1", "a#2"),
        (one_less, "b#1", "b#1", "nothing more"),
        (one_more_before, "slow#1", "something else", "slow#1"),
        (other_pause, "pause:go#1", "pause:go#1", "pause:stop#1"),
        (in_another_task, "a#1", "a#1", "1/a#1"),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_a_divergence_names_the_recorded_call_and_the_new_one(body, place, recorded, found):
    """So that an author knows where to look."""
    facts = error_of(play_then(original, body)).facts  # type: ignore[attr-defined]

    assert facts == {"place": place, "recorded": recorded, "found": found}


def test_a_call_that_was_begun_and_is_not_made_any_more_is_a_divergence():
    """Also without an outcome: its body may have done something."""

    async def before(ctx: Any) -> Any:
        return await asyncio.gather(slow(), pause("go"))

    async def afterwards(ctx: Any) -> Any:
        return await pause("go")

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TASK_STARTED slow#1")
        daemon.workflow = workflow.with_options(name=daemon.workflow.name)(afterwards)
        daemon.kill()

    daemon = play(before, script=script)

    assert isinstance(error_of(daemon), NonDeterminismError)
    assert ran == ["slow"]


def test_new_code_after_the_end_of_the_log_is_no_divergence():
    """What is not recorded yet may be changed."""

    async def longer(ctx: Any) -> Any:
        return await a(1), await b(2), await pause("go"), await b(3)

    assert output_of(play_then(original, longer)) == ("a1", "b2", "answer", "b3")


def test_what_is_not_recorded_may_differ():
    """Sleeps, locks and other calls that leave no begin behind are free to change."""

    async def quicker(ctx: Any) -> Any:
        async with asyncio.Lock():
            first, second = await a(1), await b(2)
        return first, second, await pause("go")

    async def sleepy(ctx: Any) -> Any:
        first = await a(1)
        second = await b(2)
        await sleep(1)
        return first, second, await pause("go")

    assert output_of(play_then(sleepy, quicker)) == ("a1", "b2", "answer")


def test_other_arguments_are_a_warning():
    """The recorded outcome holds; the log of the execution says what changed."""

    async def other_arguments(ctx: Any) -> Any:
        return await a(100), await b(2), await pause("go")

    daemon = play_then(original, other_arguments)

    assert output_of(daemon) == ("a1", "b2", "answer")
    assert [(log.stream, log.call) for log in daemon.logs] == [("WARNING", "a#1")]
    assert "other arguments" in daemon.logs[0].text


def test_a_long_history_is_replayed_in_slices():
    """Other executions of the worker live on meanwhile; what comes during the replay is delivered after it."""

    async def long(ctx: Any) -> Any:
        for n in range(1_200):
            await a(n)
        return await pause("go")

    daemon = play_then(long, long)

    assert output_of(daemon) == "answer"
    assert len(ran) == 1_200
    assert isinstance(daemon.workflow, Workflow)
