"""The same as `scripted`, with the real engine in the daemon's place: gate, state machine, log, timers, inputs.

One engine over one file serves many executions, one after the other. Workers are hosts in this process;
frames pass through pipes with delays of their own. What the daemon does with a report is the engine's
business alone, so a protocol that only the test's own daemon understands does not get through here.
"""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from flux import codec
from flux.codec import ClassIndex
from flux.core.catalog import Source
from flux.core.events import Event, EventType
from flux.core.execution import Execution, State
from flux.core.principal import ADMIN, internal_caller
from flux.engine import catalog, executions, grants, timers
from flux.engine.alarms import Armed, Disarmed
from flux.engine.catalog import Found, Registration
from flux.engine.executions import Cancel, Resume, Submit
from flux.engine.gate import Committed, Gate
from flux.engine.grants import Death
from flux.engine.live import Live, Overlay
from flux.engine.tokens import Tokens
from flux.errors import FluxError
from flux.executor.alarm import Alarm
from flux.executor.hangs import Hangs
from flux.executor.inbox import Inbox
from flux.executor.outbox import Outbox
from flux.executor.output import Output
from flux.executor.peers import Worker, Workers
from flux.store import principals, processes
from flux.store.database import Database, Transaction
from flux.wire import frames
from flux.wire.frames import Forget, Release
from flux.worker.host import Host
from flux.worker.job import Loaded
from flux.workflow import Workflow
from tests.worker.ledger import ENDS, Ledger
from tests.worker.scripted import Delay, InlineProcesses, Pipe
from tests.worker.scripted import Resume as Answers
from tests.worker.virtual import clock

T = EventType
_CALLER = internal_caller("test")
_FOREVER = 1 << 60


class RealLedger(Ledger):
    """The events of one execution, as the engine has committed them."""

    def __init__(self, execution: Execution) -> None:
        self.events: list[Event] = []
        self.execution = execution

    def take(self, committed: Committed) -> list[Event]:
        """The new events of this execution."""
        new = [event for identity, event in committed.events if identity == self.execution.id]
        self.events += new
        self.execution = committed.changed.get(self.execution.id, self.execution)
        return new


@dataclass
class Peer:
    """A worker's end of the pipe."""

    id: str
    send: Callable[[frames.Frame], None]
    pid: int = 0


class Room:
    """An engine over one file, in virtual time."""

    def __init__(self, database: Database) -> None:
        self.clock = clock()
        tx = database.begin(self.clock.now())
        epoch = processes.raise_epoch(tx)
        principals.insert(tx, ADMIN)
        database.commit()
        self.fatal: list[BaseException] = []
        self.gate = Gate(database, Live.of(database.reader, slots=sys.maxsize), self.clock, epoch, self.fatal.append)
        self.tokens = Tokens(b"s" * 32, "test")
        self.workers = Workers(lambda execution: None)
        self.daemon: RealDaemon | None = None
        self.count = 0
        self._alarm = Alarm(self.clock, self._ring)
        self._outbox = Outbox(self.gate, self.workers)
        self._output = Output(self.gate)
        hangs = Hangs(self.workers, self.clock, lease=_FOREVER, lose=lambda worker, death: None)
        self.inbox = Inbox(self.gate, self.tokens, self._output, hangs, punish=self._punish)
        self.gate.on_commit(self._on_commit)

    async def offer(self, name: str) -> None:
        """Offer the workflow `default/NAME`."""
        source = Source(digest="d", entry="work.py", root="/w", files={"work.py": b""})
        found = Found(namespace="default", name=name, tasks=(), about="{}")
        registration = Registration(path="work.py", source=source, workflows=(found,))
        await self.gate.write(catalog.register, registration, _CALLER)

    def ask(self, use_case: Callable[[Transaction, Overlay], object]) -> None:
        """Have something written; an error of ours is no matter: it came too late."""
        self.gate.submit(use_case, self._settled)

    def _settled(self, result: object, error: BaseException | None) -> None:
        if error is not None and not isinstance(error, FluxError):
            self._punish(None, error)

    def _ring(self, due: list[tuple[str, str]]) -> None:
        self.ask(lambda tx, live: timers.fire_all(tx, live, due))

    def _on_commit(self, committed: Committed) -> None:
        for effect in committed.effects:
            if isinstance(effect, Armed):
                self._alarm.set(effect.execution, effect.call, effect.due)
            elif isinstance(effect, Disarmed):
                self._alarm.clear(effect.execution, effect.call)
        self._outbox.send(committed)
        if self.daemon is not None:
            self.daemon.on_commit(committed)

    def _punish(self, worker: object, error: BaseException) -> None:
        if self.daemon is not None and not self.daemon.ended.done():
            self.daemon.ended.set_exception(error)


@dataclass
class RealDaemon:
    """What `ScriptedDaemon` is, for one execution of a `Room`."""

    room: Room
    workflow: Workflow
    ledger: RealLedger
    delay: Delay
    resume: Answers
    linger: Delay
    processes: InlineProcesses
    before_grant: Callable[[], None]
    made: Callable[[int, Host], None]
    ended: asyncio.Future[Event]
    hosts: list[Host] = field(default_factory=list)
    _pipes: tuple[Pipe, Pipe] | None = None
    _worker: Worker | None = None
    _is_granting: bool = False

    @classmethod
    async def begin(
        cls,
        room: Room,
        workflow: Workflow,
        input: object,
        *,
        delay: Delay,
        resume: Answers,
        linger: Delay,
        processes: InlineProcesses,
        random: Random,
        before_grant: Callable[[], None],
        made: Callable[[int, Host], None],
        denied: object = (),
    ) -> "RealDaemon":
        """Start an execution and give it to a worker. `denied` is not heeded: the principal may do everything."""
        room.daemon = None
        command = Submit(namespace="default", name=workflow.name, input=codec.encode(input), caller=_CALLER)
        execution = await room.gate.write(executions.submit, command)
        ended = asyncio.get_running_loop().create_future()
        ledger = RealLedger(execution)
        daemon = cls(room, workflow, ledger, delay, resume, linger, processes, before_grant, made, ended)
        ledger.events.append(
            Event(type=T.WORKFLOW_QUEUED, instant=execution.created, sequence=1, payload=command.input)
        )
        room.daemon = daemon
        daemon._grant()
        return daemon

    @property
    def fence(self) -> int:
        """The newest fencing token."""
        return self.ledger.execution.fence

    @property
    def host(self) -> Host:
        """The present worker."""
        return self.hosts[-1]

    def load(self, digest: str) -> Loaded:
        """The source of any digest."""
        workflows = {self.workflow.name: self.workflow}
        return Loaded(digest=digest, module=sys.modules[__name__], workflows=workflows, classes=ClassIndex())

    # ------------------------------------------------------------------ workers

    def _grant(self) -> None:
        """Make a worker and have it granted."""
        if self._is_granting:
            return
        self._is_granting = True
        self.before_grant()
        self.room.count += 1
        name, fence = f"w{self.room.count}", self.fence + 1
        up = Pipe(self.delay, lambda body: self.room.inbox.receive(worker, [body]), self._broken)
        host = Host(send=up.send, clock=self.room.clock, processes=self.processes, load=self.load, random=Random(fence))
        down = Pipe(self.delay, lambda body: host.receive(frames.from_daemon(body)), self._broken)
        worker = Worker(Peer(name, down.send), _FOREVER, sources={"d"})
        self.room.workers.add(worker)
        self.hosts.append(host)
        self.made(fence, host)
        self._pipes, self._worker = (up, down), worker
        identity, tokens = self.ledger.execution.id, self.room.tokens
        self.room.ask(lambda tx, live: grants.grant(tx, live, tokens, identity, name))

    def on_commit(self, committed: Committed) -> None:
        """Something was committed: do what the daemon's other parts would do."""
        new = self.ledger.take(committed)
        execution = self.ledger.execution
        loop = asyncio.get_running_loop()
        for event in new:
            if event.type is T.WORKFLOW_STARTED:
                self._is_granting = False
            elif event.type is T.PAUSE_OPENED and event.call is not None:
                answer = self.resume(event.name or "", event.payload)
                if answer is not None:
                    loop.call_later(answer[0], self.answer, event.call, answer[1])
            elif event.type in ENDS and not self.ended.done():
                self.ended.set_result(event)
        if execution.needs_grant and execution.id in committed.changed:
            self._grant()
        elif self.ledger.is_asleep and execution.worker is not None:
            loop.call_later(self.linger(), self._ask_back, execution.sequence)

    def _ask_back(self, sequence: int) -> None:
        execution = self.ledger.execution
        if execution.sequence == sequence and execution.worker is not None and self._pipes is not None:
            self._pipes[1].send(Release(execution.id, execution.fence))

    def kill(self) -> None:
        """The worker is lost, with everything it had not told; another one gets the execution."""
        if self.ended.done() or self._worker is None or self._is_granting or self._worker.lost:
            return
        self.lose()
        name = self._worker.id
        self.room.ask(lambda tx, live: grants.recover(tx, live, name, Death(cause="lease")))

    def lose(self) -> None:
        """End the worker: its pipes are cut and whatever ran in it is gone."""
        assert self._worker is not None
        assert self._pipes is not None
        self._worker.lost = True
        for pipe in self._pipes:
            pipe.is_cut = True
        self.host.send = lambda frame: None
        self.host.receive(Forget(self.ledger.execution.id, self.fence))

    def _broken(self, error: BaseException) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)

    # ------------------------------------------------------------------ clients

    def answer(self, pause: str, value: object) -> None:
        """Resume a pause, if it is open."""
        if pause in self.ledger.execution.waits and not self.ended.done():
            command = Resume(execution=self.ledger.execution.id, input=codec.encode(value), caller=_CALLER, pause=pause)
            self.room.ask(lambda tx, live: executions.resume(tx, live, command))

    def cancel(self) -> None:
        """Ask the workflow to end."""
        if not self.ended.done() and self.ledger.execution.state is not State.CANCELLING:
            command = Cancel(execution=self.ledger.execution.id, caller=_CALLER)
            self.room.ask(lambda tx, live: executions.cancel(tx, live, command))
