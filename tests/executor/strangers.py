"""Strangers: workers whose end of the pipe a test holds, so that they can say whatever it likes.

The pool is the product's own, but for where its workers come from: a socket pair instead of a fork. The
pipes are real. `Stage` is an executor over an engine in the test's loop, with such workers.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from flux.core.execution import Execution
from flux.executor.peers import Worker
from flux.executor.pool import Death, Pool, PoolConfig, WorkerHandle
from flux.executor.service import Executor, Limits
from flux.ids import new_ulid
from flux.wire.frames import Ack, Frame, FromDaemon, Grant, Report, Splitter, from_daemon, pack
from tests.engine.desk import Desk

PATIENCE = 30  # seconds
LEASE = 30_000
F = TypeVar("F", bound=FromDaemon)


class Stranger:
    """The far end of one worker's pipe."""

    def __init__(self, handle: WorkerHandle, end: socket.socket) -> None:
        end.setblocking(False)
        self.handle = handle
        self.id = handle.id
        self._end = end
        self._splitter = Splitter()
        self._frames: deque[FromDaemon] = deque()

    def say(self, *frames: Frame) -> None:
        """Send frames."""
        self.say_bytes(b"".join(map(pack, frames)))

    def say_bytes(self, data: bytes) -> None:
        """Send bytes, whatever they are, as many as the pipe takes at once."""
        assert self._end.send(data) == len(data)

    async def say_much(self, *frames: Frame) -> None:
        """Send more than the pipe takes at once."""
        await asyncio.get_running_loop().sock_sendall(self._end, b"".join(map(pack, frames)))

    async def hear(self, kind: type[F]) -> F:
        """The next frame of that kind; those before it are passed over."""
        while True:
            frame = await self.hear_any()
            if isinstance(frame, kind):
                return frame

    async def hear_any(self) -> FromDaemon:
        """The next frame."""
        async with asyncio.timeout(PATIENCE):
            while not self._frames:
                data = await asyncio.get_running_loop().sock_recv(self._end, 1 << 16)
                assert data, "the daemon has closed the pipe"
                self._frames.extend(map(from_daemon, self._splitter.feed(data)))
        return self._frames.popleft()

    async def hear_the_end(self) -> list[FromDaemon]:
        """What else was said until the daemon closed the pipe."""
        async with asyncio.timeout(PATIENCE):
            while data := await asyncio.get_running_loop().sock_recv(self._end, 1 << 16):
                self._frames.extend(map(from_daemon, self._splitter.feed(data)))
        return list(self._frames)

    def leave(self) -> None:
        """Close the pipe."""
        self._end.close()


class Held:
    """A grant in the hands of a stranger, who numbers his reports as he should."""

    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self.n = 0
        self.handle = 0

    def report(self, **parts: object) -> Report:
        """The next report."""
        self.n += 1
        token = self.grant.token if self.n == 1 else None
        return Report(self.grant.execution, self.grant.fence, self.handle, self.n, token=token, **parts)  # type: ignore[arg-type]  # builder

    def take(self, ack: Ack) -> Ack:
        """Learn the handle from an acknowledgement."""
        self.handle = ack.handle
        return ack


class StrangerPool(Pool):
    """Makes workers of socket pairs. `may_kill`: cleared, a kill takes until it is set."""

    def __init__(self, stage: "Stage") -> None:
        super().__init__(PoolConfig(environment={}), stage.executor.frames, stage.executor.ended, lambda *process: None)
        self.strangers: list[Stranger] = []
        self.may_kill = asyncio.Event()
        self.may_kill.set()
        self.refusals: deque[Exception] = deque()
        self._pids = count(1)

    async def spawn_worker(self) -> WorkerHandle:
        """A worker at whose other end nobody is but the test."""
        if self.refusals:
            raise self.refusals.popleft()
        near, far = socket.socketpair()
        handle = self._add_worker(new_ulid(1_700_000_000_000), next(self._pids), [near.detach()])
        self.strangers.append(Stranger(handle, far))
        return handle

    async def kill(self, worker: WorkerHandle) -> None:
        """End a worker, when that is allowed."""
        await self.may_kill.wait()
        if worker.is_alive:
            self._bury_worker(worker, Death(cause="asked", signal="SIGKILL"))

    def die(self, stranger: Stranger, signal: str = "SIGSEGV") -> None:
        """A worker dies by itself."""
        stranger.leave()
        self._bury_worker(stranger.handle, Death(cause="itself", signal=signal))

    def _end_worker(self, worker: WorkerHandle, cause: str, reason: str) -> None:
        super()._end_worker(worker, cause, reason)  # type: ignore[arg-type]  # one of the Literal
        asyncio.get_running_loop().call_soon(self._bury, worker)

    def _bury(self, worker: WorkerHandle) -> None:
        if worker.is_alive:
            self._bury_worker(worker, Death(cause=worker.cause, signal="SIGKILL", reason=worker.reason))


@dataclass
class Stage:
    """An executor, its engine, its strangers."""

    desk: Desk
    executor: Executor = field(init=False)
    pool: StrangerPool = field(init=False)

    async def open(self, *, workers: int = 1, unload_after: int = 60_000) -> None:
        """Start the executor."""
        limits = Limits(workers=workers, lease=LEASE, unload_after=unload_after)
        self.executor = Executor(self.desk.gate, self.desk.tokens, self.desk.clock, limits)
        self.pool = StrangerPool(self)
        await self.executor.start(self.pool)

    async def close(self) -> None:
        """End it."""
        self.pool.may_kill.set()
        await self.executor.drain(0)
        for stranger in self.pool.strangers:
            await self.pool.kill(stranger.handle)
            stranger.leave()

    async def until(self, identity: str, is_so: Callable[[Execution], bool]) -> Execution:
        """The execution, as soon as it `is_so`: looked at after each commit."""
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def look(_: object) -> None:
            if not reached.done() and is_so(self.desk.execution(identity)):
                reached.set_result(None)

        look(None)
        self.desk.gate.on_commit(look)
        async with asyncio.timeout(PATIENCE):
            await reached
        return self.desk.execution(identity)

    def holder(self, identity: str) -> Worker:
        """The worker on which an execution is loaded."""
        worker = self.executor.workers.get(self.desk.execution(identity).worker or "")
        assert worker is not None
        return worker

    def stranger(self, name: str) -> Stranger:
        """The stranger of that name."""
        return next(stranger for stranger in self.pool.strangers if stranger.id == name)

    @staticmethod
    async def turns(is_so: Callable[[], object]) -> None:
        """Let the loop turn until it `is_so`; for what sends no event."""
        async with asyncio.timeout(PATIENCE):
            while not is_so():  # noqa: ASYNC110 - a write that fails rings no bell
                await asyncio.sleep(0.001)
