"""A daemon in a test's own loop, for one execution: it keeps a log, answers reports, sends inputs.

It does what the engine does with a report, and is as strict. Frames pass through `pack` and back, in order,
each with a delay of its own. The state machine of `core.execution` checks that every event may follow.
"""

import asyncio
import sys
from collections.abc import Callable, Iterable, Mapping
from random import Random

from flux import codec
from flux.codec import ClassIndex
from flux.core.events import (
    ABANDONED,
    BEGINS,
    BY_NUMBER,
    ENDS_A_BODY,
    FACTS,
    INPUTS,
    NUMBERS,
    Event,
    EventType,
    is_input,
)
from flux.core.execution import Execution, State, Wait, fold
from flux.wire import frames
from flux.wire.frames import Ack, Drain, Forget, Grant, History, Input, Log, Recorded, Release, Released, Report
from flux.worker.host import Host
from flux.worker.job import Job, Loaded, Outcome
from flux.workflow import Workflow
from tests.worker.virtual import clock

T = EventType
_FOLLOWS = frozenset({T.TASK_COMPLETED, T.TASK_FAILED, T.TASK_CANCELLED})
_ENDS = frozenset({T.WORKFLOW_COMPLETED, T.WORKFLOW_FAILED, T.WORKFLOW_CANCELLED})

Delay = Callable[[], float]


class Pipe:
    """Frames in one direction: in order, each delayed, lost when cut."""

    def __init__(self, delay: Delay, receive: Callable[[bytes], None]) -> None:
        self._delay = delay
        self._receive = receive
        self._free_at = 0.0
        self.is_cut = False

    def send(self, frame: frames.Frame) -> None:
        """Send a frame; it arrives after those before it."""
        body = frames.pack(frame)[4:]
        loop = asyncio.get_running_loop()
        self._free_at = max(self._free_at, loop.time() + self._delay())
        loop.call_at(self._free_at, self._arrive, body)

    def _arrive(self, body: bytes) -> None:
        if not self.is_cut:
            self._receive(body)


class InlineProcesses:
    """Task processes that are none: the function runs here, after a delay. `dies` says which attempts kill theirs."""

    def __init__(self, functions: Mapping[str, Callable[..., object]], delay: Delay, dies: Callable[[], bool]) -> None:
        self._functions = functions
        self._delay = delay
        self._dies = dies

    async def run(self, job: Job) -> Outcome:
        """How the body ends."""
        await asyncio.sleep(self._delay())
        if self._dies():
            return Outcome(status="died", detail={"signal": "SIGSEGV", "exit_code": None, "peak_memory": 1})
        args, kwargs = codec.decode_call(job.args)
        try:
            return Outcome(status="completed", payload=codec.encode(self._functions[job.qualname](*args, **kwargs)))
        except Exception as error:
            return Outcome(status="failed", payload=codec.encode_error(error))


def no_delay() -> float:
    """At once, but not in the same turn."""
    return 0.0


class ScriptedDaemon:
    """The daemon of one execution.

    Attributes:
        events: the log.
        hosts: every worker it had, the last one is the present.
        ended: resolved with the end's event.
        denied: names of tasks that may not begin.
        resume_after: seconds after which an open pause is answered, by its name; None: never.
        linger: seconds a resting execution stays loaded; None: for good.
    """

    def __init__(
        self,
        workflow: Workflow,
        input: object = None,
        *,
        delay: Delay = no_delay,
        resume: Callable[[str, bytes | None], tuple[float, object] | None] = lambda name, output: None,
        linger: Delay | None = None,
        denied: Iterable[str] = (),
        processes: InlineProcesses | None = None,
        classes: ClassIndex | None = None,
        random: Random | None = None,
    ) -> None:
        self.clock = clock()
        self.workflow = workflow
        self.events: list[Event] = []
        self.logs: list[Log] = []
        self.hosts: list[Host] = []
        self.ended: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self.reports = 0
        self._classes = classes or ClassIndex()
        self._delay = delay
        self._resume = resume
        self._linger = linger
        self._denied = frozenset(denied)
        self._processes = processes or InlineProcesses({}, no_delay, lambda: False)
        self._random = random or Random(0)
        self._down: Pipe | None = None
        self._up: Pipe | None = None
        self._handle = 0
        self.execution = Execution(
            id="E1", namespace="default", name=workflow.name, version="d", principal="p", bodies={}, waits={}
        )
        self._add(Event(type=T.WORKFLOW_QUEUED, instant=self.clock.now(), payload=codec.encode(input, self._classes)))
        self.grant()

    # ------------------------------------------------------------------ the log

    def _add(self, *events: Event, waits: dict[str, Wait] | None = None, **changes: object) -> None:
        numbered = []
        for event in events:
            sequence = self.execution.sequence + len(numbered) + 1
            numbered.append(_numbered(event, sequence))
        before = self.execution.waits
        after = fold(self.execution, numbered)
        self.events += numbered
        kept = dict(after.waits) if waits is None else waits
        if not events and waits is None:
            kept = dict(before)
        self.execution = after.changed(waits=kept, **changes)
        for event in numbered:
            if event.type in _ENDS and not self.ended.done():
                self.ended.set_result(event)

    def rows(self, events: Iterable[Event] | None = None) -> list[tuple[object, ...]]:
        """The log as `History` carries it."""
        return [
            (
                event.sequence,
                NUMBERS[event.type],
                event.instant,
                event.call,
                event.parent,
                event.name,
                event.attempt,
                event.seen,
                event.digest,
                event.detail,
                event.payload,
            )
            for event in (self.events if events is None else events)
        ]

    def of(self, *types: EventType) -> list[Event]:
        """The events of these types."""
        return [event for event in self.events if event.type in types]

    @property
    def steps(self) -> list[str]:
        """The log in words: `TASK_STARTED charge#1`."""
        return [f"{event.type} {event.call}" if event.call else str(event.type) for event in self.events]

    # ------------------------------------------------------------------ workers

    @property
    def host(self) -> Host:
        """The present worker."""
        return self.hosts[-1]

    @property
    def is_loaded(self) -> bool:
        """Whether a worker has it."""
        return self.execution.worker is not None

    def grant(self) -> None:
        """Give it to a new worker, with its whole history."""
        fence = self.execution.fence + 1
        self._handle = self._random.randrange(1, 1 << 53)
        worker = f"w{fence}"
        self._add(Event(type=T.WORKFLOW_STARTED, instant=self.clock.now(), attempt=fence, worker=worker))
        up = self._up = Pipe(self._delay, lambda body: self._from_worker(fence, body))
        host = Host(
            send=up.send, clock=self.clock, processes=self._processes, load=self._load, random=Random(fence)
        )
        down = self._down = Pipe(self._delay, lambda body: host.receive(frames.from_daemon(body)))
        self.hosts.append(host)
        now = self.clock.now()
        down.send(Grant("E1", fence, f"token-{fence}", "default", self.workflow.name, "d", now, now, "p"))
        rows = self.rows()
        cut = self._random.randrange(len(rows) + 1)
        for part, last in ((rows[:cut], False), (rows[cut:], True)):
            down.send(History("E1", fence, last, frames.pack_events(part)))

    def _load(self, digest: str) -> Loaded:
        return Loaded(
            digest=digest,
            module=sys.modules[__name__],
            workflows={self.workflow.name: self.workflow},
            classes=self._classes,
        )

    def kill(self, cause: str = "crash", detail: Mapping[str, object] | None = None) -> None:
        """The worker is lost, with everything it had not told; another one gets it."""
        if self.ended.done():
            return
        self.lose()
        if self.execution.state in (State.PAUSED, State.WAITING):
            self.execution = self.execution.changed(worker=None, bodies={})
            return
        told = codec.encode({"cause": cause, **(detail or {})}).decode()
        self._add(Event(type=T.WORKFLOW_RECOVERED, instant=self.clock.now(), detail=told))
        self.grant()

    def lose(self) -> None:
        """End the worker: its pipes are cut and whatever ran in it is gone."""
        assert self._up is not None
        assert self._down is not None
        self._up.is_cut = self._down.is_cut = True
        host, fence = self.host, self.execution.fence
        host.send = lambda frame: None
        host.receive(Forget("E1", fence))

    def send(self, frame: frames.FromDaemon) -> None:
        """Send a frame to the worker."""
        assert self._down is not None
        self._down.send(frame)

    def drain(self) -> None:
        """Ask the worker to finish what runs."""
        self.send(Drain())

    # ------------------------------------------------------------------ inputs

    def _input(self, event: Event) -> None:
        self._add(event)
        numbered, fence = self.events[-1], self.execution.fence
        self._wake()
        if self.is_loaded and self.execution.fence == fence:
            self._send_input(numbered)

    def _send_input(self, event: Event) -> None:
        self.send(
            Input(
                "E1",
                self.execution.fence,
                event.sequence,
                NUMBERS[event.type],
                event.call,
                event.instant,
                event.payload,
            )
        )

    def _wake(self) -> None:
        """Note that it goes on: here, or by a new grant that brings the input in its history."""
        if self.execution.state not in (State.PAUSED, State.WAITING):
            if self.execution.needs_grant:
                self.grant()
            return
        self._add(Event(type=T.WORKFLOW_WOKEN, instant=self.clock.now(), worker=self.execution.worker))
        if self.execution.needs_grant:
            self.grant()

    def cancel(self) -> None:
        """Ask the workflow to end."""
        if not self.ended.done() and self.execution.state is not State.CANCELLING:
            was_asleep = not self.is_loaded
            self._add(Event(type=T.WORKFLOW_CANCELLING, instant=self.clock.now()))
            if was_asleep:
                self.grant()
            else:
                self._send_input(self.events[-1])

    def answer(self, pause: str, value: object) -> None:
        """Resume a pause that is open."""
        wait = self.execution.waits.get(pause)
        if wait is not None and not self.ended.done():
            payload = codec.encode(value)
            self._input(Event(type=T.PAUSE_CLOSED, instant=self.clock.now(), call=pause, payload=payload))

    def _fire(self, timer: str, due: int) -> None:
        wait = self.execution.waits.get(timer)
        if wait is not None and wait.due == due and not self.ended.done():
            self._input(Event(type=T.TIMER_FIRED, instant=max(self.clock.now(), due), call=timer))

    # ------------------------------------------------------------------ reports

    def _from_worker(self, fence: int, body: bytes) -> None:
        frame = frames.from_worker(body)
        if isinstance(frame, Log):
            self.logs.append(frame)
        elif fence != self.execution.fence or self.ended.done():
            return
        elif isinstance(frame, Released):
            self._released()
        elif isinstance(frame, Report):
            self._accept(frame)

    def _released(self) -> None:
        assert self.execution.state in (State.PAUSED, State.WAITING, State.RUNNING), self.execution.state
        self._cut()
        if self.execution.state in (State.PAUSED, State.WAITING):
            self.execution = self.execution.changed(worker=None, bodies={})
        else:
            self._add(Event(type=T.WORKFLOW_RECOVERED, instant=self.clock.now(), detail='{"cause":"unloaded"}'))
            self.grant()

    def _cut(self) -> None:
        assert self._up is not None
        assert self._down is not None
        self._up.is_cut = self._down.is_cut = True

    def _accept(self, report: Report) -> None:
        self.reports += 1
        execution = self.execution
        assert report.n == execution.reports + 1, f"report {report.n} after {execution.reports}"
        if report.n == 1:
            assert report.token == f"token-{report.fence}"
        else:
            assert report.handle == self._handle or report.token == f"token-{report.fence}"
        events = [*self._facts(report), *self._begins(report)]
        denied = tuple(index for index, event in enumerate(events[len(report.facts) :]) if event.type is T.TASK_DENIED)
        changed, waits = self._waits(report)
        events += changed
        newest = max(
            [execution.input_sequence]
            + [execution.sequence + n for n, event in enumerate(events, 1) if event.type is T.TASK_DENIED]
        )
        refused = self._rest(report, newest, waits, events)
        ended = any(event.type in _ENDS for event in events)
        count = len(events)
        self._add(*events, waits={} if ended else waits, reports=report.n)
        self.send(Ack("E1", report.fence, report.n, self.execution.sequence, self._handle, denied, refused))
        for event in self.events[-count:] if count else ():
            if event.type is T.TASK_DENIED:
                self._send_input(event)
        self._linger_on()

    def _facts(self, report: Report) -> list[Event]:
        running, ended, events = dict(self.execution.bodies), set(), []
        for fact in report.facts:
            kind = BY_NUMBER[fact.type]
            assert kind in FACTS
            if running.get(fact.call) == fact.attempt and kind in ENDS_A_BODY:
                del running[fact.call]
                ended.add(fact.call)
            else:
                assert kind in _FOLLOWS, f"{kind} of {fact.call}, which does not run"
                assert fact.call in ended or running.get(fact.call), f"{kind} of {fact.call}, which does not run"
            events.append(
                Event(
                    type=kind,
                    instant=fact.instant,
                    call=fact.call,
                    parent=fact.parent,
                    attempt=fact.attempt,
                    seen=fact.seen,
                    detail=fact.detail,
                    payload=fact.payload,
                )
            )
        return events

    def _begins(self, report: Report) -> list[Event]:
        events = []
        for begin in report.begins:
            kind = BY_NUMBER[begin.type]
            assert kind in BEGINS
            is_denied = begin.name in self._denied
            events.append(
                Event(
                    type=T.TASK_DENIED if is_denied else kind,
                    instant=self.clock.now(),
                    call=begin.call,
                    parent=begin.parent,
                    name=begin.name,
                    attempt=begin.attempt,
                    digest=None if is_denied else begin.digest,
                    payload=codec.encode({"principal": "p", "permission": "x", "task": begin.name})
                    if is_denied
                    else begin.args,
                )
            )
        return events

    def _waits(self, report: Report) -> tuple[list[Event], dict[str, Wait]]:
        waits, events, now = dict(self.execution.waits), [], self.clock.now()
        loop = asyncio.get_running_loop()
        for change in report.waits:
            if not change.open:
                if waits.pop(change.call, None) is not None and change.kind == "pause":
                    events.append(Event(type=T.PAUSE_CLOSED, instant=now, call=change.call, detail=ABANDONED))
                continue
            waits[change.call] = Wait(kind=change.kind, due=change.due, parent=change.parent, name=change.name)
            if change.kind == "pause":
                events.append(
                    Event(
                        type=T.PAUSE_OPENED,
                        instant=now,
                        call=change.call,
                        parent=change.parent,
                        name=change.name,
                        payload=change.payload,
                    )
                )
                answer = self._resume(change.name or "", change.payload)
                if answer is not None:
                    loop.call_later(answer[0], self.answer, change.call, answer[1])
            else:
                loop.call_at(max(0, change.due - self.clock.now()) / 1000 + loop.time(), self._fire, change.call, change.due)
        return events, waits

    def _rest(self, report: Report, newest: int, waits: Mapping[str, Wait], events: list[Event]) -> bool:
        if report.end is not None:
            if report.end.seen < newest:
                return True
            end = report.end
            kind = BY_NUMBER[end.type]
            if self.execution.state is State.CANCELLING and kind is T.WORKFLOW_COMPLETED:
                kind = T.WORKFLOW_CANCELLED
            events.append(
                Event(type=kind, instant=end.instant, seen=end.seen, detail=end.detail, payload=end.payload)
            )
        elif report.idle is not None:
            if report.idle.seen < newest:
                return True
            assert waits, "rests, but waits for nothing"
            if self.execution.state is State.RUNNING:
                paused = any(wait.kind == "pause" for wait in waits.values())
                kind = T.WORKFLOW_PAUSED if paused else T.WORKFLOW_WAITING
                events.append(Event(type=kind, instant=self.clock.now()))
        return False

    def _linger_on(self) -> None:
        """Ask for it back, some time after it came to rest."""
        if self._linger is None or self.execution.state not in (State.PAUSED, State.WAITING):
            return
        sequence = self.execution.sequence

        def ask() -> None:
            if self.execution.sequence == sequence and self.is_loaded:
                self.send(Release("E1", self.execution.fence))

        asyncio.get_running_loop().call_later(self._linger(), ask)


def _numbered(event: Event, sequence: int) -> Event:
    return Event(
        type=event.type,
        instant=event.instant,
        sequence=sequence,
        call=event.call,
        parent=event.parent,
        name=event.name,
        attempt=event.attempt,
        seen=event.seen,
        digest=event.digest,
        worker=event.worker,
        detail=event.detail,
        payload=event.payload,
    )


def recorded(rows: Iterable[tuple[object, ...]]) -> list[Recorded]:
    """Rows as a worker reads them."""
    return frames.unpack_events(frames.pack_events(rows))


assert is_input
assert INPUTS
