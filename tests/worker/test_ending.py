"""How an execution ends: cancelled, completed, failed as a whole."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from flux.core.events import NUMBERS
from flux.core.events import EventType as T
from flux.errors import InvalidDefinition, NotFound
from flux.task import task
from flux.tasks import pause, sleep
from flux.worker.job import Loaded
from flux.worker.loop import EndlessTurn
from flux.workflow import workflow
from tests.worker.playing import at_rest, error_of, output_of, play, until
from tests.worker.scripted import ScriptedDaemon
from tests.worker.virtual import run


@task
async def double(x: int) -> int:
    return 2 * x


@task
async def slow(x: int) -> int:
    await asyncio.sleep(10)
    return x


def test_a_cancelled_execution_cleans_up_with_tasks():
    """CancelledError at the await; what the body then does is recorded as ever."""

    async def flow(ctx: Any) -> int:
        try:
            return await slow(1)
        finally:
            await double(4)

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TASK_STARTED slow#1")
        daemon.cancel()

    daemon = play(flow, script=script)

    assert daemon.ledger.steps[-4:] == [
        "TASK_CANCELLED slow#1", "TASK_STARTED double#1", "TASK_COMPLETED double#1", "WORKFLOW_CANCELLED",
    ]  # fmt: skip


def test_a_body_that_swallows_its_cancel_is_cancelled_all_the_same():
    """Whatever it returns: it was asked to end, and it did."""

    async def flow(ctx: Any) -> str:
        try:
            await pause("go")
        except asyncio.CancelledError:
            return "I prefer to have finished"
        return "no"

    async def script(daemon: ScriptedDaemon) -> None:
        await at_rest(daemon)
        daemon.cancel()

    assert play(flow, script=script).ledger.steps[-1] == "WORKFLOW_CANCELLED"


def test_an_error_in_the_clean_up_fails_the_execution():
    """It is not lost behind the cancel."""

    async def flow(ctx: Any) -> None:
        try:
            await pause("go")
        finally:
            raise ValueError("clean-up")

    async def script(daemon: ScriptedDaemon) -> None:
        await at_rest(daemon)
        daemon.cancel()

    daemon = play(flow, script=script)

    assert str(error_of(daemon)) == "clean-up"


def test_a_clean_up_has_thirty_seconds():
    """Then the execution is cancelled without it."""

    async def flow(ctx: Any) -> None:
        try:
            await pause("go")
        finally:
            await asyncio.gather(slow(1), sleep(1_000))

    async def script(daemon: ScriptedDaemon) -> None:
        await at_rest(daemon)
        daemon.cancel()

    daemon = play(flow, script=script)

    assert daemon.ledger.steps[-1] == "WORKFLOW_CANCELLED"
    asked = daemon.ledger.of(T.WORKFLOW_CANCELLING)[0].instant
    assert 30_000 <= daemon.ledger.events[-1].instant - asked < 31_000


def test_a_cancel_that_the_end_had_not_seen_wins():
    """The end is refused, the cancel is delivered, the end is told again."""

    async def flow(ctx: Any) -> str:
        return "done"

    async def script(daemon: ScriptedDaemon) -> None:
        await asyncio.sleep(0.25)
        daemon.cancel()

    daemon = play(flow, script=script, delay=lambda: 0.2)

    assert daemon.ledger.steps[-1] == "WORKFLOW_CANCELLED"
    assert [NUMBERS[T.WORKFLOW_COMPLETED], NUMBERS[T.WORKFLOW_CANCELLED]] == [
        report.end.type for report in daemon.reports if report.end is not None
    ]


def test_a_cancel_that_the_history_brings_is_delivered_before_anything_runs():
    """The body starts, and is cancelled at its first await; nothing of it was ever asked for."""

    async def flow(ctx: Any) -> int:
        return await double(1)

    async def script(daemon: ScriptedDaemon) -> None:
        daemon.cancel()
        daemon.kill()

    daemon = play(flow, script=script, delay=lambda: 0.1)

    assert daemon.ledger.steps[-1] == "WORKFLOW_CANCELLED"
    assert daemon.ledger.of(T.TASK_STARTED) == []


# ---------------------------------------------------------------------- the end


def test_what_a_body_left_behind_ends_before_the_execution():
    """Tasks still open are cancelled first; no event follows the last one."""

    async def flow(ctx: Any) -> str:
        left = asyncio.create_task(slow(1))
        await sleep(1)
        return "left it" if not left.done() else "no"

    daemon = play(flow)

    assert output_of(daemon) == "left it"
    assert daemon.ledger.steps[-2:] == ["TASK_CANCELLED slow#1", "WORKFLOW_COMPLETED"]


def test_a_result_that_cannot_be_kept_fails_the_execution():
    """The message says where in it."""

    async def flow(ctx: Any) -> object:
        return [1, object()]

    assert "result[1]" in str(error_of(play(flow)))


def test_an_endless_turn_fails_the_execution_and_ends_what_runs():
    """The worker lives on; the error says where the body went round in circles."""
    seen: list[str] = []

    @task
    async def runs() -> None:
        try:
            await asyncio.sleep(1_000)
        except asyncio.CancelledError:
            seen.append("ended")
            raise

    async def flow(ctx: Any) -> None:
        left = asyncio.create_task(runs())
        await sleep(1)
        while not left.done():  # noqa: ASYNC110 - it is meant to be endless
            await asyncio.sleep(0)

    daemon = play(flow)

    assert "runs in circles" in str(error_of(daemon))
    assert EndlessTurn.__name__ in repr(daemon.ledger.events[-1].payload)
    assert seen == ["ended"]


class Broken(ScriptedDaemon):
    """A daemon whose source cannot be imported."""

    def load(self, digest: str) -> Loaded:
        raise InvalidDefinition("flow.py:3: SyntaxError: no")


class Empty(ScriptedDaemon):
    """A daemon whose source has no such workflow."""

    def load(self, digest: str) -> Loaded:
        return replace(super().load(digest), workflows={})


@pytest.mark.parametrize(("kind", "error"), [(Broken, InvalidDefinition), (Empty, NotFound)])
def test_a_source_that_cannot_be_run_fails_the_execution(kind: type[ScriptedDaemon], error: type[Exception]) -> None:
    """Nothing is run, and the error says why."""

    async def flow(ctx: Any) -> int:
        return await double(1)

    async def main() -> ScriptedDaemon:
        failing = kind(workflow(flow))
        await failing.ended
        return failing

    assert isinstance(error_of(run(main())), error)
