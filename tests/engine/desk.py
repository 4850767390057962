"""A whole engine in the test's loop, over a real database: what the tests of `engine` and `executor` stand on."""

from dataclasses import dataclass, field

from flux.clock import ManualClock
from flux.core.catalog import Source
from flux.core.events import NUMBERS, EventType
from flux.core.execution import Execution
from flux.core.principal import ADMIN, Caller, internal_caller
from flux.engine import catalog, executions, grants, reports
from flux.engine.catalog import Found, Registration
from flux.engine.executions import Submit
from flux.engine.gate import Gate
from flux.engine.live import Live, Overlay
from flux.engine.tokens import Tokens
from flux.errors import StorageError
from flux.store import principals, processes
from flux.store.database import Database, Transaction
from flux.wire.frames import Begin, End, Fact, Idle, Report, Waiting

CALLER: Caller = internal_caller("test")


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
        if principals.get(tx, ADMIN.id) is None:
            principals.insert(tx, ADMIN)
        database.commit()
        fatal: list[StorageError] = []
        gate = Gate(database, Live.of(database.reader, slots=slots), clock, epoch, fatal.append)
        return cls(database, gate, clock, Tokens(b"s" * 32, "test"), fatal)

    async def register(self, *names: str, tasks: tuple[str, ...] = ("step",)) -> None:
        """Offer workflows `default/NAME`."""
        source = Source(digest="d1", entry="work.py", root="/w", files={"work.py": b""})
        found = tuple(Found(namespace="default", name=name, tasks=tasks, about="{}") for name in names)
        await self.gate.write(catalog.register, Registration(path="work.py", source=source, workflows=found), CALLER)

    async def submit(self, name: str = "work", **options: object) -> Execution:
        """A new execution of `default/NAME`."""
        command = Submit(namespace="default", name=name, input=b"null", caller=CALLER, **options)  # type: ignore[arg-type]  # builder
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
