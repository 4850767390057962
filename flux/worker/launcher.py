"""The launcher: the one process that makes processes. Started by exec, it forks from its only thread.

It loads the runtime once, so that a fork costs a few milliseconds and shares its memory. It runs no
user code, imports no `__main__`, opens no file of the daemon's. The daemon asks it for workers and inspectors,
a worker asks it for task processes; it reaps them all and says how each ended. A worker's end is told
only when its task processes are dead and reaped.

When the daemon's socket ends, the launcher ends; the kernel then ends its children.
"""

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final

from flux.errors import ProtocolError
from flux.wire import control
from flux.wire.control import Settings
from flux.worker import guard, inspector, main, task_process
from flux.worker.channel import Channel
from flux.worker.forks import Child, End, fork, reap
from flux.worker.slots import Evict, Fork, Give, Request, Slots

_TRY_AGAIN: Final = 500  # ms until a fork that the system refused is tried again
_YOUNG: Final = 10_000  # new objects until a collection; the 500 tasks of one fan-out are not looked at twelve times


class Launcher:
    """Sockets, children, and who waits for what."""

    def __init__(self, daemon: Channel, settings: Settings) -> None:
        self._daemon = daemon
        self._settings = settings
        self._poll = select.poll()
        self._events: dict[int, Callable[[int], None]] = {}
        self._children: dict[int, Child] = {}
        self._attached: dict[int, Channel] = {}  # number of a worker (its pid; negative for the daemon) -> its socket
        self._ends: dict[int, End] = {}  # workers that are dead, but have task processes that are not reaped
        self._slots = Slots(settings.processes)
        self._is_short = False  # of processes: the system refused a fork

    def run(self) -> None:
        """Serve until the daemon is gone."""
        self._watch(self._daemon.fileno(), self._on_daemon)
        self._daemon.send(control.Ready())
        try:
            while True:
                ready = self._poll.poll(_TRY_AGAIN if self._is_short else None)
                self._is_short = False
                for descriptor, event in ready:
                    handler = self._events.get(descriptor)
                    if handler is not None:
                        handler(event)
                self._settle()
        except EOFError:
            for pid in list(self._children):  # with what they have started; the kernel would end only them
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)

    # -------------------------------------------------------------- the daemon

    def _on_daemon(self, _event: int) -> None:
        self._flush(self._daemon)
        while (received := self._daemon.receive()) is not None:
            self._obey(control.to_launcher(received[0]))

    def _obey(self, message: control.ToLauncher) -> None:
        match message:
            case control.Ping():
                self._daemon.send(control.Pong())
            case control.SpawnWorker():
                self._try(message.id, lambda: self._spawn_worker(message))
            case control.SpawnInspector():
                self._try(message.id, lambda: self._spawn_inspector(message))
            case control.Attach():
                self._attach(message)
            case control.Kill():
                self._kill(message.pid)
            case _:
                raise ProtocolError(f"a daemon does not send {type(message).__name__}")

    def _try(self, request: int, make: Callable[[], None]) -> None:
        try:
            make()
        except OSError as exc:
            self._daemon.send(control.Refused(request, f"the system refused a process: {exc}"))

    def _spawn_worker(self, message: control.SpawnWorker) -> None:
        channel, request_end = Channel.pair()
        near, far = socket.socketpair()

        def body() -> None:
            main.run(message.worker, near, request_end, self._settings)

        try:
            child = fork("worker", self._settings.worker_memory, (near.fileno(), request_end.fileno()), body)
        except OSError:
            channel.close()
            far.close()
            raise
        finally:
            near.close()
            request_end.close()
        self._adopt(child, message.id, far.detach())
        self._listen(child.pid, channel)

    def _spawn_inspector(self, message: control.SpawnInspector) -> None:
        near, far = socket.socketpair()
        output, printed = os.pipe()
        trace = os.memfd_create("trace", os.MFD_CLOEXEC)

        def body() -> None:
            os.dup2(printed, 1)
            os.dup2(printed, 2)
            guard.close_others([near.fileno(), trace])
            inspector.run(message, near, trace)

        try:
            child = fork("inspector", self._settings.worker_memory, (near.fileno(), printed, trace), body)
        except OSError:
            far.close()
            os.close(output)
            os.close(trace)
            raise
        finally:
            near.close()
            os.close(printed)
        self._adopt(child, message.id, far.detach(), output, trace)

    def _attach(self, message: control.Attach) -> None:
        channel, far = Channel.pair()
        self._listen(-message.id, channel)
        self._daemon.send(control.Attached(message.id), [far.detach()])

    # -------------------------------------------------------------- workers and their task processes

    def _listen(self, worker: int, channel: Channel) -> None:
        self._attached[worker] = channel
        self._watch(channel.fileno(), lambda _event: self._on_worker(worker, channel))

    def _on_worker(self, worker: int, channel: Channel) -> None:
        try:
            self._flush(channel)
            while (received := channel.receive()) is not None:
                self._serve(worker, control.to_launcher(received[0]))
        except (EOFError, ProtocolError):
            self._detach(worker)
            self._kill(worker)  # it is dead, or breaks the protocol and must be

    def _serve(self, worker: int, message: control.ToLauncher) -> None:
        match message:
            case control.Want():
                self._slots.want(Request(worker, message.request, message.digest))
            case control.Drop():
                self._slots.drop(worker, message.request)
            case control.Free():
                self._slots.free(message.pid, worker)
            case control.Kill() if self._slots.owner(message.pid) == worker:
                self._kill(message.pid)
            case control.Kill():
                return  # it died by itself meanwhile
            case _:
                raise ProtocolError(f"a worker does not send {type(message).__name__}")

    def _detach(self, worker: int) -> None:
        """Hear no more from a worker, and end its task processes."""
        channel = self._attached.pop(worker, None)
        if channel is not None:
            self._unwatch(channel.fileno())
            channel.close()
        for pid in self._slots.leave(worker):
            self._kill(pid)

    def _settle(self) -> None:
        """Give, fork and evict until the first request that waits must go on waiting."""
        while (action := self._slots.decide()) is not None:
            match action:
                case Give():
                    self._tell(action.request.worker, control.Granted(action.request.number, action.pid))
                case Evict():
                    self._kill(action.pid)
                case Fork():
                    try:
                        self._fork_process(action.request)
                    except OSError:
                        self._slots.want_first(action.request)
                        self._is_short = True
                        return

    def _fork_process(self, request: Request) -> None:
        near, far = socket.socketpair()
        pipes = [os.pipe(), os.pipe()]
        writes = [write for _, write in pipes]

        def body() -> None:
            os.dup2(writes[0], 1)
            os.dup2(writes[1], 2)
            guard.close_others([near.fileno()])
            task_process.run(near)

        try:
            child = fork("task", self._settings.process_memory, (near.fileno(), *writes), body)
        except OSError:
            far.close()
            for read, _ in pipes:
                os.close(read)
            raise
        finally:
            near.close()
            for write in writes:
                os.close(write)
        child.worker = request.worker
        self._slots.forked(child.pid, request)
        self._adopt(child, 0)
        self._tell(request.worker, control.Granted(request.number, child.pid), far.detach(), *(r for r, _ in pipes))

    def _tell(self, worker: int, message: control.Control, *descriptors: int) -> None:
        channel = self._attached.get(worker)
        if channel is None:
            for descriptor in descriptors:
                os.close(descriptor)
            return
        try:
            self._write(channel, message, *descriptors)
        except EOFError:
            self._detach(worker)
            self._kill(worker)

    # -------------------------------------------------------------- children

    def _adopt(self, child: Child, request: int, *descriptors: int) -> None:
        """Watch a new child, and tell the daemon about it."""
        self._children[child.pid] = child
        self._watch(child.pidfd, lambda _event: self._on_death(child))
        pidfd = os.dup(child.pidfd)
        self._write(self._daemon, control.Spawned(request, child.pid, child.start, child.kind), pidfd, *descriptors)

    def _kill(self, pid: int) -> None:
        if pid in self._children:  # so it is not reaped, and the pid is still its own
            os.kill(pid, signal.SIGKILL)

    def _on_death(self, child: Child) -> None:
        if not child.is_dead():
            return  # an event of another descriptor, which had this number a moment ago
        self._unwatch(child.pidfd)
        del self._children[child.pid]
        end = reap(child)
        if child.kind == "worker":
            self._ends[child.pid] = end
            self._detach(child.pid)
            self._bury(child.pid)
        else:
            self._report(child.pid, end)
            worker = self._slots.ended(child.pid)
            if worker is not None:
                self._tell(worker, _ended(child.pid, end))
                self._bury(worker)

    def _bury(self, worker: int) -> None:
        """Tell of a worker's death, if it is dead and its last task process too."""
        if worker in self._ends and not self._slots.leave(worker):
            self._report(worker, self._ends.pop(worker))

    def _report(self, pid: int, end: End) -> None:
        self._write(self._daemon, _ended(pid, end))

    # -------------------------------------------------------------- sockets

    def _watch(self, descriptor: int, handler: Callable[[int], None]) -> None:
        self._events[descriptor] = handler
        self._poll.register(descriptor, select.POLLIN)

    def _unwatch(self, descriptor: int) -> None:
        del self._events[descriptor]
        self._poll.unregister(descriptor)

    def _write(self, channel: Channel, message: control.Control, *descriptors: int) -> None:
        if not channel.send(message, descriptors):
            self._poll.modify(channel.fileno(), select.POLLIN | select.POLLOUT)

    def _flush(self, channel: Channel) -> None:
        if channel.flush():
            self._poll.modify(channel.fileno(), select.POLLIN)


def _ended(pid: int, end: End) -> control.Ended:
    return control.Ended(pid, end.signal, end.exit_code, end.peak_memory)


def _serve_daemon(descriptor: int, settings: Settings) -> None:
    """Be the launcher of the daemon at the other end of `descriptor`, until it is gone."""
    guard.die_with(settings.parent)
    guard.call_itself("flux-launcher")
    guard.limit(0)
    gc.collect()
    gc.disable()
    gc.freeze()  # a collection in a child would write to, and so copy, every page that it looks at
    gc.set_threshold(_YOUNG, 10, 10)
    Launcher(Channel(socket.socket(fileno=descriptor)), settings).run()


if __name__ == "__main__":
    _serve_daemon(int(sys.argv[1]), control.settings_of_text(sys.argv[2]))
