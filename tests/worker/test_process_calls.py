"""Calls whose bodies run in task processes."""

import asyncio
from typing import Any

from flux.errors import TaskTimeout, WorkerCrashed
from flux.task import task
from tests.worker.playing import error_of, events, output_of, play
from tests.worker.scripted import InlineProcesses


def crunch(x: int) -> int:
    """A body for a task process."""
    return x * x


crunch_task = task.with_options(retry_max_attempts=2, retry_delay=0, timeout=5)(crunch)


async def crunching(ctx: Any) -> int:
    return await crunch_task(ctx.input)


def test_a_def_task_runs_in_a_process():
    """The function is named, its arguments are encoded, the timeout is the process's business."""
    processes = InlineProcesses({"crunch": crunch})
    daemon = play(crunching, 7, processes=processes)

    (job,) = processes.jobs
    assert output_of(daemon) == 49
    assert (job.module, job.qualname, job.args, job.timeout, job.attempt) == (__name__, "crunch", b"[[7],{}]", 5000, 1)


def test_a_process_that_dies_is_no_failed_attempt():
    """The same attempt runs again in another one."""
    processes = InlineProcesses({"crunch": crunch}, dies=lambda job: len(processes.jobs) < 3)
    daemon = play(crunching, 7, processes=processes)

    assert output_of(daemon) == 49
    assert [job.attempt for job in processes.jobs] == [1, 1, 1]
    assert events(daemon, "crunch#1") == ["STARTED", "STARTED", "STARTED", "COMPLETED"]


def test_a_body_that_kills_its_process_again_and_again_has_failed():
    """Three deaths in one attempt: no other attempt cures that. The signal is named."""
    processes = InlineProcesses({"crunch": crunch}, dies=lambda job: True)
    daemon = play(crunching, 7, processes=processes)

    error = error_of(daemon)
    assert isinstance(error, WorkerCrashed)
    assert (error.facts["signal"], error.facts["deaths"], len(processes.jobs)) == ("SIGSEGV", 3, 3)
    assert events(daemon, "crunch#1")[-2:] == ["ATTEMPT_FAILED", "FAILED"]


def test_a_process_that_is_too_slow_has_failed():
    """It is killed, and the attempt fails as any other that is too late."""

    def late(x: int) -> int:
        raise TimeoutError

    processes = InlineProcesses({"crunch": late})

    assert isinstance(error_of(play(crunching, 7, processes=processes)), TaskTimeout)


def test_a_cancelled_process_is_killed():
    """What a body in a process does cannot be asked to end."""
    processes = InlineProcesses({"crunch": crunch}, delay=lambda: 100.0)

    async def flow(ctx: Any) -> str:
        try:
            async with asyncio.timeout(1):
                await crunch_task(1)
        except TimeoutError:
            return "late"
        return "no"

    daemon = play(flow, processes=processes)

    assert output_of(daemon) == "late"
    assert processes.killed == ["crunch#1"]
