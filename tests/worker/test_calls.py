"""Calls: attempts, delays, rollback, fallback, and what the workflow gets of it."""

import asyncio
from typing import Any

import pytest

from flux.core.events import EventType as T
from flux.errors import PayloadTypeError, TaskDenied, TaskError, TaskFailed, TaskTimeout, WorkerCrashed
from flux.task import task
from tests.worker.playing import Failing, error_of, events, output_of, play


@task
async def double(x: int) -> int:
    return 2 * x


def test_tasks_run_one_after_the_other():
    """Between the end of one and the begin of the next there is one report."""

    async def flow(ctx: Any) -> int:
        return await double(await double(await double(ctx.input)))

    daemon = play(flow, 1)

    assert output_of(daemon) == 8
    assert [len(report.facts) for report in daemon.reports] == [0, 1, 1, 1]
    assert daemon.ledger.steps[2:4] == ["TASK_STARTED double#1", "TASK_COMPLETED double#1"]


def test_what_ends_together_is_reported_together():
    """Bodies that end in one turn of the loop share one report, and what they led to is in it too."""

    async def flow(ctx: Any) -> list[int]:
        return await asyncio.gather(*(double(n) for n in range(50)))

    daemon = play(flow)

    assert output_of(daemon) == [2 * n for n in range(50)]
    assert [len(report.facts) for report in daemon.reports] == [0, 50]


def test_a_failed_attempt_is_tried_again_after_a_durable_delay():
    """Each failure is recorded with its delay; the delays grow as the policy says, and count from the failure."""
    failing = Failing(2)

    @task.with_options(retry_max_attempts=3, retry_delay=1)
    async def fragile() -> str:
        return await failing()

    async def flow(ctx: Any) -> str:
        return await fragile()

    daemon = play(flow)

    assert output_of(daemon) == "done"
    assert events(daemon, "fragile#1") == [
        "STARTED",
        "ATTEMPT_FAILED",
        "STARTED",
        "ATTEMPT_FAILED",
        "STARTED",
        "COMPLETED",
    ]
    assert [event.detail for event in daemon.ledger.of(T.TASK_ATTEMPT_FAILED)] == ['{"delay":1000}', '{"delay":2000}']
    failed, fired = daemon.ledger.of(T.TASK_ATTEMPT_FAILED)[1], daemon.ledger.of(T.TIMER_FIRED)[1]
    assert fired.instant - failed.instant == 2000
    assert fired.call == "fragile#1@2"


def test_the_last_failure_is_raised_at_the_call():
    """As the original exception, with the original's traceback in the log."""

    @task.with_options(retry_max_attempts=1, retry_delay=0)
    async def hopeless() -> None:
        raise KeyError("gone")

    async def flow(ctx: Any) -> str:
        try:
            await hopeless()
        except KeyError as error:
            return f"caught {error}"
        return "no"

    daemon = play(flow)

    assert output_of(daemon) == "caught 'gone'"
    assert events(daemon, "hopeless#1")[-2:] == ["ATTEMPT_FAILED", "FAILED"]
    assert daemon.ledger.of(T.TASK_FAILED)[0].payload is None


def test_what_no_attempt_cures_is_not_tried_again():
    """A result that cannot be kept will not be kept the next time."""

    @task.with_options(retry_max_attempts=5, retry_delay=1)
    async def odd() -> object:
        return {"a": [object()]}

    async def flow(ctx: Any) -> object:
        return await odd()

    daemon = play(flow)

    assert isinstance(error_of(daemon), PayloadTypeError)
    assert "result['a'][0]" in str(error_of(daemon)).replace('"', "'")
    assert events(daemon, "odd#1") == ["STARTED", "ATTEMPT_FAILED", "FAILED"]


def test_an_argument_that_cannot_be_kept_is_refused_at_the_call():
    """Before anything begins; the message names the argument."""

    async def flow(ctx: Any) -> str:
        try:
            await double(object())  # type: ignore[arg-type]
        except PayloadTypeError as error:
            return str(error)
        return "no"

    daemon = play(flow)

    assert "args[0]" in output_of(daemon)
    assert daemon.ledger.of(T.TASK_STARTED) == []


def test_an_attempt_that_takes_too_long_has_failed():
    """The timeout of an attempt counts from the start of its body; another attempt may follow."""
    started: list[float] = []

    @task.with_options(timeout=2, retry_max_attempts=1, retry_delay=1)
    async def late() -> None:
        started.append(asyncio.get_running_loop().time())
        await asyncio.sleep(5)

    async def flow(ctx: Any) -> None:
        await late()

    daemon = play(flow)

    assert isinstance(error_of(daemon), TaskTimeout)
    assert isinstance(error_of(daemon), TimeoutError)
    assert started[1] - started[0] == pytest.approx(3, abs=0.05)


def test_rollback_then_fallback():
    """After the last attempt the rollback runs, then the fallback; its value is the call's."""
    order: list[str] = []

    async def undo(x: int) -> None:
        order.append(f"undo {x}")

    def instead(x: int) -> str:
        order.append(f"instead {x}")
        return "plan b"

    @task.with_options(rollback=undo, fallback=instead)
    async def risky(x: int) -> str:
        order.append(f"try {x}")
        raise ValueError(x)

    async def flow(ctx: Any) -> str:
        return await risky(7)

    daemon = play(flow)

    assert output_of(daemon) == "plan b"
    assert order == ["try 7", "undo 7", "instead 7"]
    assert events(daemon, "risky#1") == [
        "STARTED", "ATTEMPT_FAILED", "ROLLBACK_STARTED", "ROLLBACK_COMPLETED",
        "FALLBACK_STARTED", "FALLBACK_COMPLETED", "COMPLETED",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["rollback", "fallback"])
def test_a_failing_stand_in_does_not_hide_the_first_error(word):
    """It is raised with the first as its cause."""

    async def fails(x: int) -> None:
        raise KeyError("second")

    @task.with_options(**{word: fails})  # type: ignore[arg-type]
    async def risky(x: int) -> None:
        raise ValueError("first")

    async def flow(ctx: Any) -> str:
        try:
            await risky(7)
        except KeyError as error:
            return repr(error.__cause__)
        return "no"

    assert output_of(play(flow)) == "ValueError('first')"


def test_a_task_may_stand_in_for_another():
    """Its function runs, with the arguments of the call."""

    @task.with_options(fallback=double)
    async def risky(x: int) -> int:
        raise ValueError

    async def flow(ctx: Any) -> int:
        return await risky(21)

    assert output_of(play(flow)) == 42


def test_the_workflow_gets_a_copy_of_what_is_recorded():
    """What a body keeps of its result, or a workflow of its arguments, is not shared between them."""
    kept: list[list[int]] = []

    @task
    async def extend(items: list[int]) -> list[int]:
        items.append(2)
        kept.append(items)
        return items

    async def flow(ctx: Any) -> Any:
        mine = [1]
        got = await extend(mine)
        kept[0].append(3)
        return mine, got

    assert output_of(play(flow)) == ([1], [1, 2])


def test_a_body_knows_its_call():
    """`metadata` says which call and attempt it is; the key stays the same over attempts."""
    seen: list[Any] = []

    @task.with_options(metadata=True, retry_max_attempts=1, retry_delay=0)
    async def known(x: int, *, metadata: Any) -> None:
        seen.append(metadata)
        raise ValueError

    async def flow(ctx: Any) -> None:
        await known(1)  # type: ignore[call-arg]  # the runtime adds it

    play(flow)

    assert [(each.task_id, each.task_name, each.execution_id, each.attempt) for each in seen] == [
        ("known#1", "known", "E1", 1),
        ("known#1", "known", "E1", 2),
    ]
    assert seen[0].idempotency_key == seen[1].idempotency_key


def test_a_name_may_be_a_template():
    """The name is filled in, the place of the call is not: it must not depend on arguments."""

    @task.with_options(name="get_{key}")
    async def get(key: str) -> str:
        return key

    async def flow(ctx: Any) -> str:
        return await get("a/b")

    daemon = play(flow)

    assert [(event.name, event.call) for event in daemon.ledger.of(T.TASK_STARTED)] == [("get_a/b", "get#1")]


def test_a_denied_call_raises_and_runs_nothing():
    """The error names the permission; neighbours of the same report run."""
    ran: list[str] = []

    @task
    async def secret() -> None:
        ran.append("secret")

    async def flow(ctx: Any) -> Any:
        return await asyncio.gather(double(1), secret(), return_exceptions=True)

    daemon = play(flow, denied=["secret"])

    two, denied = output_of(daemon)
    assert (two, type(denied), ran) == (2, TaskDenied, [])
    assert denied.facts == {"principal": "p", "permission": "task:secret"}


def test_an_exit_in_a_body_is_a_failure_of_the_task():
    """The worker and its neighbours go on."""

    @task
    async def leaves() -> None:
        raise SystemExit(3)

    async def flow(ctx: Any) -> str:
        try:
            await leaves()
        except SystemExit as exit:
            return f"exit {exit.code}"
        return "no"

    assert output_of(play(flow)) == "exit 3"


def test_a_body_that_cancels_itself_has_failed():
    """CancelledError out of a body must not look like a cancel of the workflow."""

    @task
    async def strange() -> None:
        raise asyncio.CancelledError

    async def flow(ctx: Any) -> str:
        try:
            await strange()
        except TaskFailed as error:
            return str(error)
        return "no"

    assert "cancelled itself" in output_of(play(flow))


def test_errors_of_ours_are_task_errors():
    """One `except TaskError` catches what is not the body's own exception."""
    assert issubclass(TaskDenied, TaskError)
    assert issubclass(WorkerCrashed, TaskError)


def test_two_awaits_of_one_call_are_refused():
    """A call's coroutine is for one use."""

    async def flow(ctx: Any) -> str:
        call = double(1)
        await call
        try:
            await call
        except RuntimeError as error:
            return str(error)
        return "no"

    assert "already awaited" in output_of(play(flow))
