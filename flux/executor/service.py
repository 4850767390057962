"""The executor: the daemon's side of all workers.

It starts workers, gives them what the queue places, takes what they report, notices their deaths and
takes everything back. A worker that lost its lease is dead before anything of its is granted again:
`lose` marks it, has it killed and reaped, and only then recovers. Recovery has no start-up step of its
own: what a starting daemon finds open goes the same way.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Final

from flux.clock import Clock
from flux.core.execution import State
from flux.engine import grants, survivors, timers
from flux.engine.alarms import Armed, Disarmed
from flux.engine.gate import Committed, Gate
from flux.engine.grants import Death
from flux.engine.queue import Queue
from flux.engine.tokens import Tokens
from flux.errors import FluxError, Unreachable
from flux.executor import pool as pools
from flux.executor.alarm import Alarm
from flux.executor.hangs import Hangs
from flux.executor.inbox import Inbox
from flux.executor.outbox import Outbox
from flux.executor.output import Output
from flux.executor.peers import Peer, Worker, Workers
from flux.executor.pool import Pool, WorkerHandle
from flux.wire.frames import Drain, Release

TICK: Final = 1.0  # seconds between two looks at leases and resting executions
RETRY: Final = 500  # milliseconds until something that the disk refused is tried again
CHUNK: Final = 200  # timers of one call of the gate
MAX_DEDICATED: Final = 8  # workers started for one execution each, at the same time
_LOG: Final = logging.getLogger("flux.executor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many workers, and how long what may take. Milliseconds."""

    workers: int
    lease: int = 30_000  # three missed heartbeats; a pause of the machine is shorter
    unload_after: int = 60_000


class Executor:
    """Runs executions on workers."""

    def __init__(self, gate: Gate, tokens: Tokens, clock: Clock, limits: Limits) -> None:
        self._gate = gate
        self._clock = clock
        self._limits = limits
        self._pool: Pool | None = None
        self._handles: dict[str, WorkerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting: set[str] = set()
        self._planned: dict[str, Death] = {}
        self._empty = asyncio.Event()
        self._resting: dict[str, tuple[int, int]] = {}
        self._tick: asyncio.TimerHandle | None = None
        self.stopping = False
        self.workers = Workers(self._start_for)
        self.queue = Queue(self.workers, tokens)
        self.alarm = Alarm(clock, self._ring)
        self._outbox = Outbox(gate, self.workers)
        hangs = Hangs(self.workers, clock, lease=limits.lease, lose=self.lose)
        self.hangs = hangs
        self.inbox = Inbox(gate, tokens, Output(gate), hangs, punish=self._punish)

    async def start(self, pool: Pool) -> None:
        """Start the workers and take up everything that is open in the file."""
        self._pool = pool
        gate = self._gate
        gate.at_end_of_batch(self.queue.place)
        gate.on_commit(self._on_commit)
        await gate.write(grants.restart)
        for timer in gate.read(timers.everything):
            self.alarm.set(timer.execution, timer.call, timer.due)
        await asyncio.gather(*(self._add_worker(None) for _ in range(self._limits.workers)))
        self._tick = asyncio.get_running_loop().call_later(TICK, self._look)

    async def drain(self, timeout: float) -> None:
        """Grant nothing more, let running bodies end for at most `timeout` seconds, then end every worker."""
        self.stopping = True
        self.queue.held = True
        self.alarm.stop()
        for worker in self.workers.everyone():
            worker.leaving = True
            worker.peer.send(Drain())
        if self.workers.everyone():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), timeout)
        if self._tick is not None:
            self._tick.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ------------------------------------------------------------------ what workers do

    def frames(self, handle: WorkerHandle, bodies: list[bytes]) -> None:
        """A worker has sent something."""
        worker = self.workers.get(handle.id)
        if worker is not None:
            self.inbox.receive(worker, bodies)

    def ended(self, handle: WorkerHandle, end: pools.Death) -> None:
        """A worker's process is dead and reaped. That the launcher was lost is nobody's fault."""
        cause = {"launcher": "launcher", "stream": "protocol"}.get(end.cause, "crash")
        self.died(
            handle,
            Death(
                cause=cause,
                signal=end.signal,
                exit_code=end.exit_code,
                peak_memory=end.peak_memory,
                reason=end.reason or None,
            ),
        )

    def died(self, peer: Peer, death: Death) -> None:
        """A worker is dead and reaped: take everything back, and replace it."""
        worker = self.workers.remove(peer.id)
        if worker is None:
            return
        worker.lost = True
        self._handles.pop(peer.id, None)
        planned = self._planned.pop(peer.id, None)
        if planned is None and death.cause == "protocol":
            self._note_breach(worker, death.reason or "")
        death = planned or death
        if not self.workers.everyone():
            self._empty.set()
        if self.stopping:
            return
        self._spawn(self._recover(worker, death))

    def lose(self, worker: Worker, death: Death) -> None:
        """A worker must not go on: kill it, then recover."""
        if worker.lost or self._pool is None:
            return
        _LOG.warning("worker %s is lost: %s", worker.id, death.cause)
        worker.lost = True
        self._planned[worker.id] = death
        self._spawn(self._kill(worker, death))

    def _punish(self, worker: Worker, error: FluxError) -> None:
        if not worker.lost:
            self._note_breach(worker, str(error))
            self.lose(worker, Death(cause="protocol", reason=str(error)))

    def _note_breach(self, worker: Worker, what: str) -> None:
        _LOG.error("worker %s broke the protocol and is ended: %s", worker.id, what)
        self._gate.submit(lambda tx, live: grants.record_breach(tx, live, worker.id, what), lambda result, failed: None)

    async def _kill(self, worker: Worker, death: Death) -> None:
        handle = self._handles.get(worker.id)
        if self._pool is not None and handle is not None:
            await self._pool.kill(handle)
        self.died(worker.peer, death)

    async def _recover(self, worker: Worker, death: Death) -> None:
        while True:
            try:
                await self._gate.write(grants.recover, worker.id, death)
                break
            except FluxError as exc:
                _LOG.error("executions of worker %s cannot be taken back yet: %s", worker.id, exc)
                await asyncio.sleep(RETRY / 1000)
        self._gate.live.forget_worker(worker.id)
        if worker.dedicated is None:
            await self._replace(None)

    # ------------------------------------------------------------------ starting workers

    async def _replace(self, dedicated: str | None) -> None:
        """Start a worker, again and again while the machine has no room for one."""
        while not self.stopping:
            try:
                await self._add_worker(dedicated)
                return
            except Unreachable as exc:
                _LOG.error("no worker can be started, the next try is in a moment: %s", exc)
                await asyncio.sleep(RETRY / 1000)

    async def _add_worker(self, dedicated: str | None) -> None:
        if self._pool is None:
            return
        peer = await self._pool.spawn_worker()
        if self.stopping:
            return  # it is the pool's to end
        if not peer.is_alive:
            raise Unreachable("it ended as soon as it was there")  # its death was told before it was known here
        self._handles[peer.id] = peer
        lease = self._clock.monotonic() + self._limits.lease
        self.workers.add(Worker(peer, lease, dedicated=dedicated))
        await self._gate.write(_nothing)  # a batch, so that the queue is placed

    def _start_for(self, execution: str) -> None:
        if execution not in self._starting and len(self._starting) < MAX_DEDICATED:
            self._starting.add(execution)
            self._spawn(self._start_own(execution))

    async def _start_own(self, execution: str) -> None:
        try:
            await self._replace(execution)
        finally:
            self._starting.discard(execution)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _LOG.error("the executor failed in a way nobody foresaw", exc_info=task.exception())

    # ------------------------------------------------------------------ what commits mean

    def _on_commit(self, committed: Committed) -> None:
        for effect in committed.effects:
            if isinstance(effect, Armed):
                self.alarm.set(effect.execution, effect.call, effect.due)
            elif isinstance(effect, Disarmed):
                self.alarm.clear(effect.execution, effect.call)
        self._outbox.send(committed)
        deadline = self._clock.monotonic() + self._limits.unload_after
        for execution in committed.changed.values():
            if execution.worker is None:
                self._resting.pop(execution.id, None)
                self.hangs.ended(execution.id)
                self._left(execution.id)
            elif execution.state in (State.WAITING, State.PAUSED):
                self._resting.pop(execution.id, None)  # so that it stands last: the first ones are due first
                self._resting[execution.id] = (deadline, execution.fence)

    def _left(self, execution: str) -> None:
        """An execution is on no worker any more: its own worker, if it had one, has nothing left to do."""
        for worker in self.workers.everyone():
            if worker.dedicated == execution and execution not in self._starting:
                if self._gate.live.loaded.get(worker.id):
                    continue
                queued = self._gate.live.executions.get(execution)
                if queued is None or not queued.needs_grant:
                    self.lose(worker, Death(cause="retired"))

    def _look(self) -> None:
        self._tick = asyncio.get_running_loop().call_later(TICK, self._look)
        self.hangs.expired()
        now = self._clock.monotonic()
        for identity, (deadline, fence) in list(self._resting.items()):
            if deadline > now:
                break
            del self._resting[identity]
            self._unload(identity, fence)
        self._gate.tidy()

    def _unload(self, identity: str, fence: int) -> None:
        execution = self._gate.live.executions.get(identity)
        if execution is None or execution.fence != fence or execution.worker is None:
            return
        worker = self.workers.get(execution.worker)
        if worker is not None and execution.state in (State.WAITING, State.PAUSED):
            worker.peer.send(Release(identity, fence))
            self._resting[identity] = (self._clock.monotonic() + self._limits.unload_after, fence)  # if it stays

    def _ring(self, due: list[tuple[str, str]]) -> None:
        for start in range(0, len(due), CHUNK):
            self._fire(due[start : start + CHUNK])

    def _fire(self, keys: list[tuple[str, str]]) -> None:
        def settle(result: object, error: BaseException | None) -> None:
            if error is not None:
                again = self._clock.now() + RETRY
                for execution, call in keys:
                    self.alarm.set(execution, call, again)

        self._gate.submit(lambda tx, live: timers.fire_all(tx, live, keys), settle)

    def overview(self) -> list[dict[str, object]]:
        """What each worker does, for people."""
        live = self._gate.live
        return [
            {
                "worker": worker.id,
                "pid": worker.peer.pid,
                "running": live.busy.get(worker.id, 0),
                "loaded": len(live.loaded.get(worker.id, ())),
                "slots": live.slots,
                "dedicated": worker.dedicated,
            }
            for worker in self.workers.everyone()
        ]

    # ------------------------------------------------------------------ processes

    def process(self, pid: int, start: int, kind: str, alive: bool) -> None:
        """Note in the file that a process exists or is gone, so that the next daemon knows whom to end."""
        change: Callable[..., None] = survivors.note if alive else survivors.forget
        self._gate.submit(lambda tx, live: change(tx, pid, start, kind), lambda result, error: None)


def _nothing(tx: object, live: object) -> None:
    """A call that only makes a batch happen."""
