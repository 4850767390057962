"""A whole engine in the test's loop, over a real database: what the tests of `engine` and `executor` stand on."""

from dataclasses import dataclass, field

from flux.clock import ManualClock
from flux.core.audit import Entry
from flux.core.catalog import Source
from flux.core.events import NUMBERS, EventType
from flux.core.execution import Execution, State
from flux.core.permissions import Grants
from flux.core.principal import Caller, Method, internal_caller
from flux.engine import catalog, executions, grants, principals, reports, roles
from flux.engine.catalog import Found, Registration
from flux.engine.executions import Submit
from flux.engine.gate import Gate
from flux.engine.grants import Death
from flux.engine.live import Live, Overlay
from flux.engine.principals import NewServiceAccount
from flux.engine.roles import NewRole
from flux.engine.tokens import Tokens
from flux.errors import StorageError
from flux.store import audit, events, processes
from flux.store.database import Database, Transaction
from flux.wire.frames import Begin, End, Fact, Idle, Report, Waiting

CALLER: Caller = internal_caller("test")
PAUSE = Waiting("pause:ship#1", "pause", True, name="ship", payload=b'"x"')


def number(kind: EventType) -> int:
    """The number of a type of event."""
    return NUMBERS[kind]


@dataclass
class Desk:
    """Gate, live state and clock over one database."""

    database: Database
    gate: Gate
    clock: ManualClock
    tokens: Tokens
    fatal: list[StorageError] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    handles: dict[str, int] = field(default_factory=dict)

    @classmethod
    def over(cls, database: Database, *, slots: int = 64) -> "Desk":
        """An engine over `database`, with the built-in administrator and one workflow `default/work`."""
        clock = ManualClock()
        tx = database.begin(clock.now())
        epoch = processes.raise_epoch(tx)
        principals.install(tx, Overlay.above(Live.of(tx, slots=slots)))
        database.commit()
        fatal: list[StorageError] = []
        gate = Gate(database, Live.of(database.reader, slots=slots), clock, epoch, fatal.append)
        return cls(database, gate, clock, Tokens(b"s" * 32, "test"), fatal)

    async def register(self, *names: str, tasks: tuple[str, ...] = ("step",), digest: str = "d1") -> None:
        """Offer workflows `default/NAME`."""
        source = Source(digest=digest, entry="work.py", root="/w", files={"work.py": b""})
        found = tuple(Found(namespace="default", name=name, tasks=tasks, about="{}") for name in names)
        await self.gate.write(catalog.register, Registration(path="work.py", source=source, workflows=found), CALLER)

    async def caller(self, name: str, *permissions: str, narrowing: Grants | None = None) -> Caller:
        """Somebody who may do exactly this; `narrowing`: by a key that is good for less."""
        await self.gate.write(roles.create, NewRole(name=f"{name}-role", permissions=permissions, caller=CALLER))
        wish = NewServiceAccount(name=name, caller=CALLER, roles=(f"{name}-role",))
        made = await self.gate.write(principals.create_service_account, wish)
        return Caller(principal=made, peer="test", request_id="r1", method=Method.KEY, narrowing=narrowing)

    async def submit(self, name: str = "work", **options: object) -> Execution:
        """A new execution of `default/NAME`."""
        wish = {"namespace": "default", "name": name, "input": b"null", "caller": CALLER, **options}
        command = Submit(**wish)  # type: ignore[arg-type]  # builder
        return await self.gate.write(executions.submit, command)

    async def grant(self, identity: str, worker: str = "w1") -> grants.Granted:
        """Give an execution to a worker."""
        granted = await self.gate.write(grants.grant, self.tokens, identity, worker)
        self.sent[identity] = 0
        self.handles[identity] = 0
        return granted

    def frame(
        self,
        granted: grants.Granted,
        *,
        facts: tuple[Fact, ...] = (),
        begins: tuple[Begin, ...] = (),
        waits: tuple[Waiting, ...] = (),
        idle: Idle | None = None,
        end: End | None = None,
    ) -> Report:
        """The next report of a grant."""
        n = self.sent[granted.execution] = self.sent[granted.execution] + 1
        token = granted.token if n == 1 else None
        handle = self.handles[granted.execution]
        return Report(granted.execution, granted.fence, handle, n, facts, begins, waits, idle, end, token)

    async def accept(self, report: Report, worker: str = "w1") -> reports.Answer:
        """What the engine answers a report."""
        answer = await self.gate.write(reports.accept, self.tokens, worker, report)
        self.handles[report.execution] = answer.handle
        return answer

    async def started(self, worker: str = "w1", *calls: str) -> grants.Granted:
        """A new execution on a worker, with a body of each of these calls running."""
        granted = await self.grant((await self.submit()).id, worker)
        await self.accept(self.frame(granted, begins=tuple(begin(call) for call in calls)), worker)
        return granted

    async def paused(self, worker: str = "w1") -> grants.Granted:
        """A new execution that is paused in `pause:ship#1`, loaded on a worker."""
        granted = await self.grant((await self.submit()).id, worker)
        await self.accept(self.frame(granted, waits=(PAUSE,), idle=Idle(0)), worker)
        return granted

    async def sleeping(self, worker: str = "w1", due: int | None = None) -> grants.Granted:
        """A new execution that sleeps in `~sleep#1`, loaded on a worker."""
        granted = await self.grant((await self.submit()).id, worker)
        timer = Waiting("~sleep#1", "timer", True, due=self.clock.now() + 5_000 if due is None else due)
        await self.accept(self.frame(granted, waits=(timer,), idle=Idle(0)), worker)
        return granted

    async def standing(self, state: State) -> Execution:
        """A new execution in this state; CANCELLING: after it ran, without a worker."""
        match state:
            case State.QUEUED:
                identity = (await self.submit()).id
            case State.PAUSED:
                identity = (await self.paused()).execution
            case State.WAITING:
                identity = (await self.sleeping()).execution
            case State.RUNNING:
                identity = (await self.started()).execution
            case State.CANCELLING:
                identity = (await self.started()).execution
                await self.gate.write(executions.cancel, executions.Cancel(execution=identity, caller=CALLER))
                await self.gate.write(grants.recover, "w1", Death(cause="lease"))
            case _:
                granted = await self.started()
                await self.accept(self.frame(granted, end=end(EventType[f"WORKFLOW_{state}"], payload=b"null")))
                identity = granted.execution
        found = self.execution(identity)
        assert found.state is state
        return found

    def log(self, execution: Execution) -> list[EventType]:
        """The types of everything in the log of an execution."""
        return [event.type for event in events.of(self.database.reader, execution.key)]

    def audit(self) -> list[Entry]:
        """Everything that was audited, oldest first."""
        return [found.entry for found in audit.everything(self.database.reader)]

    def execution(self, identity: str) -> Execution:
        """The execution as it stands."""
        return Overlay.above(self.gate.live).execution(self.transaction(), identity)

    def transaction(self) -> Transaction:
        """Reads through the writing connection, outside of any transaction."""
        return Transaction(self.database._writer, self.clock.now())  # noqa: SLF001 - reads only


def begin(call: str, attempt: int = 1, kind: EventType = EventType.TASK_STARTED, **more: object) -> Begin:
    """A begin of `call`."""
    fields = {"digest": b"12345678", "args": b"[[],{}]", **more}
    return Begin(number(kind), call, call.partition("#")[0], attempt, "loop", **fields)  # type: ignore[arg-type]  # builder


def fact(
    call: str, kind: EventType = EventType.TASK_COMPLETED, attempt: int = 1, seen: int = 0, **more: object
) -> Fact:
    """A fact about `call`."""
    return Fact(number(kind), call, attempt, 1_700_000_000_001, seen, **more)  # type: ignore[arg-type]  # builder


def end(kind: EventType = EventType.WORKFLOW_COMPLETED, seen: int = 0, payload: bytes | None = b"1") -> End:
    """The end of a workflow."""
    return End(number(kind), seen, 1_700_000_000_002, None, payload)
