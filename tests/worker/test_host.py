"""The host: many executions of one worker, their frames, and who holds the loop."""

import asyncio
import sys
import threading
from typing import Any

import pytest

from flux import codec
from flux.codec import ClassIndex
from flux.core.events import BY_NUMBER, NUMBERS
from flux.core.events import EventType as T
from flux.errors import ProtocolError
from flux.task import task
from flux.tasks import pause
from flux.wire import frames
from flux.wire.frames import (
    Ack,
    Drain,
    Forget,
    FromWorker,
    Grant,
    History,
    Input,
    Release,
    Released,
    Renewed,
    Report,
    Source,
)
from flux.worker.host import Host
from flux.worker.job import Loaded
from flux.workflow import Workflow, workflow
from tests.worker.scripted import InlineProcesses
from tests.worker.virtual import clock, run

holders: list[Any] = []
HOSTS: list[Host] = []


def _look() -> None:
    """Note who holds the loop, as the heartbeat's thread sees it."""
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(HOSTS[-1].holding()))
    thread.start()
    thread.join()
    holders.append(seen[0])


@task
async def body(x: int) -> int:
    async def child() -> None:
        _look()

    _look()
    await asyncio.create_task(child())
    return x


@workflow
async def looking(ctx: Any) -> int:
    _look()
    return await body(ctx.input)


@workflow
async def waiting(ctx: Any) -> object:
    return await pause("go")


class Worker:
    """A host whose reports are acknowledged at once."""

    def __init__(self) -> None:
        self.sent: list[FromWorker] = []
        self.drained: list[int] = []
        self.host = Host(
            send=self._send,
            clock=clock(),
            processes=InlineProcesses(),
            load=self._load,
            drained=lambda: self.drained.append(1),
        )
        HOSTS.append(self.host)

    def _load(self, digest: str) -> Loaded:
        flows: dict[str, Workflow[Any, Any]] = {"looking": looking, "waiting": waiting}
        return Loaded(digest=digest, module=sys.modules[__name__], workflows=flows, classes=ClassIndex())

    def _send(self, frame: FromWorker) -> None:
        self.sent.append(frame)
        if isinstance(frame, Report):
            asyncio.get_running_loop().call_soon(self.host.receive, Ack(frame.execution, frame.fence, frame.n, 0, 7))

    def grant(self, execution: str, flow: str, fence: int = 1) -> None:
        """Give an execution to it."""
        rows = [
            (1, NUMBERS[T.WORKFLOW_QUEUED], 5, None, None, None, 0, 0, None, None, codec.encode(1)),
            (2, NUMBERS[T.WORKFLOW_STARTED], 5, None, None, None, fence, 0, None, None, None),
        ]
        self.host.receive(Grant(execution, fence, "token", "default", flow, "d", 0, 0, "p"))
        self.host.receive(History(execution, fence, True, frames.pack_events(rows)))

    def ends(self) -> list[str]:
        """The executions that have ended, in order."""
        return [frame.execution for frame in self.sent if isinstance(frame, Report) and frame.end is not None]


def test_executions_of_one_worker_do_not_disturb_each_other():
    """Each has its own reports, numbered from one; those that are ready together leave in one turn."""

    async def main() -> Worker:
        worker = Worker()
        for n in range(20):
            worker.grant(f"E{n}", "looking")
        await asyncio.sleep(1)
        return worker

    worker = run(main())

    assert sorted(worker.ends()) == sorted(f"E{n}" for n in range(20))
    assert {frame.n for frame in worker.sent if isinstance(frame, Report)} == {1, 2}
    assert worker.host.session("E0") is None


def test_the_heartbeat_can_tell_who_holds_the_loop():
    """A workflow's own code, a body, and a task that a body created; between them nobody."""
    holders.clear()

    async def main() -> Any:
        worker = Worker()
        before = worker.host.holding()
        worker.grant("E1", "looking")
        await asyncio.sleep(1)
        return before, worker.host.holding()

    assert run(main()) == (None, None)
    assert holders == [("E1", "", 0, 0), ("E1", "body#1", 1, 0), ("E1", "body#1", 1, 0)]


def test_output_without_an_origin_belongs_to_the_only_execution():
    """With two there is no telling."""

    async def main() -> list[str | None]:
        worker = Worker()
        seen: list[str | None] = []
        for n in range(3):
            sole = worker.host.sole()
            seen.append(None if sole is None else sole.execution)
            worker.grant(f"E{n}", "waiting")
        return seen

    assert run(main()) == [None, "E0", None]


def test_a_newer_grant_takes_the_place_of_an_older_one():
    """What the older one still hears is ignored."""

    async def main() -> Worker:
        worker = Worker()
        worker.grant("E1", "waiting", fence=1)
        await asyncio.sleep(1)
        worker.grant("E1", "waiting", fence=2)
        worker.host.receive(Forget("E1", 1))
        worker.host.receive(Release("E1", 1))
        await asyncio.sleep(1)
        return worker

    worker = run(main())

    session = worker.host.session("E1")
    assert session is not None
    assert (session.grant.fence, session.is_closed) == (2, False)


def test_a_forgotten_execution_says_nothing_any_more():
    """Its lease is gone: not even that it is gone."""

    async def main() -> Worker:
        worker = Worker()
        worker.grant("E1", "waiting")
        worker.host.receive(Forget("E1", 1))
        await asyncio.sleep(1)
        return worker

    worker = run(main())

    assert worker.sent == []
    assert worker.host.session("E1") is None


def test_a_resting_execution_is_released_on_demand():
    """And answered; a second wish finds nothing."""

    async def main() -> Worker:
        worker = Worker()
        worker.grant("E1", "waiting")
        await asyncio.sleep(1)
        worker.host.receive(Release("E1", 1))
        worker.host.receive(Release("E1", 1))
        return worker

    worker = run(main())

    assert [frame for frame in worker.sent if isinstance(frame, Released)] == [Released("E1", 1)]


def test_a_worker_that_has_nothing_is_drained_at_once():
    """One that rests too: only what runs is waited for."""

    async def main() -> list[list[int]]:
        empty, resting = Worker(), Worker()
        resting.grant("E1", "waiting")
        await asyncio.sleep(1)
        for worker in (empty, resting):
            worker.host.receive(Drain())
        await asyncio.sleep(1)
        return [empty.drained, resting.drained]

    assert run(main()) == [[1], [1]]


def test_frames_for_others_are_refused_or_ignored():
    """A source is for whoever embeds the host; a renewed lease changes nothing here; an unknown execution is gone."""

    async def main() -> None:
        worker = Worker()
        worker.host.receive(Renewed(5))
        worker.host.receive(Ack("unknown", 1, 1, 1, 1))
        with pytest.raises(ProtocolError, match="keeps the sources"):
            worker.host.receive(Source("d", "a.py", "/", {}))

    run(main())


def test_an_error_that_nobody_foresaw_fails_one_execution_only():
    """Its neighbours go on, and it does not hang."""

    async def main() -> Worker:
        worker = Worker()
        for execution in ("E1", "E2"):
            worker.grant(execution, "waiting")
        await asyncio.sleep(1)
        worker.host.receive(Input("E1", 1, 9, 999, None, 0, None))
        worker.host.receive(Input("E2", 1, 9, NUMBERS[T.PAUSE_CLOSED], "pause:go#1", 0, b'"yes"'))
        await asyncio.sleep(1)
        return worker

    worker = run(main())

    ends = {frame.execution: frame.end for frame in worker.sent if isinstance(frame, Report) and frame.end is not None}
    assert {execution: BY_NUMBER[end.type] for execution, end in ends.items()} == {
        "E1": T.WORKFLOW_FAILED,
        "E2": T.WORKFLOW_COMPLETED,
    }
