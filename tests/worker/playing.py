"""Playing a workflow through a scripted daemon, in virtual time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from flux import codec
from flux.context import ExecutionContext
from flux.core.events import EventType
from flux.workflow import Workflow, workflow
from tests.worker.scripted import ScriptedDaemon
from tests.worker.virtual import run

Body = Callable[[ExecutionContext[Any]], Coroutine[Any, Any, Any]]
Script = Callable[[ScriptedDaemon], Coroutine[Any, Any, None]]


def play(body: Body | Workflow, input: object = None, script: Script | None = None, **options: Any) -> ScriptedDaemon:
    """The daemon of a workflow that has ended. `script` plays along from the start."""

    async def main() -> ScriptedDaemon:
        flow = body if isinstance(body, Workflow) else workflow(body)
        daemon = ScriptedDaemon(flow, input, **options)
        playing = None if script is None else asyncio.create_task(script(daemon))
        try:
            await asyncio.wait_for(daemon.ended, 10_000)
            if playing is not None:
                await playing
            await asyncio.sleep(1)
        finally:
            daemon.lose()
        return daemon

    return run(main())


def output_of(daemon: ScriptedDaemon) -> Any:
    """What the workflow returned."""
    end = daemon.ledger.end
    assert end is not None
    assert end.type is EventType.WORKFLOW_COMPLETED, [*daemon.ledger.steps[-3:], str(error_of(daemon))]
    assert end.payload is not None
    return codec.decode(end.payload, daemon.classes)


def error_of(daemon: ScriptedDaemon) -> BaseException:
    """What the workflow failed with."""
    end = daemon.ledger.end
    assert end is not None
    assert end.payload is not None
    return codec.decode_error(end.payload, daemon.classes)


async def at_rest(daemon: ScriptedDaemon) -> None:
    """Wait until the execution rests."""
    while not daemon.ledger.is_asleep:  # noqa: ASYNC110 - in virtual time this costs nothing
        await asyncio.sleep(0.001)


async def until(daemon: ScriptedDaemon, step: str) -> None:
    """Wait until the log has this step, such as `TASK_STARTED charge#1`."""
    while step not in daemon.ledger.steps:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.001)


def events(daemon: ScriptedDaemon, call: str) -> list[str]:
    """The types of the events about a call, without their common prefix."""
    return [event.type.removeprefix("TASK_") for event in daemon.ledger.events if event.call == call]


class Failing:
    """A body that fails so many times, then returns."""

    def __init__(self, times: int, error: Exception | None = None) -> None:
        self.left = times
        self.error = error or ValueError("not yet")

    async def __call__(self) -> str:
        self.left -= 1
        if self.left >= 0:
            raise self.error
        return "done"


def answering(name: str, output: bytes | None) -> tuple[float, object]:
    """Every pause is answered after a second, with its name."""
    return 1.0, name


def play_then(first: Body, second: Body) -> ScriptedDaemon:
    """`first` until it pauses, then `second` in its place, on another worker, with the pause answered."""

    async def replace(daemon: ScriptedDaemon) -> None:
        await until(daemon, "WORKFLOW_PAUSED")
        daemon.workflow = workflow.with_options(name=daemon.workflow.name)(second)
        daemon.kill()
        pauses = [call for call, wait in daemon.ledger.execution.waits.items() if wait.kind == "pause"]
        daemon.answer(pauses[0], "answer")

    return play(first, script=replace)
