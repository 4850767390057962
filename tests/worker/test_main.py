"""A worker process as its daemon sees it: frames, heartbeats, output, and every way to lose it."""

import os
import signal
from pathlib import Path

import pytest

from flux import codec
from flux.core.events import NUMBERS, EventType
from flux.executor.pool import Pool, WorkerHandle
from flux.wire.frames import Ack, Frame, Grant, Heartbeat, History, Log, Report, pack_events
from flux.worker.sources import gather
from tests.executor.conftest import MakePool, Told, exists

HEAD = """
import asyncio, logging, os, sys, threading, time
from flux.task import task
from flux.workflow import workflow
"""


class Daemon:
    """Plays the daemon for one worker: allows everything, and keeps what it is told."""

    def __init__(self, pool: Pool, told: Told, worker: WorkerHandle, folder: Path) -> None:
        self.pool = pool
        self.told = told
        self.worker = worker
        self._folder = folder
        self.logs: list[Log] = []
        self.beats: list[Heartbeat] = []

    def grant(self, text: str, execution: str = "e1") -> None:
        """Have the worker run the workflow `flow` of a source."""
        (self._folder / "flow.py").write_text(HEAD + text)
        source = gather(self._folder, "flow.py")
        self.worker.send(source)
        self.worker.send(Grant(execution, 1, "token", "default", "flow", source.digest, 1_000, 1_000, "p"))
        rows = [
            (1, NUMBERS[EventType.WORKFLOW_QUEUED], 1_000, None, None, "flow", 0, 0, None, None, codec.encode(None)),
            (2, NUMBERS[EventType.WORKFLOW_STARTED], 1_000, None, None, None, 1, 0, None, None, None),
        ]
        self.worker.send(History(execution, 1, last=True, events=pack_events(rows)))

    async def frame(self) -> Frame:
        """The next frame of the worker; reports are acknowledged."""
        _, frame = await self.told.frames.get()
        if isinstance(frame, Report):
            self.worker.send(Ack(frame.execution, frame.fence, frame.n, 10 + frame.n, 1))
        elif isinstance(frame, Log):
            self.logs.append(frame)
        elif isinstance(frame, Heartbeat):
            self.beats.append(frame)
        return frame

    async def end(self) -> object:
        """What the execution ends with."""
        while True:
            frame = await self.frame()
            if isinstance(frame, Report) and frame.end is not None:
                if frame.end.type != NUMBERS[EventType.WORKFLOW_COMPLETED]:
                    raise codec.decode_error(frame.end.payload or b"null")
                return codec.decode(frame.end.payload or b"null")

    async def log(self, text: str) -> Log:
        """The next output that holds `text`."""
        while True:
            frame = await self.frame()
            if isinstance(frame, Log) and text in frame.text:
                return frame


@pytest.fixture
async def daemon(make_pool: MakePool, tmp_path: Path) -> Daemon:
    """A worker that has said hello."""
    pool, told = await make_pool()
    daemon = Daemon(pool, told, await pool.spawn_worker(), tmp_path)
    await daemon.frame()
    return daemon


async def test_a_workflow_runs_with_tasks_on_the_loop_and_in_processes(daemon: Daemon):
    """From grant to end, over a real socket."""
    daemon.grant(
        "@task\nasync def add(a, b): return a + b\n@task\ndef pid(): return os.getpid()\n"
        "@workflow\nasync def flow(ctx): return [await add(1, 2), await pid() != os.getpid()]\n"
    )

    assert await daemon.end() == [3, True]


async def test_output_is_told_with_the_call_that_wrote_it(daemon: Daemon):
    """Workflow, task on the loop, task in a process, and threads that they start."""
    daemon.grant(
        "@task\nasync def near():\n    print('near')\n    await asyncio.to_thread(print, 'thread')\n"
        "@task\ndef far():\n    print('far')\n    logging.warning('careful')\n"
        "@workflow\nasync def flow(ctx):\n    print('flow')\n    await near()\n    await far()\n"
    )
    await daemon.end()

    told: dict[tuple[str | None, int, str], str] = {}
    for log in daemon.logs:
        told[log.call, log.attempt, log.stream] = told.get((log.call, log.attempt, log.stream), "") + log.text
    assert told == {
        (None, 0, "stdout"): "flow\n",
        ("near#1", 1, "stdout"): "near\nthread\n",
        ("far#1", 1, "stdout"): "far\n",
        ("far#1", 1, "WARNING"): "root: careful\n",
    }


async def test_a_raw_threads_output_goes_to_the_only_execution(daemon: Daemon):
    """It has no context that could say whose it is."""
    daemon.grant(
        "@task\nasync def start():\n    t = threading.Thread(target=print, args=['raw'])\n    t.start()\n    t.join()\n"
        "@workflow\nasync def flow(ctx): await start()\n"
    )

    log = await daemon.log("raw")

    assert (log.execution, log.call) == ("e1", None)


async def test_a_held_loop_is_told_at_once_with_what_was_printed(daemon: Daemon):
    """The heartbeat's thread says how long, and by which body; the output before the hang is not lost."""
    daemon.grant(
        "@task\nasync def hang():\n    print('going')\n    time.sleep(600)\n"
        "@workflow\nasync def flow(ctx): await hang()\n"
    )

    await daemon.log("going")
    while not daemon.beats:
        await daemon.frame()

    beat = daemon.beats[0]
    assert beat.age >= 1_000
    assert (beat.execution, beat.call, beat.attempt) == ("e1", "hang#1", 1)


async def test_the_death_of_a_worker_is_told_after_its_task_processes_are_gone(daemon: Daemon):
    """Nothing of it can have an effect any more."""
    daemon.grant(
        "@task\ndef far():\n    print(f'pid {os.getpid()}.')\n    time.sleep(600)\n"
        "@workflow\nasync def flow(ctx): await far()\n"
    )
    pid = int((await daemon.log("pid")).text.split()[1].rstrip("."))

    os.kill(daemon.worker.pid, signal.SIGKILL)
    _, death = await daemon.told.deaths.get()

    assert death.signal == "SIGKILL"
    assert not exists(pid)
    assert daemon.told.living("task") == []


async def test_frames_that_a_dying_worker_had_sent_are_handed_over_before_its_death(daemon: Daemon):
    """A last report counts as much as any other."""
    daemon.grant(
        "@task\nasync def last():\n    print('last words')\n    for _ in range(5): await asyncio.sleep(0)\n"
        "    os.kill(os.getpid(), 9)\n"
        "@workflow\nasync def flow(ctx): await last()\n"
    )
    await daemon.frame()  # the report that begins the body
    await daemon.worker.dead.wait()

    while not daemon.told.frames.empty():
        await daemon.frame()
    assert daemon.logs[-1].text == "last words\n"


async def test_a_source_that_does_not_load_fails_the_execution_only(daemon: Daemon):
    """The worker goes on with others."""
    daemon.grant("1 / 0\n", "bad")
    with pytest.raises(Exception, match="division by zero"):
        await daemon.end()
    daemon.grant("@workflow\nasync def flow(ctx): return 1\n", "good")

    assert await daemon.end() == 1


async def test_too_much_output_ends_with_one_line_that_says_so(make_pool: MakePool, tmp_path: Path):
    """The limit is for each attempt; whatever comes after it is dropped."""
    pool, told = await make_pool(output=1000)
    daemon = Daemon(pool, told, await pool.spawn_worker(), tmp_path)
    daemon.grant(
        "@task\nasync def near(): print('x' * 5000)\n@task\ndef far(): print('y' * 5000)\n"
        "@workflow\nasync def flow(ctx):\n    await near()\n    await far()\n"
    )
    await daemon.end()

    texts = {call: "".join(log.text for log in daemon.logs if log.call == call) for call in ("near#1", "far#1")}

    assert texts["near#1"] == "x" * 1000 + "\n… truncated\n"
    assert texts["far#1"] == "y" * 1000 + "\n… truncated\n"


async def test_a_worker_whose_daemon_is_gone_ends(daemon: Daemon):
    """Without a daemon nothing may have an effect."""
    assert daemon.worker.pipe is not None
    daemon.worker.pipe.close()

    _, death = await daemon.told.deaths.get()

    assert (death.signal, death.exit_code) == (None, 0)
