"""Courses: one run of a random program, with its worker killed, unloaded and cancelled at random moments."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any, Protocol

from flux.core.events import FACTS, NUMBERS, Event, EventType
from flux.wire import frames
from flux.wire.frames import End, Frame, Grant, History, Report
from flux.worker.host import Host
from flux.worker.job import Loaded
from flux.worker.output import ORIGIN
from flux.workflow import Workflow
from tests.worker.ledger import Ledger, Row, count_of_facts
from tests.worker.programs import program, workflow_of
from tests.worker.scripted import InlineProcesses, ScriptedDaemon
from tests.worker.virtual import clock
from tests.worker.world import World

T = EventType
_CALL_ENDS = frozenset({T.TASK_COMPLETED, T.TASK_FAILED, T.TASK_CANCELLED, T.TASK_DENIED})


Step = tuple[int, str]  # how many facts had been delivered, and what was seen


@dataclass
class Trace:
    """What every run of one execution saw: for each fence the steps, and how many reports had left at each."""

    runs: dict[int, list[Step]] = field(default_factory=dict)
    reports: dict[int, list[int]] = field(default_factory=dict)
    hosts: dict[int, Host] = field(default_factory=dict)

    def note(self, text: str) -> None:
        """Note a step of whatever workflow runs here."""
        origin = ORIGIN.get()
        assert origin is not None
        session = self.hosts[origin.fence].session(origin.execution)
        if session is not None and not session.is_closed:
            self.runs.setdefault(origin.fence, []).append((session.delivered, text))
            self.reports.setdefault(origin.fence, []).append(session.outbox.last)


class Daemon(Protocol):
    """One execution's daemon, scripted or real."""

    ended: asyncio.Future[Event]

    @property
    def ledger(self) -> Ledger:
        """Its log."""
        ...

    @property
    def fence(self) -> int:
        """The newest fencing token."""
        ...

    def load(self, digest: str) -> Loaded:
        """The source."""
        ...

    def kill(self) -> None:
        """The worker is lost."""
        ...

    def cancel(self) -> None:
        """Ask the workflow to end."""
        ...


Begin = Callable[..., Awaitable[Daemon]]


@dataclass
class Course:
    """What came of it.

    Attributes:
        durable: for each fence that was lost, how many facts the log had then, and how many reports were accepted.
        wrong: bodies that ran though the log had not allowed them, or had their end already.
    """

    seed: int
    workflow: Workflow
    trace: Trace
    durable: dict[int, tuple[int, int]]
    daemon: Daemon
    end: Event
    wrong: list[str]

    @property
    def last_run(self) -> list[Step]:
        """What the worker saw in which it ended."""
        return self.trace.runs[self.daemon.fence]


async def scripted(workflow: Workflow, input: object, **options: Any) -> Daemon:
    """A scripted daemon."""
    return ScriptedDaemon(workflow, input, **options)


async def take(seed: int, begin: Begin = scripted, *, interruptions: int = 6) -> Course:
    """One course of the program of this seed, on the daemon that `begin` gives."""
    random = Random(f"course {seed}")
    wrong: list[str] = []

    def begun(call: str, attempt: int) -> None:
        ledger = daemon.ledger
        ended = any(event.call == call and event.type in _CALL_ENDS for event in ledger.events)
        if ended or ledger.execution.bodies.get(call) != attempt:
            wrong.append(f"{call} attempt {attempt} after {ledger.execution.sequence}")

    world = World(random, begun, slow=random.choice((0.2, 1.0)))
    trace = Trace()
    workflow = workflow_of(program(seed), world, trace.note)
    slow_pipe = random.choice((0.002, 0.05, 0.3))
    processes = InlineProcesses(
        {"process_body": lambda name: f"{name}:{next(world.serial)}"},
        lambda: random.random() * world.slow,
        lambda job: random.random() < 0.2,
    )
    durable: dict[int, tuple[int, int]] = {}

    def before_grant() -> None:
        if trace.hosts:
            durable[daemon.fence] = count_of_facts(daemon.ledger.events), daemon.ledger.execution.reports

    daemon = await begin(
        workflow,
        seed,
        delay=lambda: random.random() * slow_pipe,
        resume=lambda name, output: (random.random() * 2, f"{name} answered {next(world.serial)}"),
        linger=lambda: random.random() * 0.2,
        denied=("fallback",) if random.random() < 0.1 else (),
        processes=processes,
        random=random,
        made=lambda fence, host: trace.hosts.__setitem__(fence, host),
        before_grant=before_grant,
    )
    loop = asyncio.get_running_loop()
    for _ in range(random.randrange(interruptions + 1)):
        loop.call_later(random.expovariate(0.5), daemon.kill)
    if random.random() < 0.25:
        loop.call_later(random.random() * 3, daemon.cancel)
    end = await asyncio.wait_for(daemon.ended, 3_000)
    await asyncio.sleep(1)
    return Course(seed, workflow, trace, durable, daemon, end, wrong)


def differences(course: Course) -> list[str]:
    """Where a later run of the execution saw something else than an earlier one, as far as that was durable.

    What was seen while a report was under way is left out: if it was lost, a cancel finds calls not begun that
    had been asked for, and they end at once.
    """
    found = []
    fences = sorted(course.trace.runs)
    for earlier, later in pairwise(fences):
        facts, accepted = course.durable[earlier]
        steps = zip(course.trace.runs[earlier], course.trace.reports[earlier], strict=True)
        expected = [step for step, sent in steps if step[0] <= facts and sent <= accepted]
        got = course.trace.runs[later][: len(expected)]
        found += _compare(f"run {earlier} and {later}", expected, got)
    return found


def _compare(what: str, expected: list[Step], got: list[Step]) -> list[str]:
    for index, (one, other) in enumerate(zip(expected, got, strict=False)):
        if one != other:
            return [f"{what}, step {index}: {one} then {other}"]
    return [f"{what}: {len(expected)} steps, then {len(got)}"] if len(got) < len(expected) else []


async def replay(course: Course, rows: list[Row]) -> tuple[list[Step], End | None]:
    """What a fresh worker sees that is given these rows, and the end it tells; None: it does not come to it."""
    execution, fence = course.daemon.ledger.execution.id, 1_000
    told: asyncio.Future[End | None] = asyncio.get_running_loop().create_future()

    def send(frame: Frame) -> None:
        frame = frames.from_worker(frames.pack(frame)[4:])
        if isinstance(frame, Report) and not told.done():
            told.set_result(frame.end)

    course.trace.runs.pop(fence, None)
    host = Host(send=send, clock=clock(), processes=InlineProcesses(), load=course.daemon.load)
    course.trace.hosts[fence] = host
    now = clock().now()
    host.receive(Grant(execution, fence, "token", "default", course.workflow.name, "d", now, now, "p"))
    host.receive(History(execution, fence, True, frames.pack_events(rows)))
    end = await asyncio.wait_for(told, 10)
    steps = course.trace.runs.get(fence, [])
    host.receive(frames.Forget(execution, fence))
    return steps, end


# ---------------------------------------------------------------------- logs as they must not be read

_SEQUENCE, _TYPE, _CALL, _SEEN = 0, 1, 3, 7
_FACT_NUMBERS = frozenset(NUMBERS[kind] for kind in FACTS)
_STARTED = NUMBERS[T.TASK_STARTED]


def without_seen(rows: list[Row]) -> list[Row]:
    """The log, read in the order of its sequence numbers alone."""
    return [(*row[:_SEEN], row[_SEQUENCE], *row[_SEEN + 1 :]) if row[_TYPE] in _FACT_NUMBERS else row for row in rows]


def at_once(rows: list[Row]) -> list[Row]:
    """The log, with every outcome delivered as soon as its call has begun."""
    facts = [row for row in rows if row[_TYPE] in _FACT_NUMBERS]
    begun = {row[_CALL]: index for index, row in reversed(list(enumerate(rows))) if row[_TYPE] == _STARTED}
    order = sorted(facts, key=lambda row: begun.get(row[_CALL], 0))
    places = iter(order)
    return [next(places) if row[_TYPE] in _FACT_NUMBERS else row for row in rows]
