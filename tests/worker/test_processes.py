"""The worker's side of task processes, against a launcher that the test plays. The rest is in test_task_process.py."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine

import pytest

from flux.errors import WorkerCrashed
from flux.wire import control
from flux.wire.control import encode, to_launcher, to_process
from flux.wire.frames import Source, Splitter
from flux.worker.job import Job, Outcome
from flux.worker.processes import TRIES, TaskProcesses

SOURCE = Source("d", "a.py", "/w", {"a.py": b""})
JOB = Job(execution="e", fence=1, call="t#1", attempt=1, digest="d", module="m", qualname="t", args=b"[[],{}]")


class Launcher:
    """Says what it is told to say."""

    def __init__(self, orphaned: Callable[[], None] | None = None) -> None:
        end, self.socket = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.setblocking(False)
        loop = asyncio.get_running_loop()
        self.processes = TaskProcesses(end, loop, {"d": SOURCE}.__getitem__, lambda *_: None, orphaned)
        self._open: list[socket.socket] = [self.socket]

    async def hear(self) -> control.ToLauncher:
        """What the worker wants."""
        return to_launcher(await asyncio.get_running_loop().sock_recv(self.socket, 65536))

    def grant(self, request: int, pid: int) -> socket.socket:
        """Give a new process, and play it: its end of the stream."""
        far, stream = socket.socketpair()
        out, err = os.pipe(), os.pipe()
        descriptors = [stream.fileno(), out[0], err[0]]
        socket.send_fds(self.socket, [encode(control.Granted(request, pid))], descriptors)
        stream.close()
        for descriptor in (*out, *err):
            os.close(descriptor)
        far.setblocking(False)
        self._open.append(far)
        return far

    def end(self, pid: int) -> None:
        """Tell a death."""
        self.socket.send(encode(control.Ended(pid, "SIGKILL", None, 1)))

    def close(self) -> None:
        """End everything."""
        self.processes.close()
        for one in self._open:
            one.close()


@pytest.fixture
async def launcher() -> AsyncIterator[Launcher]:
    """A launcher that the test plays."""
    launcher = Launcher()
    yield launcher
    launcher.close()


def start(body: Coroutine[object, object, Outcome]) -> "asyncio.Task[Outcome]":
    """Begin in the background."""
    return asyncio.get_running_loop().create_task(body)


async def test_a_process_that_dies_right_after_its_grant_is_replaced(launcher: Launcher):
    """Nothing of the body has run, so it gets another; not for ever."""
    running = start(launcher.processes.run(JOB))
    for number in range(1, TRIES + 1):
        assert await launcher.hear() == control.Want(number, "d")
        launcher.grant(number, 100 + number)
        launcher.end(100 + number)

    outcome = await running

    assert (outcome.status, outcome.detail["signal"]) == ("died", "SIGKILL")


async def test_a_source_is_sent_once_to_each_process(launcher: Launcher):
    """Then the body; the process keeps what it has."""
    running = start(launcher.processes.run(JOB))
    await launcher.hear()
    process = launcher.grant(1, 100)
    loop, splitter = asyncio.get_running_loop(), Splitter()
    bodies: list[bytes] = []
    while len(bodies) < 2:
        bodies += splitter.feed(await loop.sock_recv(process, 65536))

    assert [type(to_process(body)) for body in bodies] == [Source, control.Run]

    for message in (control.Started(), control.Done(completed=True, payload=b"1")):
        await loop.sock_sendall(process, len(encode(message)).to_bytes(4, "big") + encode(message))
    assert await running == Outcome(status="completed", payload=b"1")
    assert await launcher.hear() == control.Free(100)
    again = start(launcher.processes.run(JOB))
    assert await launcher.hear() == control.Want(2, "d")
    launcher.socket.send(encode(control.Granted(2, 100)))
    (body,) = splitter.feed(await loop.sock_recv(process, 65536))
    assert isinstance(to_process(body), control.Run)
    again.cancel()
    assert await launcher.hear() == control.Kill(100)
    launcher.end(100)
    with pytest.raises(asyncio.CancelledError):
        await again


async def test_a_grant_that_nobody_wants_any_more_is_given_back(launcher: Launcher):
    """The request was dropped while the grant was on its way."""
    running = start(launcher.processes.run(JOB))
    await launcher.hear()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    launcher.grant(1, 100)

    assert await launcher.hear() == control.Drop(1)
    assert await launcher.hear() == control.Free(100)


async def test_without_a_launcher_there_are_no_processes(launcher: Launcher):
    """What waits for one is told so, what runs in one has died."""
    waiting = start(launcher.processes.run(JOB))
    await launcher.hear()

    launcher.socket.close()

    with pytest.raises(WorkerCrashed):
        await waiting


async def test_what_is_no_message_of_a_process_has_it_killed(launcher: Launcher):
    """A body may write to any descriptor."""
    running = start(launcher.processes.run(JOB))
    await launcher.hear()
    process = launcher.grant(1, 100)

    process.send(b"\x00\x00\x00\x01\xc1")

    assert await launcher.hear() == control.Kill(100)
    launcher.end(100)
    assert await launcher.hear() == control.Want(2, "d")
    running.cancel()


async def test_who_must_not_outlive_the_launcher_is_told_before_any_body(launcher: Launcher):
    """A worker ends itself there: else it would ask for its bodies again in the moment before the kernel ends it."""
    told: list[bool] = []
    alone = Launcher(orphaned=lambda: told.append(running.done()))
    running = start(alone.processes.run(JOB))
    await alone.hear()

    alone.socket.close()
    with pytest.raises(WorkerCrashed):
        await running
    alone.close()

    assert told == [False]
