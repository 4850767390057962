"""The worker's side of task processes: ask for one, give it a body, hear how that ended.

Every body needs a grant of the launcher's, also when a warm process of ours is idle: the launcher may be
about to end it for another worker. A process that dies before its body started has lost nothing, so
the body gets another; `TRIES` of those, then it counts as having died.

What a process prints is read here and goes out on behalf of the body that runs in it. A cancelled or
timed out body's process is killed, and awaited until the launcher has reaped it.
"""

import asyncio
import codecs
import os
import socket
from collections.abc import Callable
from typing import Final

from flux.errors import ProtocolError, WorkerCrashed
from flux.wire import control
from flux.wire.control import Control
from flux.wire.frames import Source, Splitter
from flux.worker.channel import Channel
from flux.worker.job import Job, Outcome
from flux.worker.output import Origin

TRIES: Final = 3
START_LIMIT: Final = 120_000  # ms to import a source that the worker has imported already
_READ: Final = 64 * 1024
_DRAIN: Final = 1024 * 1024  # a pipe holds 64 kB, at most 1 MB if somebody has made it larger

Write = Callable[[Origin, str, str], None]
"""Takes output: on whose behalf, stream, text."""


class TaskProcesses:
    """All task processes of one worker. Implements `job.Processes`.

    Args:
        end: the socket to the launcher.
        source: gives a pinned source by its digest.
        write: takes what bodies print and log.
        orphaned: called when the launcher is gone, before any body hears of it.
    """

    def __init__(
        self,
        end: socket.socket,
        loop: asyncio.AbstractEventLoop,
        source: Callable[[str], Source],
        write: Write,
        orphaned: Callable[[], None] | None = None,
    ) -> None:
        self._channel = Channel(end)
        self._loop = loop
        self._source = source
        self._write = write
        self._orphaned = orphaned
        self._last = 0
        self._wanted: dict[int, asyncio.Future[_Process]] = {}
        self._processes: dict[int, _Process] = {}
        loop.add_reader(self._channel.fileno(), self._on_readable)

    async def run(self, job: Job) -> Outcome:
        """How the body of `job` ended in a process of its own."""
        source = self._source(job.digest)
        outcome = None
        for _ in range(TRIES):
            process = await self._acquire(job.digest)
            outcome = await self._serve(process, job, source)
            if process.has_started or outcome.status != "died":
                break
        assert outcome is not None  # noqa: S101 - TRIES is not 0
        return outcome

    def close(self) -> None:
        """Let all processes go: they end when their stream does."""
        self._lose()

    async def _acquire(self, digest: str) -> "_Process":
        """A process that is ours until it is free again."""
        self._last += 1
        request = self._last
        granted: asyncio.Future[_Process] = self._loop.create_future()
        self._wanted[request] = granted
        self._send(control.Want(request, digest))
        try:
            return await granted
        except asyncio.CancelledError:
            if self._wanted.pop(request, None) is not None:
                self._send(control.Drop(request))
            elif not granted.cancelled():
                self._send(control.Free(granted.result().pid))
            raise

    async def _serve(self, process: "_Process", job: Job, source: Source) -> Outcome:
        """How the body ended in `process`."""
        ended = process.begin(job, source, self._loop.create_future())
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            if ended.done():
                raise  # it ended by itself; nobody asks any more
            process.kill()
            while not ended.done():
                await _settled(ended)
            raise

    def _send(self, message: Control) -> None:
        try:
            if not self._channel.send(message):
                self._loop.add_writer(self._channel.fileno(), self._on_writable)
        except EOFError:
            self._be_orphaned()

    def _on_writable(self) -> None:
        try:
            if self._channel.flush():
                self._loop.remove_writer(self._channel.fileno())
        except EOFError:
            self._be_orphaned()

    def _on_readable(self) -> None:
        try:
            while (received := self._channel.receive()) is not None:
                body, descriptors = received
                self._obey(control.from_launcher(body), descriptors)
        except (EOFError, ProtocolError):
            self._be_orphaned()

    def _obey(self, message: control.FromLauncher, descriptors: list[int]) -> None:
        match message:
            case control.Granted():
                if descriptors:
                    self._processes[message.pid] = _Process(self, message.pid, descriptors, self._loop, self._write)
                granted = self._wanted.pop(message.request, None)
                process = self._processes.get(message.pid)
                if granted is None or granted.cancelled():
                    self._send(control.Free(message.pid))
                elif process is not None:
                    granted.set_result(process)
            case control.Ended():
                process = self._processes.pop(message.pid, None)
                if process is not None:
                    process.ended(message)

    def free(self, pid: int) -> None:
        """Process `pid` has nothing to do."""
        self._send(control.Free(pid))

    def end(self, pid: int) -> None:
        """Kill process `pid`; its end is told when it is reaped."""
        self._send(control.Kill(pid))

    def _be_orphaned(self) -> None:
        if self._orphaned is not None:
            self._orphaned()
        self._lose()

    def _lose(self) -> None:
        """The launcher is gone, and with it every task process."""
        if self._channel.fileno() < 0:
            return
        self._loop.remove_reader(self._channel.fileno())
        self._loop.remove_writer(self._channel.fileno())
        self._channel.close()
        for process in self._processes.values():
            process.ended(control.Ended(process.pid, "SIGKILL", None, 0))
        self._processes.clear()
        for granted in self._wanted.values():
            if not granted.done():
                granted.set_exception(WorkerCrashed("the launcher is gone, and no task process can be had"))
        self._wanted.clear()


async def _settled(future: "asyncio.Future[Outcome]") -> None:
    """Wait for `future`, also if cancelled again meanwhile."""
    try:
        await asyncio.wait([future])
    except asyncio.CancelledError:
        return


class _Process:
    """One task process: its stream, its two pipes, and the body that runs in it."""

    def __init__(
        self,
        owner: TaskProcesses,
        pid: int,
        descriptors: list[int],
        loop: asyncio.AbstractEventLoop,
        write: Write,
    ) -> None:
        stream, out, err = descriptors
        self.pid = pid
        self.has_started = False
        self._owner = owner
        self._loop = loop
        self._stream = socket.socket(fileno=stream)
        self._stream.setblocking(False)
        self._splitter = Splitter()
        self._out = bytearray()
        self._pipes = [_Pipe(out, "stdout", loop, self._print), _Pipe(err, "stderr", loop, self._print)]
        self._write_output = write
        self._knows: set[str] = set()
        self._origin: Origin | None = None
        self._timeout = 0
        self._timer: asyncio.TimerHandle | None = None
        self._has_timed_out = False
        self._ended: asyncio.Future[Outcome] | None = None
        self._death: Outcome | None = None
        loop.add_reader(stream, self._on_readable)

    def begin(self, job: Job, source: Source, ended: "asyncio.Future[Outcome]") -> "asyncio.Future[Outcome]":
        """Send the body; `ended` will say how it ended."""
        self.has_started = self._has_timed_out = False
        if self._death is not None:
            ended.set_result(self._death)  # it died after it was granted and before anybody could use it
            return ended
        self._ended = ended
        self._origin = Origin(job.execution, job.fence, job.call, job.attempt)
        self._timeout = job.timeout
        self._timer = self._loop.call_later(START_LIMIT / 1000, self.kill)
        if self._stream.fileno() < 0:
            return ended  # it is dead, and its end is on its way
        if job.digest not in self._knows:
            self._knows.add(job.digest)
            self._queue(control.encode(source))
        run = control.Run(job.digest, job.module, job.qualname, job.args, dict(job.injects))
        self._queue(control.encode(run))
        self._flush()
        return ended

    def kill(self) -> None:
        """End the process."""
        self._owner.end(self.pid)

    def ended(self, message: control.Ended) -> None:
        """The process is dead and reaped."""
        self._read_stream()  # it may have said `Done` and died after that
        for pipe in self._pipes:
            pipe.close()
        self._close_stream()
        detail = {"signal": message.signal, "exit_code": message.exit_code, "peak_memory": message.peak_memory}
        status = "timeout" if self._has_timed_out else "died"
        self._death = Outcome(status=status, detail=detail)  # type: ignore[arg-type]  # both are of the Literal
        self._finish(self._death)

    def _finish(self, outcome: Outcome) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        ended, self._ended = self._ended, None
        self._origin = None
        if ended is not None and not ended.done():
            ended.set_result(outcome)

    def _time_out(self) -> None:
        self._has_timed_out = True
        self.kill()

    def _on_readable(self) -> None:
        if not self._read_stream():
            self._close_stream()  # the launcher will say how it ended

    def _read_stream(self) -> bool:
        """Take in what was sent; False at the end of the stream."""
        while self._stream.fileno() >= 0:
            try:
                data = self._stream.recv(_READ)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not data:
                return False
            try:
                for body in self._splitter.feed(data):
                    self._take(control.from_process(body))
            except ProtocolError:
                self.kill()  # the body wrote to a descriptor that is not its own
                return False
        return False

    def _take(self, message: control.FromProcess) -> None:
        match message:
            case control.Started():
                self.has_started = True
                if self._timer is not None:
                    self._timer.cancel()
                self._timer = self._loop.call_later(self._timeout / 1000, self._time_out) if self._timeout else None
            case control.Logged():
                self._print(message.level, message.text)
            case control.Done():
                for pipe in self._pipes:
                    pipe.drain()
                status = "completed" if message.completed else "failed"
                if self._ended is not None:
                    self._finish(Outcome(status=status, payload=message.payload))  # type: ignore[arg-type]  # as above
                    self._owner.free(self.pid)

    def _print(self, stream: str, text: str) -> None:
        if self._origin is not None:
            self._write_output(self._origin, stream, text)

    def _queue(self, body: bytes) -> None:
        self._out += len(body).to_bytes(4, "big") + body

    def _flush(self) -> None:
        try:
            while self._out:
                del self._out[: self._stream.send(self._out)]
        except BlockingIOError:
            self._loop.add_writer(self._stream.fileno(), self._flush)
            return
        except OSError:
            self._out.clear()  # it is dead; the launcher will say how
        self._loop.remove_writer(self._stream.fileno())

    def _close_stream(self) -> None:
        if self._stream.fileno() >= 0:
            self._loop.remove_reader(self._stream.fileno())
            self._loop.remove_writer(self._stream.fileno())
            self._stream.close()


class _Pipe:
    """The reading end of a process's fd 1 or 2."""

    def __init__(
        self, descriptor: int, name: str, loop: asyncio.AbstractEventLoop, take: Callable[[str, str], None]
    ) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._name = name
        self._loop = loop
        self._take = take
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        loop.add_reader(descriptor, self._read)

    def _read(self) -> bool:
        """Take in what is there, up to `_READ` bytes; whether there may be more."""
        try:
            data = os.read(self._descriptor, _READ)
        except BlockingIOError:
            return False
        if not data:
            self.close(drain=False)
            return False
        self._take(self._name, self._decoder.decode(data))
        return True

    def drain(self) -> None:
        """Take in what was written until now: no more than the pipe holds, whatever a thread goes on printing."""
        for _ in range(_DRAIN // _READ):
            if self._descriptor < 0 or not self._read():
                break

    def close(self, *, drain: bool = True) -> None:
        """Take in the rest, then read no more."""
        if drain:
            self.drain()
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
