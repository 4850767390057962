"""The daemon's side of one launcher: start it, ask it for processes, notice when it is dead or silent.

Every process the launcher tells of is held by a pidfd until its end is told. When the launcher dies, stops
answering or breaks the protocol, all of its processes are killed by pidfd and gone before `on_lost` is
called; a launcher is never used again after that.

Silence is counted in turns of the daemon's own timer, so a daemon that was held up itself, or a machine
that slept, does not take its launcher for dead. Durations are int milliseconds.
"""

import asyncio
import os
import socket
import subprocess
from array import array
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, TypeVar

from flux.errors import ProtocolError, Unreachable
from flux.executor import pids
from flux.wire import control
from flux.wire.control import MAX_MESSAGE, Control, Settings

SILENCE: Final = 5  # pings without an answer
_ANCILLARY: Final = socket.CMSG_LEN(8 * array("i").itemsize)  # room for more descriptors than any message has

OnProcess = Callable[[int, int, str, bool], None]
"""Told of each process: pid, start time, kind, whether it lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process that the launcher made."""

    pid: int
    start: int
    kind: str
    pidfd: int


T = TypeVar("T")
Make = Callable[[int, list[int]], T]
"""Takes a new process as soon as it is told of: its pid (0: there is none) and the descriptors that came with it."""


class LauncherClient:
    """One launcher process, from its start to its end.

    Args:
        on_ended: told when a process is dead and reaped, of a worker with its task processes.
        on_lost: told why the launcher is of no use any more, when all its processes are gone.
    """

    def __init__(
        self,
        *,
        ping: int,
        on_process: OnProcess,
        on_ended: Callable[[control.Ended], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._ping = ping
        self._on_process = on_process
        self._on_ended = on_ended
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._requests = count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._makers: dict[int, Callable[[int, list[int]], None]] = {}
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._children: dict[int, Child] = {}
        self._unanswered = 0
        self._waiting: deque[bytes] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._burial: asyncio.Task[None] | None = None

    async def start(self, python: str, settings: Settings, environ: Mapping[str, str]) -> None:
        """Start the process; returns when forks are cheap.

        Raises:
            Unreachable: it ended before it was ready.
        """
        self._socket, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        command = [python, "-P", "-m", "flux.worker.launcher", str(far.fileno()), control.settings_to_text(settings)]
        with far:
            # A vfork from the daemon's main thread: the death signal follows that thread.
            self._process = subprocess.Popen(  # noqa: ASYNC220 - our own interpreter; it does not wait
                command, env=dict(environ), stdin=subprocess.DEVNULL, pass_fds=[far.fileno()], start_new_session=True
            )
        self.pid = self._process.pid
        self._adopt(
            Child(pid=self.pid, start=pids.start_of(self.pid) or 0, kind="launcher", pidfd=os.pidfd_open(self.pid))
        )
        self._loop.add_reader(self._children[self.pid].pidfd, self.lose, "it died")
        self._loop.add_reader(self._socket.fileno(), self._on_readable)
        self._timer = self._loop.call_later(self._ping / 1000, self._tick)
        await self._ready

    async def spawn_worker(self, worker: str, make: Make[T]) -> T:
        """What `make` makes of a new worker and [stream]."""
        return await self._ask(lambda id: control.SpawnWorker(id, worker), make)

    async def spawn_inspector(self, path: str, root: str, limit: int, make: Make[T]) -> T:
        """What `make` makes of a new inspector and [stream, output, trace]."""
        return await self._ask(lambda id: control.SpawnInspector(id, path, root, limit), make)

    async def attach(self, make: Make[T]) -> T:
        """What `make` makes of [socket], on which task processes can be asked for."""
        return await self._ask(control.Attach, make)

    def kill(self, pid: int) -> None:
        """Kill a process; `on_ended` tells when it is reaped."""
        if pid in self._children:
            self._send(control.Kill(pid))

    def lose(self, reason: str) -> None:
        """Give this launcher up: kill all its processes; `on_lost` is called when they are gone."""
        if self._burial is None:
            self._burial = self._loop.create_task(self._bury(reason))

    async def lost(self) -> None:
        """Wait until everything is gone after `lose`."""
        if self._burial is not None:
            await asyncio.shield(self._burial)

    # -------------------------------------------------------------- messages

    async def _ask(self, message: Callable[[int], Control], make: Make[T]) -> T:
        """What `make` makes of the answer to a request.

        Raises:
            Unreachable: the launcher was lost, or could not make the process.
        """
        if self._burial is not None:
            raise Unreachable("the launcher is gone")
        request = next(self._requests)
        answer: asyncio.Future[T] = self._loop.create_future()

        def resolve(pid: int, descriptors: list[int]) -> None:
            made = make(pid, descriptors)  # at once: the next message may be that process's end
            if not answer.done():
                answer.set_result(made)

        self._makers[request] = resolve
        self._answers[request] = answer
        self._send(message(request))
        try:
            return await answer
        finally:
            self._answers.pop(request, None)

    def _send(self, message: Control) -> None:
        if self._burial is None:
            self._waiting.append(control.encode(message))
            self._flush()

    def _flush(self) -> None:
        while self._waiting:
            try:
                self._socket.send(self._waiting[0])
            except BlockingIOError:
                self._loop.add_writer(self._socket.fileno(), self._flush)
                return
            except OSError as exc:
                self.lose(str(exc))
                return
            self._waiting.popleft()
        self._loop.remove_writer(self._socket.fileno())

    def _on_readable(self) -> None:
        try:
            while self._burial is None:
                body, ancillary, flags, _ = self._socket.recvmsg(MAX_MESSAGE, _ANCILLARY, socket.MSG_CMSG_CLOEXEC)
                if not body:
                    self.lose("it closed its socket")
                elif flags & (socket.MSG_CTRUNC | socket.MSG_TRUNC):
                    raise ProtocolError("a message arrived cut short")
                else:
                    self._obey(control.from_launcher(body), [fd for *_, data in ancillary for fd in array("i", data)])
        except BlockingIOError:
            return
        except (OSError, ProtocolError) as exc:
            self.lose(str(exc))

    def _obey(self, message: control.FromLauncher, descriptors: list[int]) -> None:
        self._unanswered = 0  # it speaks
        match message:
            case control.Ready():
                if not self._ready.done():
                    self._ready.set_result(None)
            case control.Spawned():
                self._adopt(Child(pid=message.pid, start=message.start, kind=message.kind, pidfd=descriptors[0]))
                if message.id:
                    self._makers.pop(message.id)(message.pid, descriptors[1:])
            case control.Attached():
                self._makers.pop(message.id)(0, descriptors)
            case control.Refused():
                del self._makers[message.id]
                self._fail(self._answers.get(message.id), message.reason)
            case control.Ended():
                self._drop(message.pid)
                self._on_ended(message)

    def _fail(self, answer: "asyncio.Future[Any] | None", reason: str) -> None:
        if answer is not None and not answer.done():
            answer.set_exception(Unreachable(reason))

    def _tick(self) -> None:
        self._timer = self._loop.call_later(self._ping / 1000, self._tick)
        if self._ready.done():
            self._unanswered += 1
            self._send(control.Ping())
        if self._unanswered > SILENCE:
            self.lose(f"it has not answered {SILENCE} pings")
        pids.reap_orphans({self.pid})

    # -------------------------------------------------------------- processes

    def _adopt(self, child: Child) -> None:
        self._children[child.pid] = child
        self._on_process(child.pid, child.start, child.kind, True)

    def _drop(self, pid: int) -> None:
        child = self._children.pop(pid, None)
        if child is not None:
            os.close(child.pidfd)
            self._on_process(child.pid, child.start, child.kind, False)

    async def _bury(self, reason: str) -> None:
        """Kill everything, wait until it is gone, reap it, and tell."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())
        self._loop.remove_reader(self._children[self.pid].pidfd)
        children = list(self._children.values())
        for child in children:
            pids.kill(child.pidfd)
        for child in children:
            await _gone(self._loop, child.pidfd)
        self._process.wait()
        self._socket.close()
        for child in children:
            pids.reap(child.pid, child.pidfd)
            self._drop(child.pid)
        pids.reap_orphans({self.pid})
        for answer in (*self._answers.values(), self._ready):
            self._fail(answer, f"the launcher was lost: {reason}")
        self._on_lost(reason)


async def _gone(loop: asyncio.AbstractEventLoop, pidfd: int) -> None:
    """Wait until the process of `pidfd` has ended."""
    ended = asyncio.Event()
    loop.add_reader(pidfd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(pidfd)
