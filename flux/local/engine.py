"""One open file, and the executions of this process that run on it.

The worker is this process: frames pass as objects, in both directions one turn of the loop later, as
they would through a pipe. An execution is granted when somebody asks for it and unloaded when it rests.
"""

import asyncio
import os
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final, cast

from flux import codec, config
from flux.clock import SYSTEM
from flux.context import ExecutionContext
from flux.core.catalog import Version
from flux.core.events import EventType
from flux.core.execution import FINAL, RESTING, Execution, State
from flux.core.principal import internal_caller
from flux.engine import executions, grants, principals, queries, survivors, timers, vault
from flux.engine.alarms import Armed, Disarmed
from flux.engine.executions import Cancel, Resume, Submit
from flux.engine.gate import Committed, Gate
from flux.engine.grants import Death
from flux.engine.live import Live, Overlay
from flux.engine.log import Log
from flux.engine.master import Sources
from flux.engine.tokens import Tokens
from flux.errors import Conflict, FluxError, NotFound, StorageError, UnusableDatabase
from flux.executor import pids
from flux.executor.alarm import Alarm
from flux.executor.hangs import Hangs
from flux.executor.inbox import Inbox
from flux.executor.outbox import Outbox
from flux.executor.output import Output
from flux.executor.peers import Worker, Workers
from flux.executor.pool import Pool, PoolConfig
from flux.local.programs import LocalProcesses, Programs
from flux.local.record import context_of
from flux.store import processes
from flux.store.database import Database, Transaction
from flux.store.place import Lock
from flux.wire import frames
from flux.wire.frames import Forget, Frame, FromDaemon, FromWorker, Release, Released, Report
from flux.worker.host import Host
from flux.worker.output import Origin
from flux.worker.processes import TaskProcesses
from flux.workflow import Workflow

NAME: Final = "local"  # of the one worker
PATIENCE: Final = 60.0  # seconds to wait for another process that has the file
RETRY: Final = 500  # milliseconds until a timer that the disk refused is tried again
FOREVER: Final = 1 << 60  # this process does not lose its own lease
_CALLER: Final = internal_caller("")


class LocalPeer:
    """The worker in this process, as the executor's parts see it."""

    id = NAME

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.pid = os.getpid()
        self._loop = loop
        self.host: Host | None = None

    def send(self, frame: Frame) -> None:
        """Hand a frame over in the next turn of the loop."""
        if self.host is not None:
            self._loop.call_soon(self.host.receive, cast(FromDaemon, frame))


class Engine:
    """Gate, log and worker over one file, for the executions that this process asked for."""

    def __init__(self, database: Database, lock: Lock, gate: Gate, tokens: Tokens) -> None:
        self._database = database
        self._lock = lock
        self._gate = gate
        self._tokens = tokens
        self._programs = Programs()
        self._waiting: dict[str, list[asyncio.Future[Execution]]] = {}
        self._pool: Pool | None = None
        self._task_processes: TaskProcesses | None = None
        self._loop = asyncio.get_running_loop()
        self.failed = False
        self._assemble()

    @classmethod
    async def open(cls) -> "Engine":
        """The engine over the user's own file, once no other process has it.

        Raises:
            UnusableDatabase: the other process does not let go, or the file cannot be used.
        """
        folder = config.home()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / "local.db"
        with ExitStack() as opened:
            lock = await _take(path)
            opened.callback(lock.release)
            database = Database.open(path)
            opened.callback(database.close)
            pids.kill_survivors(survivors.noted(database.reader))
            tx = database.begin(SYSTEM.now())
            epoch = processes.raise_epoch(tx)
            processes.clear(tx)
            unlocked = vault.unlock(tx, Sources(state=folder / "master.key"))
            database.commit()
            engine: Engine | None = None

            def fatal(error: StorageError) -> None:
                if engine is not None:
                    engine.fail(error)

            gate = Gate(database, Live.of(database.reader, slots=sys.maxsize), SYSTEM, epoch, fatal)
            engine = cls(database, lock, gate, Tokens(unlocked.token_secret, unlocked.vault.key_id))
            await gate.write(_install)
            await gate.write(grants.restart)
            opened.pop_all()
        return engine

    def _assemble(self) -> None:
        """Put the parts of executor and worker together, without a pipe between them."""
        gate, peer = self._gate, LocalPeer(self._loop)
        workers = Workers(lambda execution: None)
        self._worker = Worker(peer, FOREVER, sources=_Everything())
        workers.add(self._worker)
        self._alarm = Alarm(SYSTEM, self._ring)
        self._outbox = Outbox(gate, workers)
        self._output = Output(gate)
        hangs = Hangs(workers, SYSTEM, lease=FOREVER, lose=lambda worker, death: None)
        self._inbox = Inbox(gate, self._tokens, self._output, hangs, punish=self._punish)
        self._host = Host(
            send=self._take_frame,
            clock=SYSTEM,
            processes=LocalProcesses(self._programs, self._start_processes),
            load=self._programs.load,
            place=self._programs.place,
        )
        peer.host = self._host
        self._peer = peer
        gate.on_commit(self._on_commit)

    # ------------------------------------------------------------------ what authors ask

    async def run(
        self, workflow: Workflow[Any, Any], input: object, execution_id: str | None
    ) -> ExecutionContext[object]:
        """Start an execution, or go on with the one of that id; its context when it rests."""
        version = self._programs.add(workflow)
        known = None if execution_id is None else self._known(version, execution_id)
        if known is None:
            known = await self._submit(version, input, execution_id)
        if known.state not in RESTING:
            known = await self._drive(known.id)
        return self._context(known.id)

    async def resume(
        self, workflow: Workflow[Any, Any], execution_id: str, input: object, pause: str | None
    ) -> ExecutionContext[object]:
        """Answer a pause; the context when it rests again."""
        version = self._programs.add(workflow)
        self._known(version, execution_id)
        payload = codec.encode(input, self._programs.load(version.digest).classes, root="input")
        command = Resume(execution=execution_id, input=payload, caller=_CALLER, pause=pause)
        await self._gate.write(executions.resume, command)
        await self._drive(execution_id)
        return self._context(execution_id)

    async def cancel(self, workflow: Workflow[Any, Any], execution_id: str) -> ExecutionContext[object]:
        """Ask an execution to stop; its context when it has."""
        self._known(self._programs.add(workflow), execution_id)
        execution, outcome = await self._gate.write(executions.cancel, Cancel(execution=execution_id, caller=_CALLER))
        if outcome == "accepted" and not execution.is_final:
            await self._drive(execution_id, until_final=True)
        return self._context(execution_id)

    async def close(self) -> None:
        """Give the file up; what runs goes on when somebody asks for it again."""
        self._alarm.stop()
        for identity in list(self._gate.live.loaded.get(NAME, ())):
            self._host.receive(Forget(identity, self._fence(identity)))
        try:
            if self._task_processes is not None:
                self._task_processes.close()
            if self._pool is not None:
                await self._pool.stop()
            if not self.failed:
                self._output.flush()
                await self._gate.write(grants.recover, NAME, Death(cause="restart"))
        finally:
            self._database.close()
            self._lock.release()

    def let_go(self) -> None:
        """In a forked child: drop the copy of the lock. Nothing else may be touched, it all is the parent's."""
        self._lock.release()

    def fail(self, error: StorageError) -> None:
        """The file cannot be trusted any more: tell everybody who waits."""
        self.failed = True
        for futures in self._waiting.values():
            for future in futures:
                if not future.done():
                    future.set_exception(error)

    # ------------------------------------------------------------------ how it is done

    def _known(self, version: Version, execution_id: str) -> Execution | None:
        """The execution of this id, which must be one of this workflow; None: there is none."""
        try:
            found = self._gate.read(queries.execution, execution_id, _CALLER)
        except NotFound:
            return None
        if found.version != version.digest:
            raise Conflict(
                f"execution {execution_id} is one of {found.namespace}/{found.name}, not of {version.ref}",
                execution=execution_id,
            )
        return found

    async def _submit(self, version: Version, input: object, execution_id: str | None) -> Execution:
        payload = codec.encode(input, self._programs.load(version.digest).classes, root="input")
        command = Submit(
            namespace=version.namespace, name=version.name, input=payload, caller=_CALLER, identity=execution_id
        )
        return await self._gate.write(_submit, version, command)

    async def _drive(self, identity: str, *, until_final: bool = False) -> Execution:
        """Run an execution until it rests, or has ended. Several callers may wait for one."""
        wanted = FINAL if until_final else RESTING
        while True:
            future: asyncio.Future[Execution] = self._loop.create_future()
            self._waiting.setdefault(identity, []).append(future)
            try:
                found = await self._gate.write(_set_going, self._tokens, identity)
                if found.state not in wanted or found.worker is not None:
                    found = await future
            finally:
                self._waiting[identity].remove(future)
                if not self._waiting[identity]:
                    del self._waiting[identity]
            if found.state in wanted:
                return found

    def _context(self, identity: str) -> ExecutionContext[object]:
        found = self._gate.read(queries.execution, identity, _CALLER)
        log = self._gate.read(queries.whole_log, found)
        digest = found.version
        return context_of(found, log, self._programs.load(digest).classes)

    def _on_commit(self, committed: Committed) -> None:
        for effect in committed.effects:
            if isinstance(effect, Armed):
                self._alarm.set(effect.execution, effect.call, effect.due)
            elif isinstance(effect, Disarmed):
                self._alarm.clear(effect.execution, effect.call)
        self._outbox.send(committed)
        for execution in committed.changed.values():
            if execution.state in RESTING:
                self._rested(execution)

    def _rested(self, execution: Execution) -> None:
        if execution.state is State.PAUSED and execution.worker is not None:
            self._peer.send(Release(execution.id, execution.fence))
            return  # told when it is unloaded
        futures = self._waiting.get(execution.id, [])
        for future in futures:
            if not future.done():
                future.set_result(execution)

    def _take_frame(self, frame: FromWorker) -> None:
        if isinstance(frame, Report):
            self._loop.call_soon(self._inbox.report, self._worker, frame, 0)
        elif isinstance(frame, Released):
            self._loop.call_soon(self._inbox.released, self._worker, frame)
        elif isinstance(frame, frames.Log):
            self._output.add(self._worker, frame)

    def _punish(self, worker: Worker, error: FluxError) -> None:
        """The worker is this process: everything is taken back from it, and whoever waits is told."""
        for identity in list(self._gate.live.loaded.get(NAME, ())):
            self._peer.send(Forget(identity, self._fence(identity)))
        death = Death(cause="protocol", reason=str(error))
        self._gate.submit(lambda tx, live: grants.recover(tx, live, NAME, death), lambda result, failed: None)
        for futures in self._waiting.values():
            for future in futures:
                if not future.done():
                    future.set_exception(error)

    def _fence(self, identity: str) -> int:
        execution = self._gate.live.executions.get(identity)
        return 0 if execution is None else execution.fence

    def _ring(self, due: list[tuple[str, str]]) -> None:
        def settle(result: object, error: BaseException | None) -> None:
            if error is not None and not self.failed:
                for execution, call in due:
                    self._alarm.set(execution, call, SYSTEM.now() + RETRY)

        self._gate.submit(lambda tx, live: timers.fire_all(tx, live, due), settle)

    async def _start_processes(self) -> TaskProcesses:
        self._pool = Pool(
            PoolConfig(environment=config.inherited()),
            on_frames=lambda worker, bodies: None,
            on_death=lambda worker, death: None,
            on_process=self._note_process,
        )
        await self._pool.start()
        end = await self._pool.attach()
        self._task_processes = TaskProcesses(end, self._loop, self._programs.sources.__getitem__, _print)
        return self._task_processes

    def _note_process(self, pid: int, start: int, kind: str, alive: bool) -> None:
        change = survivors.note if alive else survivors.forget
        self._gate.submit(lambda tx, live: change(tx, pid, start, kind), lambda result, error: None)


class _Everything(set[str]):
    """The sources that the worker has: all, since it is the process that was asked."""

    def __contains__(self, digest: object) -> bool:
        return True


async def _take(path: Path) -> Lock:
    """The right to the file, as soon as no other process has it."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    while True:
        try:
            return Lock.take(path)
        except UnusableDatabase:
            if loop.time() > until:
                raise
            await asyncio.sleep(0.02)


def _install(tx: Transaction, live: Overlay) -> None:
    principals.install(tx, live)


def _submit(tx: Transaction, live: Overlay, version: Version, command: Submit) -> Execution:
    """A new execution; or the one of that id, if another thread of this process was faster."""
    if command.identity is not None:
        with suppress(NotFound):
            return live.execution(tx, command.identity)
    live.catalog = {**live.catalog, (version.namespace, version.name): version}
    return executions.submit(tx, live, command)


def _set_going(tx: Transaction, live: Overlay, tokens: Tokens, identity: str) -> Execution:
    """The execution, granted to the worker of this process if it has no worker and could go on.

    One that sleeps is woken too: its timers count only where it is loaded.
    """
    execution = live.execution(tx, identity)
    if execution.state is State.WAITING and execution.worker is None:
        log = Log(tx, live, execution)
        timers.wake(live, log, EventType.WORKFLOW_WOKEN)
        execution = log.write()
    if execution.needs_grant:
        grants.grant(tx, live, tokens, identity, NAME)
    return live.execution(tx, identity)


def _print(origin: Origin, stream: str, text: str) -> None:
    """What a task process prints belongs to this process's own output."""
    out = sys.stdout if stream == "stdout" else sys.stderr
    out.write(text)
    out.flush()
