"""Replay: going on after a loss, with nothing done twice that is known to have been done."""

import asyncio
from typing import Any

import pytest

from flux.core.events import EventType as T
from flux.errors import TaskTimeout
from flux.task import task
from flux.tasks import pause, sleep
from flux.worker.output import ORIGIN
from tests.worker.playing import answering, output_of, play, play_then, until
from tests.worker.scripted import InlineProcesses, ScriptedDaemon

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


def test_what_is_recorded_is_not_run_again():
    """The next worker gives the workflow the same values, and goes on from there."""
    daemon = play_then(original, original)

    assert output_of(daemon) == ("a1", "b2", "answer")
    assert ran == ["a", "b"]
    assert len(daemon.hosts) == 2


def test_an_interrupted_body_runs_again_as_the_same_attempt():
    """Its begin stands in the log twice, its outcome once."""

    async def flow(ctx: Any) -> str:
        return await slow()

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TASK_STARTED slow#1")
        await asyncio.sleep(3)
        daemon.kill()

    daemon = play(flow, script=script)

    assert output_of(daemon) == "slow"
    assert [event.attempt for event in daemon.ledger.of(T.TASK_STARTED)] == [1, 1]
    assert ran == ["slow", "slow"]


def test_an_outcome_that_was_not_told_in_time_never_was():
    """The body runs again: it counts once."""

    async def flow(ctx: Any) -> str:
        return await a(1)

    async def script(daemon: ScriptedDaemon) -> None:
        await asyncio.sleep(0.35)  # the body has ended, its report is under way
        assert ran == ["a"]
        daemon.kill()

    daemon = play(flow, script=script, delay=lambda: 0.1)

    assert output_of(daemon) == "a1"
    assert ran == ["a", "a"]


def test_a_delay_survives_its_worker():
    """The next attempt comes when it was to come, and counts on."""
    failing = [1, 1]

    @task.with_options(retry_max_attempts=5, retry_delay=10, retry_backoff=1)
    async def fragile() -> str:
        if failing:
            failing.pop()
            raise ValueError
        return "done"

    async def flow(ctx: Any) -> str:
        return await fragile()

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TASK_ATTEMPT_FAILED fragile#1")
        await asyncio.sleep(3)
        daemon.kill()

    daemon = play(flow, script=script)

    assert output_of(daemon) == "done"
    assert [event.attempt for event in daemon.ledger.of(T.TASK_STARTED)] == [1, 2, 3]
    first, fired = daemon.ledger.of(T.TASK_ATTEMPT_FAILED)[0], daemon.ledger.of(T.TIMER_FIRED)[0]
    assert fired.instant - first.instant == 10_000


@pytest.mark.parametrize("word", ["rollback", "fallback"])
def test_a_stand_in_that_was_interrupted_runs_again(word):
    """The attempt before it does not."""
    seen: list[str] = []

    async def stand_in() -> str:
        seen.append(word)
        await asyncio.sleep(5)
        return "plan b"

    @task.with_options(**{word: stand_in})  # type: ignore[arg-type]
    async def risky() -> str:
        seen.append("try")
        raise ValueError

    async def flow(ctx: Any) -> str:
        try:
            return await risky()
        except ValueError:
            return "failed"

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, f"TASK_{word.upper()}_STARTED risky#1")
        await asyncio.sleep(1)
        daemon.kill()

    daemon = play(flow, script=script)

    assert output_of(daemon) == ("plan b" if word == "fallback" else "failed")
    assert seen == ["try", word, word]


def test_a_call_that_was_cancelled_when_its_worker_was_lost_stays_cancelled():
    """Its body does not run again, its rollback does."""
    seen: list[str] = []

    async def undo() -> None:
        seen.append("undo")

    @task.with_options(rollback=undo)
    async def careful() -> None:
        seen.append("try")
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(20)

    async def flow(ctx: Any) -> str:
        try:
            async with asyncio.timeout(1):
                await careful()
        except TimeoutError:
            return "late"
        return "no"

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TIMER_FIRED ~timer#1")
        await asyncio.sleep(1)
        daemon.kill()

    daemon = play(flow, script=script)

    assert output_of(daemon) == "late"
    assert seen == ["try", "undo"]


# ---------------------------------------------------------------------- what the daemon knows of a lost body


async def _blocking(ctx: Any) -> str:
    try:
        return await blocking()
    except TaskTimeout as error:
        return f"late: {error}"


def burn() -> str:
    """A body that the fake process runs."""
    ran.append("process")
    return "burnt"


@task.with_options(timeout=3)
async def blocking() -> str:
    ran.append("loop")
    await asyncio.sleep(100)
    return "no"


def test_a_body_that_held_its_worker_past_its_timeout_has_failed():
    """It is not run again: it would hold the next worker too."""

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TASK_STARTED blocking#1")
        daemon.kill("timeout", call="blocking#1", attempt=1)

    daemon = play(_blocking, script=script)

    assert output_of(daemon).startswith("late: the body of 'blocking' ran longer than 3 s")
    assert ran == ["loop"]


def test_a_body_that_blocked_runs_in_a_process_from_then_on():
    """The attempt fails with a hint; where another follows, it runs in a process."""
    stuck = task.with_options(retry_max_attempts=1, retry_delay=0)(blocking.fn)

    async def flow(ctx: Any) -> str:
        return str(await stuck())

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TASK_STARTED blocking#1")
        daemon.kill("blocked", call="blocking#1", attempt=1)

    daemon = play(flow, script=script, processes=InlineProcesses({"blocking": burn}))

    assert output_of(daemon) == "burnt"
    assert ran == ["loop", "process"]
    assert "without an await" in str(daemon.ledger.of(T.TASK_ATTEMPT_FAILED)[0].payload)


def test_the_verdict_is_on_one_attempt_only():
    """A neighbour that was lost with it runs again."""

    async def flow(ctx: Any) -> Any:
        return await asyncio.gather(_blocking(ctx), slow())

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TASK_STARTED 1/blocking#1")
        daemon.kill("timeout", call="1/blocking#1", attempt=1)

    daemon = play(flow, script=script)

    assert output_of(daemon)[1] == "slow"
    assert ran == ["loop", "slow", "slow"]


def test_what_a_workflow_prints_is_not_printed_again_on_replay():
    """Its output is muted where it is known to have been there; what follows from something new is not."""
    printed: list[str] = []

    def say(word: str) -> None:
        origin = ORIGIN.get()
        assert origin is not None
        if not origin.is_muted:
            printed.append(word)

    async def flow(ctx: Any) -> Any:
        say("begun")
        await a(1)
        say("a is done")
        answer = await pause("go")
        say("answered")
        await sleep(1)
        say("slept")
        return answer

    daemon = play(flow, resume=answering, linger=lambda: 0.1)

    assert output_of(daemon) == "go"
    assert len(daemon.hosts) == 3
    assert printed == ["begun", "a is done", "answered", "slept"]
