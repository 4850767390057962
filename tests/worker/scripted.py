"""A daemon in a test's own loop, for one execution: it keeps a log, answers reports, sends inputs.

Frames pass through `pack` and back, in order, each with a delay of its own. The test decides when pauses are
answered, when the worker is killed, and when a resting execution is asked back.
"""

import asyncio
import sys
from collections.abc import Callable, Iterable, Mapping
from random import Random

from flux import codec
from flux.codec import ClassIndex
from flux.core.events import NUMBERS, Event, EventType
from flux.core.execution import State
from flux.wire import frames
from flux.wire.frames import Drain, Forget, Grant, History, Input, Log, Release, Released, Report, Waiting
from flux.worker.host import Host
from flux.worker.job import Job, Loaded, Outcome
from flux.workflow import Workflow
from tests.worker.ledger import ASLEEP, Ledger
from tests.worker.virtual import clock

T = EventType
Delay = Callable[[], float]
Resume = Callable[[str, bytes | None], tuple[float, object] | None]


class Pipe:
    """Frames in one direction: in order, each delayed, lost when cut."""

    def __init__(self, delay: Delay, receive: Callable[[bytes], None], failed: Callable[[BaseException], None]) -> None:
        self._delay = delay
        self._receive = receive
        self._failed = failed
        self._free_at = 0.0
        self.is_cut = False

    def send(self, frame: frames.Frame) -> None:
        """Send a frame; it arrives after those before it."""
        body = frames.pack(frame)[4:]
        loop = asyncio.get_running_loop()
        # A little later than the one before: timers of one instant fire in any order.
        self._free_at = max(self._free_at + 1e-6, loop.time() + self._delay())
        loop.call_at(self._free_at, self._arrive, body)

    def _arrive(self, body: bytes) -> None:
        if self.is_cut:
            return
        try:
            self._receive(body)
        except BaseException as error:
            self._failed(error)


class InlineProcesses:
    """Task processes that are none: the function runs here, after a delay. `dies` says whose process is lost."""

    def __init__(
        self,
        functions: Mapping[str, Callable[..., object]] | None = None,
        delay: Delay = lambda: 0.0,
        dies: Callable[[Job], bool] = lambda job: False,
    ) -> None:
        self._functions = functions or {}
        self._delay = delay
        self._dies = dies
        self.jobs: list[Job] = []
        self.killed: list[str] = []

    async def run(self, job: Job) -> Outcome:
        """How the body ends."""
        self.jobs.append(job)
        try:
            await asyncio.sleep(self._delay())
        except asyncio.CancelledError:
            self.killed.append(job.call)
            raise
        if self._dies(job):
            return Outcome(status="died", detail={"signal": "SIGSEGV", "exit_code": None, "peak_memory": 1})
        args, kwargs = codec.decode_call(job.args)
        try:
            return Outcome(status="completed", payload=codec.encode(self._functions[job.qualname](*args, **kwargs)))
        except TimeoutError:
            return Outcome(status="timeout")
        except Exception as error:
            return Outcome(status="failed", payload=codec.encode_error(error))


class ScriptedDaemon:
    """The daemon of one execution.

    Attributes:
        hosts: every worker it had; the last one is the present.
        drained: fences of the workers that have said that they are.
        ended: resolved with the event that ends the execution.
        before_grant, made: called before each grant, and with each worker that was made for one.
        resume: seconds after which an open pause is answered, and with what; None: not by itself.
        linger: seconds that a resting execution stays loaded; None: for good.
    """

    def __init__(
        self,
        workflow: Workflow,
        input: object = None,
        *,
        delay: Delay = lambda: 0.0,
        resume: Resume = lambda name, output: None,
        linger: Delay | None = None,
        denied: Iterable[str] = (),
        processes: InlineProcesses | None = None,
        classes: ClassIndex | None = None,
        random: Random | None = None,
        before_grant: Callable[[], None] = lambda: None,
        made: Callable[[int, Host], None] = lambda fence, host: None,
    ) -> None:
        self.clock = clock()
        self.workflow = workflow
        self.classes = classes or ClassIndex()
        self.ledger = Ledger(workflow.name, input, self.classes, self.clock.now(), frozenset(denied))
        self.logs: list[Log] = []
        self.reports: list[Report] = []
        self.hosts: list[Host] = []
        self.drained: list[int] = []
        self.ended: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._before_grant = before_grant
        self._made = made
        self._delay = delay
        self._resume = resume
        self._linger = linger
        self._processes = processes or InlineProcesses()
        self._random = random or Random(0)
        self._pipes: tuple[Pipe, Pipe]
        self.grant()

    # ------------------------------------------------------------------ workers

    @property
    def host(self) -> Host:
        """The present worker."""
        return self.hosts[-1]

    @property
    def fence(self) -> int:
        """The newest fencing token."""
        return self.ledger.execution.fence

    def grant(self) -> None:
        """Give it to a new worker, with its whole history."""
        self._before_grant()
        fence, now = self.fence + 1, self.clock.now()
        self.ledger.add(Event(type=T.WORKFLOW_STARTED, instant=now, attempt=fence, worker=f"w{fence}"))
        self.ledger.handle = self._random.randrange(1, 1 << 53)
        up = Pipe(self._delay, lambda body: self._from_worker(fence, body), self._broken)
        host = Host(
            send=up.send,
            clock=self.clock,
            processes=self._processes,
            load=self.load,
            random=Random(fence),
            drained=lambda: self.drained.append(fence),
        )
        down = Pipe(self._delay, lambda body: host.receive(frames.from_daemon(body)), self._broken)
        self.hosts.append(host)
        self._made(fence, host)
        self._pipes = up, down
        down.send(Grant("E1", fence, f"token-{fence}", "default", self.workflow.name, "d", now, now, "p"))
        rows = self.ledger.rows()
        cut = self._random.randrange(len(rows) + 1)
        down.send(History("E1", fence, False, frames.pack_events(rows[:cut])))
        down.send(History("E1", fence, True, frames.pack_events(rows[cut:])))

    def load(self, digest: str) -> Loaded:
        """The source of any digest."""
        workflows = {self.workflow.name: self.workflow}
        return Loaded(digest=digest, module=sys.modules[__name__], workflows=workflows, classes=self.classes)

    def kill(self, cause: str = "crash", **detail: object) -> None:
        """The worker is lost, with everything it had not told; another one gets the execution."""
        if not self.ended.done():
            self.lose()
            self._take_back({"cause": cause, **detail})

    def lose(self) -> None:
        """The worker is lost."""
        self._cut()
        self.host.send = lambda frame: None
        self.host.receive(Forget("E1", self.fence))

    def _take_back(self, why: Mapping[str, object]) -> None:
        if self.ledger.is_asleep:
            self.ledger.unload()
            return
        told = codec.encode(dict(why)).decode()
        self.ledger.add(Event(type=T.WORKFLOW_RECOVERED, instant=self.clock.now(), detail=told))
        self.grant()

    def _cut(self) -> None:
        for pipe in self._pipes:
            pipe.is_cut = True

    def send(self, frame: frames.FromDaemon) -> None:
        """Send a frame to the worker."""
        self._pipes[1].send(frame)

    def drain(self) -> None:
        """Ask the worker to finish what runs."""
        self.send(Drain())

    def release(self) -> None:
        """Ask the worker to unload the execution."""
        self.send(Release("E1", self.fence))

    def _broken(self, error: BaseException) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)

    # ------------------------------------------------------------------ inputs

    def _input(self, event: Event, wake: EventType) -> None:
        """Number an input, and send it or a grant that brings it."""
        self.ledger.add(event)
        numbered, was_loaded = self.ledger.events[-1], self.ledger.execution.worker is not None
        if self.ledger.is_asleep:
            self.ledger.add(Event(type=wake, instant=self.clock.now(), worker=self.ledger.execution.worker))
        if was_loaded:
            self._send_input(numbered)
        elif self.ledger.execution.needs_grant:
            self.grant()

    def _send_input(self, event: Event) -> None:
        number = NUMBERS[event.type]
        self.send(Input("E1", self.fence, event.sequence, number, event.call, event.instant, event.payload))

    def cancel(self) -> None:
        """Ask the workflow to end."""
        if not self.ended.done() and self.ledger.execution.state is not State.CANCELLING:
            self._input(Event(type=T.WORKFLOW_CANCELLING, instant=self.clock.now()), T.WORKFLOW_WOKEN)

    def answer(self, pause: str, value: object) -> None:
        """Resume a pause, if it is open."""
        if pause in self.ledger.execution.waits and not self.ended.done():
            payload = codec.encode(value)
            self._input(
                Event(type=T.PAUSE_CLOSED, instant=self.clock.now(), call=pause, payload=payload), T.WORKFLOW_RESUMED
            )

    def _fire(self, timer: str, due: int) -> None:
        wait = self.ledger.execution.waits.get(timer)
        if wait is not None and wait.due == due and not self.ended.done():
            instant = max(self.clock.now(), due)
            self._input(Event(type=T.TIMER_FIRED, instant=instant, call=timer), T.WORKFLOW_WOKEN)

    # ------------------------------------------------------------------ what the worker says

    def _from_worker(self, fence: int, body: bytes) -> None:
        frame = frames.from_worker(body)
        if isinstance(frame, Log):
            self.logs.append(frame)
        elif fence != self.fence or self.ended.done():
            return
        elif isinstance(frame, Released):
            self._cut()
            self._take_back({"cause": "unloaded"})
        elif isinstance(frame, Report):
            self._accept(frame)

    def _accept(self, report: Report) -> None:
        self.reports.append(report)
        accepted = self.ledger.accept(report, self.clock.now())
        self.send(accepted.ack)
        for event in accepted.inputs:
            self._send_input(event)
        for waiting in accepted.opened:
            self._opened(waiting)
        if self.ledger.end is not None:
            self.ended.set_result(self.ledger.end)
        elif self._linger is not None and self.ledger.is_asleep:
            asyncio.get_running_loop().call_later(self._linger(), self._ask_back, self.ledger.execution.sequence)

    def _opened(self, waiting: Waiting) -> None:
        loop = asyncio.get_running_loop()
        if waiting.kind == "timer":
            left = max(0, waiting.due - self.clock.now()) / 1000
            loop.call_later(left, self._fire, waiting.call, waiting.due)
            return
        answer = self._resume(waiting.name or "", waiting.payload)
        if answer is not None:
            loop.call_later(answer[0], self.answer, waiting.call, answer[1])

    def _ask_back(self, sequence: int) -> None:
        """Unload it, if nothing has happened since it came to rest."""
        execution = self.ledger.execution
        if execution.sequence == sequence and execution.worker is not None and execution.state in ASLEEP:
            self.release()
