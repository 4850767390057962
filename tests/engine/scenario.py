"""Random life: an engine with a queue, workers that report what workers may report, deaths, refusals, full disks.

Every step is one or several calls of the gate, chosen by a seeded generator. `counted` and `folded` say what
the counters and the rows must be, each found in another way than the engine finds them.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from random import Random

from flux.core.events import EventType
from flux.core.execution import ASLEEP, Execution, State, fold
from flux.core.principal import Caller
from flux.engine import executions, grants, principals, timers
from flux.engine.executions import Cancel, Resume, Submit
from flux.engine.gate import Committed
from flux.engine.grants import Death, Forgotten, Granted
from flux.engine.live import Overlay
from flux.engine.queue import Queue
from flux.errors import DiskFull, FluxError, NotFound, StaleLease
from flux.store import events
from flux.store import executions as rows
from flux.store.database import Transaction
from flux.testing.faulty_disk import FaultyDisk
from flux.wire.frames import Begin, End, Fact, Idle, Waiting
from tests.engine.desk import CALLER, Desk, begin, end, fact

_T = EventType
CAUSES = ("crash", "crash", "lease", "restart", "protocol", "timeout")
UNTOLD = ("sequence", "input_sequence", "reports", "bodies", "waits", "updated")
"""What a row does not hold, or not up to the newest event."""


@dataclass
class Session:
    """One grant as its worker sees it."""

    granted: Granted
    bodies: dict[str, int] = field(default_factory=dict)
    waits: dict[str, str] = field(default_factory=dict)
    calls: int = 0


class Scenario:
    """One engine and everything around it. `places` of the queue, too."""

    def __init__(self, desk: Desk, disk: FaultyDisk, random: Random) -> None:
        self.desk = desk
        self.queue = Queue(self, desk.tokens)
        self.workers = ["w1", "w2"]
        self.sessions: dict[str, Session] = {}
        self._disk = disk
        self._random = random
        self._own: dict[str, str] = {}
        self._known: list[str] = []
        self._made = 2
        desk.gate.at_end_of_batch(self.queue.place)
        desk.gate.on_commit(self._on_commit)

    # ------------------------------------------------------------------ what the queue asks

    def shared(self) -> list[str]:
        """Workers that take anything."""
        return self.workers

    def own(self, execution: str) -> str | None:
        """A worker of its own, which is there at the next look."""
        if execution in self._own:
            return self._own[execution]
        self._made += 1
        self._own[execution] = f"own{self._made}"
        return None

    # ------------------------------------------------------------------ steps

    async def step(self) -> None:
        """Let something happen."""
        doing: Callable[[], Awaitable[object]] = self._random.choice(
            [self._submit] * 3 + [self._report] * 8 + [self._die, self._fire, self._fire, self._resume, self._resume,
             self._cancel, self._release, self._tear, self._fill, self._disable, self._nothing]
        )  # fmt: skip
        self.desk.clock.advance(self._random.randint(0, 50))
        await doing()

    async def settle(self) -> None:
        """Give every execution that wants a worker the chance to get one."""
        self.workers = [*self.workers, *(f"late{number}" for number in range(self.desk.gate.live.queued))]
        for _ in range(20):
            await self._nothing()

    async def _submit(self) -> None:
        caller = self.bot if self._random.random() < 0.3 else CALLER
        command = self._wish(caller)
        made = await asyncio.gather(
            *(self._try(self.desk.gate.write(executions.submit, command)) for _ in range(self._random.randint(1, 4)))
        )
        self._known += [execution.id for execution in made if isinstance(execution, Execution)]

    def _wish(self, caller: Caller) -> Submit:
        priority = self._random.choice([0, 0, 0, 5, -5])
        return Submit(namespace="default", name="work", input=b"null", caller=caller, priority=priority)

    async def _report(self) -> None:
        chosen = self._random.sample(sorted(self.sessions), min(3, len(self.sessions)))
        await asyncio.gather(*(self._report_of(self.sessions[identity]) for identity in chosen))

    async def _report_of(self, session: Session) -> None:
        """One report that a worker could send; what it says is believed by the session if it is accepted."""
        identity = session.granted.execution
        current = self.desk.gate.live.executions.get(identity)
        seen = 0 if current is None or self._random.random() < 0.1 else current.input_sequence
        waits_now = {} if current is None else {call: it for call, it in session.waits.items() if call in current.waits}
        after = replace(session, bodies=dict(session.bodies), waits=waits_now)
        facts, begins, waits = self._facts(after, seen), self._begins(after), self._waits(after)
        idle: Idle | None = None
        ending: End | None = None
        if not after.bodies and not begins:
            if self._random.random() < 0.4:
                kind = self._random.choice([_T.WORKFLOW_COMPLETED, _T.WORKFLOW_FAILED, _T.WORKFLOW_CANCELLED])
                ending = end(kind, seen, payload=None)
            elif after.waits:
                idle = Idle(seen)
        frame = self.desk.frame(session.granted, facts=facts, begins=begins, waits=waits, idle=idle, end=ending)
        try:
            answer = await self.desk.accept(frame, session.granted.worker)
        except DiskFull:
            self.desk.sent[identity] -= 1
        except StaleLease:
            self.sessions.pop(identity, None)
        else:
            for index in answer.denied:
                after.bodies.pop(begins[index].call, None)
            if self.sessions.get(identity) is session:
                self.sessions[identity] = after
            if ending is not None and not answer.refused:
                self.sessions.pop(identity, None)

    def _facts(self, session: Session, seen: int) -> tuple[Fact, ...]:
        facts = []
        for call, attempt in list(session.bodies.items()):
            draw = self._random.random()
            if draw < 0.5:
                facts.append(fact(call, _T.TASK_COMPLETED, attempt, seen, payload=b"1"))
            elif draw < 0.7:
                facts.append(fact(call, _T.TASK_ATTEMPT_FAILED, attempt, seen))
                facts.append(fact(call, _T.TASK_FAILED, attempt, seen))
            else:
                continue
            del session.bodies[call]
        return tuple(facts)

    def _begins(self, session: Session) -> tuple[Begin, ...]:
        begins = []
        for _ in range(self._random.choice([0, 0, 1, 1, 2])):
            session.calls += 1
            call = f"{self._random.choice(['step', 'secret'])}#{session.granted.fence}.{session.calls}"
            session.bodies[call] = 1
            begins.append(begin(call))
        return tuple(begins)

    def _waits(self, session: Session) -> tuple[Waiting, ...]:
        changes = []
        for _ in range(self._random.choice([0, 0, 1, 2])):
            if session.waits and self._random.random() < 0.3:
                call, kind = session.waits.popitem()
                changes.append(Waiting(call, kind, False))
            else:
                session.calls += 1
                kind = self._random.choice(["pause", "timer"])
                call = f"{kind}#{session.granted.fence}.{session.calls}"
                session.waits[call] = kind
                changes.append(Waiting(call, kind, True, due=self.desk.clock.now() + 20, name="p"))
        return tuple(changes)

    async def _die(self) -> None:
        worker = self._random.choice([*self.workers, *self._own.values()])
        death = Death(cause=self._random.choice(CAUSES), execution=self._random.choice([None, *self.sessions]))
        if worker in self.workers:
            self._made += 1
            self.workers = [*(one for one in self.workers if one != worker), f"w{self._made}"]
        self._own = {execution: own for execution, own in self._own.items() if own != worker}
        given = None
        while given is None:
            given = await self._try(self.desk.gate.write(grants.recover, worker, death))
        self.desk.gate.live.forget_worker(worker)
        self.sessions = {one: it for one, it in self.sessions.items() if it.granted.worker != worker}

    async def _fire(self) -> None:
        open_ones = self.desk.gate.read(timers.everything)
        due = [(timer.execution, timer.call) for timer in open_ones if timer.due <= self.desk.clock.now()]
        await self._try(self.desk.gate.write(timers.fire_all, due))

    async def _resume(self) -> None:
        if self._known:
            command = Resume(execution=self._random.choice(self._known), input=b"1", caller=CALLER)
            await self._try(self.desk.gate.write(executions.resume, command))

    async def _cancel(self) -> None:
        if self._known:
            command = Cancel(execution=self._random.choice(self._known), caller=CALLER)
            await self._try(self.desk.gate.write(executions.cancel, command))

    async def _release(self) -> None:
        for identity, session in list(self.sessions.items()):
            execution = self.desk.gate.live.executions.get(identity)
            if execution is not None and execution.state in ASLEEP and not session.bodies:
                args = (session.granted.worker, identity, session.granted.fence)
                if await self._try(self.desk.gate.write(_released, *args)):
                    self.sessions.pop(identity, None)
                return

    async def _tear(self) -> None:
        """A call that does a lot and then fails, between two that do not."""
        wish = self._wish(CALLER)
        made = await asyncio.gather(
            self._try(self.desk.gate.write(executions.submit, wish)),
            self._try(self.desk.gate.write(_torn, wish, list(self._known))),
            self._try(self.desk.gate.write(executions.submit, wish)),
        )
        self._known += [execution.id for execution in made if isinstance(execution, Execution)]

    async def _fill(self) -> None:
        """Whatever comes next comes to a full disk."""
        self._disk.full = True
        await self._random.choice([self._submit, self._report, self._fire, self._cancel])()
        self._disk.full = False

    async def _disable(self) -> None:
        change = principals.enable if self._random.random() < 0.7 else principals.disable
        await self._try(self.desk.gate.write(change, self.bot.principal.id, CALLER))

    async def _nothing(self) -> None:
        await self._try(self.desk.gate.write(_nothing))

    async def _try(self, work: Awaitable[object]) -> object:
        """The result; None if that was refused, which is an answer like any other."""
        try:
            return await work
        except FluxError:
            return None

    # ------------------------------------------------------------------ commits

    def _on_commit(self, committed: Committed) -> None:
        for effect in committed.effects:
            if isinstance(effect, Granted):
                self.sessions[effect.execution] = Session(effect)
                self.desk.sent[effect.execution] = 0
                self.desk.handles[effect.execution] = 0
            elif isinstance(effect, Forgotten):
                self.sessions.pop(effect.execution, None)

    @classmethod
    async def over(cls, desk: Desk, disk: FaultyDisk, random: Random) -> "Scenario":
        """A scenario with a workflow, and a principal who may not do everything."""
        await desk.register("work")
        scenario = cls(desk, disk, random)
        scenario.bot = await desk.caller("bot", "workflow:default:work:run", "workflow:default:work:task:step:*")
        return scenario

    bot: Caller


def counted(desk: Desk) -> dict[str, object]:
    """What the counters in memory must be, by the rows of the file."""
    open_ones = rows.open_ones(desk.database.reader)
    holding = [row for row in open_ones if row.worker and row.state in (State.RUNNING, State.CANCELLING)]
    return {
        "busy": Counter(row.worker for row in holding),
        "loaded": {(row.worker, row.id) for row in open_ones if row.worker},
        "queued": sum(not row.worker and row.state in (State.QUEUED, State.CANCELLING) for row in open_ones),
        "totals": rows.counted(desk.database.reader),
        "written": rows.counted(desk.database.reader),
        "live": {row.id for row in open_ones if row.worker or row.state not in ASLEEP},
        "last": (events.last_position(desk.database.reader), rows.last_key(desk.database.reader)),
    }


def kept(desk: Desk) -> dict[str, object]:
    """What the counters in memory are."""
    live = desk.gate.live
    return {
        "busy": Counter({worker: number for worker, number in live.busy.items() if number}),
        "loaded": {(worker, identity) for worker, group in live.loaded.items() for identity in group},
        "queued": live.queued,
        "totals": {key: number for key, number in live.totals.items() if number},
        "written": rows.totals(desk.database.reader),
        "live": set(live.executions),
        "last": (live.numbers.position, live.numbers.key),
    }


def folded(desk: Desk, row: Execution) -> Execution:
    """The execution that the log tells of; `row` only says with what it was started."""
    started = Execution(
        id=row.id, namespace=row.namespace, name=row.name, version=row.version, principal=row.principal, key=row.key,
        priority=row.priority, narrowing=row.narrowing, bodies={}, waits={},
    )  # fmt: skip
    return fold(started, events.of(desk.database.reader, row.key))


def _released(tx: Transaction, live: Overlay, worker: str, identity: str, fence: int) -> bool:
    grants.released(tx, live, worker, identity, fence)
    return True


def _torn(tx: Transaction, live: Overlay, wish: Submit, known: list[str]) -> None:
    made = executions.submit(tx, live, wish)
    for identity in [*known[-5:], made.id]:
        executions.cancel(tx, live, Cancel(execution=identity, caller=CALLER))
    raise NotFound("on purpose")


def _nothing(tx: Transaction, live: Overlay) -> None:
    """Only a batch."""
