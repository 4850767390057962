"""Sessions: reports, rest, end, unloading, draining, cancelling an execution, and what fails one as a whole."""

import asyncio
from typing import Any

from flux.core.events import NUMBERS
from flux.core.events import EventType as T
from flux.errors import NotInWorkflow
from flux.task import task
from flux.tasks import now, pause, sleep
from flux.wire.frames import Ack, Input
from tests.worker.playing import answering, at_rest, error_of, output_of, play, until
from tests.worker.scripted import ScriptedDaemon


@task
async def double(x: int) -> int:
    return 2 * x


@task
async def slow(x: int) -> int:
    await asyncio.sleep(10)
    return x


async def paused(ctx: Any) -> Any:
    return await pause("go", output={"n": 1})


# ---------------------------------------------------------------------- reports


def test_the_first_report_brings_the_token_and_later_ones_its_handle():
    """No second report leaves before the first has been answered: it would have neither."""

    async def flow(ctx: Any) -> int:
        first = asyncio.create_task(double(1))
        await sleep(0.1)
        return await double(await first)

    daemon = play(flow, delay=lambda: 0.5)

    assert output_of(daemon) == 4
    assert [report.token is None for report in daemon.reports] == [False] + [True] * (len(daemon.reports) - 1)
    assert [report.n for report in daemon.reports] == list(range(1, len(daemon.reports) + 1))
    assert all(report.handle == daemon.ledger.handle for report in daemon.reports[1:])


def test_a_report_may_follow_before_the_last_is_answered():
    """Bodies that end while a report is under way are told at once."""
    delays = {"slow": 0.3}

    @task
    async def takes(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    async def flow(ctx: Any) -> Any:
        return await asyncio.gather(*(takes(0.01 * n) for n in range(5)))

    daemon = play(flow, delay=lambda: delays["slow"])

    assert output_of(daemon) == [0.0, 0.01, 0.02, 0.03, 0.04]
    assert [len(report.facts) for report in daemon.reports] == [0, 1, 1, 1, 1, 1]
    assert daemon.clock.monotonic() < 3_500


def test_facts_say_which_input_was_seen_before_them():
    """Without it nobody could tell on replay which of the two came first."""

    async def flow(ctx: Any) -> int:
        await sleep(1)
        return await double(1)

    daemon = play(flow)

    (fired,) = daemon.ledger.of(T.TIMER_FIRED)
    assert daemon.ledger.of(T.TASK_COMPLETED)[0].seen == fired.sequence


def test_now_is_the_instant_of_the_last_thing_delivered():
    """The same for two reads with nothing between, later after a delivery."""

    async def flow(ctx: Any) -> Any:
        first = await now()
        second = await now()
        await sleep(5)
        return first == second, ((await now()) - first).total_seconds()

    assert output_of(play(flow)) == (True, 5.0)


# ---------------------------------------------------------------------- rest


def test_an_open_pause_is_told_with_its_output_and_then_nothing_happens():
    """One report opens it and says that only the daemon can go on."""
    daemon = play(paused, resume=answering)

    (opened,) = daemon.ledger.of(T.PAUSE_OPENED)
    assert (opened.call, opened.name, opened.payload) == ("pause:go#1", "go", b'{"n":1}')
    assert daemon.ledger.steps[2:4] == ["PAUSE_OPENED pause:go#1", "WORKFLOW_PAUSED"]
    assert output_of(daemon) == "go"


def test_an_execution_rests_only_when_no_body_runs():
    """As long as a task runs it is running, whatever is open beside."""

    async def flow(ctx: Any) -> Any:
        return await asyncio.gather(pause("go"), slow(1))

    daemon = play(flow, resume=lambda name, output: (20.0, "yes"))

    assert output_of(daemon) == ["yes", 1]
    steps = daemon.ledger.steps
    assert steps.index("WORKFLOW_PAUSED") > steps.index("TASK_COMPLETED slow#1")


def test_a_wait_that_is_given_up_is_closed():
    """A pause in a timeout does not stay in anybody's list."""

    async def flow(ctx: Any) -> str:
        try:
            async with asyncio.timeout(1):
                await pause("go")
        except TimeoutError:
            await double(1)
        return "gave up"

    daemon = play(flow)

    assert output_of(daemon) == "gave up"
    assert daemon.ledger.of(T.PAUSE_CLOSED)[0].call == "pause:go#1"


def test_an_execution_that_waits_for_nothing_has_failed():
    """A deadlock is no rest: it says what is wrong instead of hanging for ever."""

    async def flow(ctx: Any) -> None:
        await asyncio.Event().wait()

    error = error_of(play(flow))

    assert isinstance(error, NotInWorkflow)
    assert "nothing can end" in str(error)


# ---------------------------------------------------------------------- frames that come at the wrong time


def test_an_input_that_the_history_brought_is_not_delivered_again():
    """A daemon may send it besides."""

    async def flow(ctx: Any) -> Any:
        return await pause("go"), await pause("go")

    async def script(daemon: ScriptedDaemon) -> None:
        await at_rest(daemon)
        daemon.kill()
        daemon.answer("pause:go#1", "first")
        closed = daemon.ledger.of(T.PAUSE_CLOSED)[0]
        number = NUMBERS[closed.type]
        daemon.send(Input("E1", daemon.fence, closed.sequence, number, closed.call, closed.instant, b'"twice"'))
        await until(daemon, "PAUSE_OPENED pause:go#2")
        daemon.answer("pause:go#2", "second")

    assert output_of(play(flow, script=script)) == ("first", "second")


def test_frames_of_an_older_grant_are_ignored():
    """They were under way when the execution was granted anew."""

    async def flow(ctx: Any) -> int:
        return await slow(3)

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TASK_STARTED slow#1")
        daemon.send(Ack("E1", daemon.fence - 1, 1, 1, 1))
        daemon.send(Input("E1", daemon.fence - 1, 99, NUMBERS[T.WORKFLOW_CANCELLING], None, 0, None))

    assert output_of(play(flow, script=script)) == 3


# ---------------------------------------------------------------------- draining


def test_a_draining_worker_finishes_bodies_and_begins_nothing():
    """What runs is recorded, what it led to is left to the next worker."""
    ran: list[str] = []

    @task
    async def counted(name: str) -> str:
        ran.append(name)
        await asyncio.sleep(5)
        return name

    async def flow(ctx: Any) -> Any:
        return await counted("first"), await counted("second")

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TASK_STARTED counted#1")
        await asyncio.sleep(1)
        daemon.drain()
        await until(daemon, "TASK_COMPLETED counted#1")
        await asyncio.sleep(20)
        assert daemon.drained == [1]
        assert daemon.ledger.steps[-1] == "TASK_COMPLETED counted#1"
        daemon.kill("drain")

    daemon = play(flow, script=script)

    assert output_of(daemon) == ("first", "second")
    assert ran == ["first", "second"]


def test_draining_a_failing_call_leaves_the_next_attempt_to_others():
    """Its failure is recorded with the delay; the next worker goes on from there."""
    failures = [ValueError("once")]

    @task.with_options(retry_max_attempts=1, retry_delay=1)
    async def fragile() -> str:
        await asyncio.sleep(5)
        if failures:
            raise failures.pop()
        return "done"

    async def flow(ctx: Any) -> str:
        return await fragile()

    async def script(daemon: ScriptedDaemon) -> None:
        await until(daemon, "TASK_STARTED fragile#1")
        daemon.drain()
        await until(daemon, "TASK_ATTEMPT_FAILED fragile#1")
        await asyncio.sleep(20)
        daemon.kill("drain")

    daemon = play(flow, script=script)

    assert output_of(daemon) == "done"
    assert [event.attempt for event in daemon.ledger.of(T.TASK_STARTED)] == [1, 2]
