"""The pool: every process that runs user code for this daemon, and the one launcher that makes them.

`on_death` of a worker is called when it is dead and reaped, its task processes too, and after all
frames that it had sent were handed to `on_frames`: from then on nothing of it can have an effect. A
launcher that is lost takes all its processes with it, and another is started.

It decides nothing: how many workers there are and what they do is the caller's business. Durations
are int milliseconds, memory is bytes.
"""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from flux.clock import SYSTEM
from flux.errors import Unreachable
from flux.executor import pids
from flux.executor.environ import for_workers
from flux.executor.inspection import Inspector
from flux.executor.launcher_client import LauncherClient, OnProcess
from flux.executor.pipe import Pipe
from flux.ids import new_ulid
from flux.wire.control import Ended, Inspection, Settings
from flux.wire.frames import Frame

_LOG: Final = logging.getLogger(__name__)
_GIB: Final = 1024**3
_PAUSE: Final = 0.5  # seconds before a launcher that failed at once is started again
_GRACE: Final = 2  # seconds beyond the limit, in which an inspector should have ended itself

Cause = Literal["asked", "launcher", "stream", "itself"]
"""Why a worker ended. "stream": it broke the protocol or took nothing more, and was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolConfig:
    """How workers are made.

    Attributes:
        environment: the daemon's; what is not for workers is taken out of it.
        python: the interpreter.
        processes: task processes at the same time, over all workers.
        output: bytes of captured output that one task may leave.
        inspect_limit: milliseconds that the import of a file may take.
        inspectors: files inspected at the same time.
        ping: milliseconds between two pings of the launcher.
    """

    environment: Mapping[str, str]
    python: str = sys.executable
    processes: int = os.cpu_count() or 1
    worker_memory: int = 2 * _GIB
    process_memory: int = 4 * _GIB
    heartbeat: int = 10_000
    output: int = 1024 * 1024
    inspect_limit: int = 20_000
    inspectors: int = 2
    ping: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """How a worker ended.

    Attributes:
        cause: "asked": by `kill`. "launcher": the launcher was lost. "itself": for no reason that we know of.
        reason: in words, where we ended it.
    """

    cause: Cause
    signal: str | None = None
    exit_code: int | None = None
    peak_memory: int = 0
    reason: str = ""


class WorkerHandle:
    """One worker process, as the daemon sees it."""

    def __init__(self, id: str, pid: int) -> None:
        self.id = id
        self.pid = pid
        self.cause: Cause = "itself"
        self.reason = ""
        self.pipe: Pipe | None = None
        self.dead = asyncio.Event()

    @property
    def is_alive(self) -> bool:
        """Whether its death was not told yet."""
        return not self.dead.is_set()

    @property
    def waiting(self) -> int:
        """Bytes that it has not taken yet."""
        return 0 if self.pipe is None else self.pipe.waiting

    def send(self, frame: Frame) -> None:
        """Send `frame` at the end of this turn of the loop; nothing happens if the worker is dead."""
        if self.pipe is not None:
            self.pipe.send(frame)


class Pool:
    """Workers, inspectors and task processes.

    Args:
        on_frames: takes the bodies of frames that a worker sent, in order, without their lengths.
        on_death: told once for each worker that `spawn_worker` gave; not for those that `stop` ends.
        on_process: told of each process: pid, start time, kind, whether it lives.
    """

    def __init__(
        self,
        config: PoolConfig,
        on_frames: Callable[[WorkerHandle, list[bytes]], None],
        on_death: Callable[[WorkerHandle, Death], None],
        on_process: OnProcess,
    ) -> None:
        self._config = config
        self._on_frames = on_frames
        self._on_death = on_death
        self._on_process = on_process
        self._workers: dict[int, WorkerHandle] = {}
        self._inspectors: dict[int, Inspector] = {}
        self._inspecting = asyncio.Semaphore(config.inspectors)
        self._launcher: LauncherClient | None = None
        self._start: asyncio.Task[LauncherClient] | None = None
        self._is_stopping = False

    @property
    def workers(self) -> list[WorkerHandle]:
        """Those that live."""
        return list(self._workers.values())

    @property
    def launcher_pid(self) -> int:
        """The pid of the launcher; 0 if there is none at the moment."""
        return 0 if self._launcher is None else self._launcher.pid

    async def start(self) -> None:
        """Start the launcher.

        Raises:
            Unreachable: it cannot be started.
        """
        pids.become_subreaper()
        await self._ready()

    async def stop(self) -> None:
        """Kill every process, and wait until they are gone."""
        self._is_stopping = True
        if self._start is not None:
            await asyncio.wait([self._start])
        if self._launcher is not None:
            launcher = self._launcher
            launcher.lose("the pool was stopped")
            await launcher.lost()
        pids.become_subreaper(False)

    async def spawn_worker(self) -> WorkerHandle:
        """A new worker. Its `Hello` comes as its first frame.

        Raises:
            Unreachable: there is no room for it, or no launcher.
        """
        worker = new_ulid(SYSTEM.now())
        launcher = await self._ready()
        return await launcher.spawn_worker(worker, lambda pid, ends: self._add_worker(worker, pid, ends))

    async def kill(self, worker: WorkerHandle) -> None:
        """Kill a worker; returns when it and its task processes are dead and reaped and `on_death` was called."""
        self._end_worker(worker, "asked", "it was asked to")
        await worker.dead.wait()

    async def inspect(self, path: Path, root: Path) -> Inspection:
        """What the file `path` below `root` holds. Never raises for what the file does.

        Raises:
            Unreachable: there is no room for a process, or no launcher.
            ValueError: `path` is not below `root`.
        """
        entry = path.relative_to(root).as_posix()
        limit = self._config.inspect_limit
        async with self._inspecting:
            launcher = await self._ready()

            def add(pid: int, descriptors: list[int]) -> Inspector:
                self._inspectors[pid] = inspector = Inspector(str(root), entry, limit, descriptors)
                asyncio.get_running_loop().call_later(limit / 1000 + _GRACE, self._end_inspector, pid, inspector)
                return inspector

            inspector = await launcher.spawn_inspector(entry, str(root), limit, add)
            return await inspector.result

    def _end_inspector(self, pid: int, inspector: Inspector) -> None:
        """Kill an inspector that has not ended in time."""
        if self._launcher is not None and self._inspectors.get(pid) is inspector:
            inspector.expired()
            self._launcher.kill(pid)

    async def attach(self) -> socket.socket:
        """A socket on which this process may ask the launcher for task processes."""
        launcher = await self._ready()
        return await launcher.attach(lambda _, ends: socket.socket(fileno=ends[0]))

    # -------------------------------------------------------------- workers

    def _add_worker(self, id: str, pid: int, descriptors: list[int]) -> WorkerHandle:
        worker = WorkerHandle(id, pid)
        worker.pipe = Pipe(
            socket.socket(fileno=descriptors[0]),
            on_frames=lambda bodies: self._on_frames(worker, bodies),
            on_end=lambda reason: self._end_worker(worker, "stream" if reason else "itself", reason),
        )
        self._workers[pid] = worker
        return worker

    def _end_worker(self, worker: WorkerHandle, cause: Cause, reason: str) -> None:
        """Have `worker` killed for a cause that its `Death` will name; the first one counts."""
        if worker.is_alive and worker.cause == "itself":
            worker.cause, worker.reason = cause, reason
        if self._launcher is not None:
            self._launcher.kill(worker.pid)

    def _bury_worker(self, worker: WorkerHandle, death: Death) -> None:
        """`worker` is dead and reaped: hand over what it had sent, then tell."""
        if worker.pipe is not None:
            worker.pipe.drain()
            worker.pipe.close()
        self._workers.pop(worker.pid, None)
        try:
            if not self._is_stopping:
                self._on_death(worker, death)
        finally:
            worker.dead.set()

    # -------------------------------------------------------------- the launcher

    def _on_ended(self, ended: Ended) -> None:
        worker = self._workers.get(ended.pid)
        if worker is not None:
            death = Death(
                cause=worker.cause,
                reason=worker.reason,
                signal=ended.signal,
                exit_code=ended.exit_code,
                peak_memory=ended.peak_memory,
            )
            self._bury_worker(worker, death)
        inspector = self._inspectors.pop(ended.pid, None)
        if inspector is not None:
            inspector.ended(ended)

    async def _ready(self) -> LauncherClient:
        """The launcher, once it is there."""
        if self._launcher is not None:
            return self._launcher
        if self._is_stopping:
            raise Unreachable("the pool is stopped")
        return await asyncio.shield(self._start or self._start_launcher())

    def _start_launcher(self) -> "asyncio.Task[LauncherClient]":
        self._start = asyncio.get_running_loop().create_task(self._new_launcher())
        self._start.add_done_callback(_heed)
        return self._start

    async def _new_launcher(self) -> LauncherClient:
        """Start a launcher, again if it fails at first: the machine may be short of something."""
        config = self._config
        settings = Settings(
            parent=os.getpid(),
            processes=config.processes,
            worker_memory=config.worker_memory,
            process_memory=config.process_memory,
            heartbeat=config.heartbeat,
            output=config.output,
        )
        try:
            for last in (False, False, True):
                launcher = LauncherClient(
                    ping=config.ping, on_process=self._on_process, on_ended=self._on_ended, on_lost=self._on_lost
                )
                try:
                    await launcher.start(config.python, settings, for_workers(config.environment))
                except Unreachable:
                    if last or self._is_stopping:
                        raise
                    await asyncio.sleep(_PAUSE)
                else:
                    self._launcher = launcher
                    return launcher
        finally:
            self._start = None
        raise Unreachable("no launcher")  # not reached: the last try returns or raises

    def _on_lost(self, reason: str) -> None:
        """The launcher and all its processes are gone."""
        if self._launcher is None:
            return  # it never became ready; `_new_launcher` deals with it
        self._launcher = None
        for worker in self.workers:
            self._bury_worker(worker, Death(cause="launcher", signal="SIGKILL", reason=reason))
        for inspector in list(self._inspectors.values()):
            inspector.fail(Unreachable(f"the launcher was lost: {reason}"))
        self._inspectors.clear()
        if not self._is_stopping:
            _LOG.error("the launcher was lost: %s; starting another", reason)
            self._start_launcher()


def _heed(start: "asyncio.Task[LauncherClient]") -> None:
    """Log a launcher that did not start. Whoever needs one tries again."""
    if not start.cancelled() and (error := start.exception()) is not None:
        _LOG.error("no launcher could be started: %s", error)
