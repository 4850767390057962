"""A session: one execution on one worker, from its grant until it ends, rests or is taken away.

It delivers facts and inputs to the private loop one at a time, live and on replay by the same code, and
tells the daemon at the end of each turn of the real loop what came of it. `seen` is the last input that
was delivered. Nothing here is called from inside a task of the real loop.

    reading ─ last history ─ replaying ─ last record delivered ─ live ─ ended, unloaded or forgotten: closed

Instants are int milliseconds UTC: the daemon's as it last told them, plus the monotonic clock since.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Final, TypeVarTuple, Unpack

from flux.codec import ClassIndex
from flux.context import ExecutionContext
from flux.core.decisions import after
from flux.core.events import BY_NUMBER, NUMBERS, EventType
from flux.core.identity import Scope
from flux.errors import NotFound
from flux.wire.frames import Ack, Fact, Grant, Idle, Input, Log, Recorded
from flux.worker.bodies import body_context
from flux.worker.calls import Body, Call, due_after
from flux.worker.ending import Ending, deadlock
from flux.worker.frames import BodyFrame
from flux.worker.job import Loaded
from flux.worker.journal import Journal, Step
from flux.worker.loop import EndlessTurn, PrivateLoop
from flux.worker.outbox import Outbox
from flux.worker.outcomes import Result
from flux.worker.output import Origin
from flux.worker.place import Worker
from flux.worker.program import Program
from flux.worker.runtimes import WorkflowRuntime
from flux.worker.staging import context_of, start_body
from flux.worker.waits import Waits

Ts = TypeVarTuple("Ts")
_T: Final = EventType


class Session:
    """One execution on this worker."""

    context: ExecutionContext[object]
    worker: Worker

    def __init__(self, worker: Worker, grant: Grant) -> None:
        self.worker = worker
        self.grant = grant
        self.execution = grant.execution
        self.origin = Origin(grant.execution, grant.fence)
        self.outbox = Outbox(grant.execution, grant.fence, grant.token)
        self.waits = Waits(self.outbox)
        self.journal = Journal()
        self.classes = ClassIndex()
        self.calls: dict[str, Call] = {}
        self.program = Program(self)
        self.loop = PrivateLoop(self.program, Scope.root(), grant.instant)  # type: ignore[abstract]  # refused one by one
        self.ending = Ending(self)
        self.seen = 0
        self.delivered = 0  # facts, recorded or new
        self.is_live = False
        self.is_closed = False
        self.is_draining = False
        self._base = grant.instant - worker.clock.monotonic()
        self._later: deque[Call] = deque()
        self._is_pumping = False
        self._rested_at: int | None = None
        self._is_resting = False
        self._is_waking = False
        self._warnings: list[Log] = []

    # ------------------------------------------------------------------ turns

    def start(self, loaded: Loaded) -> None:
        """Start the workflow's body; it runs to its first await.

        Raises:
            NotFound: the source has no such workflow.
            PayloadTypeError: its input cannot be read.
        """
        self.classes = loaded.classes
        workflow = loaded.workflows.get(self.grant.workflow)
        if workflow is None:
            raise NotFound(f"the source has no workflow {self.grant.workflow!r}")
        self.loop.instant = self.journal.started or self.grant.instant
        self.origin.is_muted = self.journal.has_run
        self.context = context_of(self.grant, self.journal, self.classes)
        context = body_context(WorkflowRuntime(self, self.program), self.origin)
        self.turn(self._create_root, workflow.fn, context)

    def _create_root(self, fn: Callable[[ExecutionContext[object]], Awaitable[object]], context: Context) -> None:
        self.ending.root = self.loop.create_root(self.ending.main(fn, self.context), context)

    def turn(self, deliver: Callable[[Unpack[Ts]], object], *args: *Ts) -> None:
        """Deliver something to the workflow and let it run until it waits."""
        self.worker.turning = self.origin
        try:
            self.loop.turn(deliver, *args)
        except EndlessTurn as error:
            self.ending.fail(error)
        finally:
            self.worker.turning = None

    def guarded(self, work: Callable[[Unpack[Ts]], object], *args: *Ts) -> None:
        """Call `work`; an error that nobody foresaw in it fails this execution."""
        try:
            work(*args)
        except Exception as error:  # the other executions of this worker go on
            self.ending.fail(error)
            self.changed()

    def stamp(self) -> int:
        """The instant now."""
        return self._base + self.worker.clock.monotonic()

    def later(self, call: Call) -> None:
        """Let the call go on when this turn is over."""
        self._later.append(call)

    def pump(self) -> None:
        """Let go on what was put off until the turn was over."""
        if self._is_pumping or not self.is_live:
            return
        self._is_pumping = True
        try:
            while self._later:
                self._later.popleft().advance()
        finally:
            self._is_pumping = False

    # ------------------------------------------------------------------ facts

    def record(
        self,
        call: Call,
        event: EventType,
        payload: bytes | None,
        delay: int | None = None,
        value: object = None,
        is_decoded: bool = False,
    ) -> None:
        """Note a fact and deliver it. `delay`: of a failed attempt, until the next."""
        self.delivered += 1
        instant = max(self.stamp(), self.loop.instant)
        detail = None if delay is None else f'{{"delay":{delay}}}'
        due = 0 if delay is None else instant + delay
        self.outbox.fact(
            Fact(NUMBERS[event], call.id, call.progress.attempt, instant, self.seen, call.parent, detail, payload)
        )
        self.changed()
        if call.parent is not None:
            call.apply(event, payload, due, value, is_decoded)
        elif self.is_draining:
            call.progress = after(call.progress, event, payload, due)
        else:
            self.loop.instant = instant
            self.turn(call.apply, event, payload, due, value, is_decoded)
        self._retire(call)

    def _retire(self, call: Call) -> None:
        if not call.is_open:
            self.forget(call)

    def replay(self, step: Step) -> None:
        """Deliver a recorded fact, and before it every input that the workflow had seen.

        Raises:
            NonDeterminismError: the code does not fit.
        """
        fact = step.fact
        for event in self.journal.inputs_until(fact.seen):
            self.deliver(event)
        self.journal.check(step)
        self.delivered += 1
        if fact.parent is not None:
            return
        call = self.calls.get(fact.call or "")
        if call is None or not call.is_open:
            raise self.journal.diverged_at(step)
        self.loop.instant = max(self.loop.instant, fact.instant)
        self.waits.settled()
        self.turn(call.apply, step.type, fact.payload, due_after(fact), None, False)
        self._retire(call)

    def forget(self, call: Call) -> None:
        """The call is over."""
        self.calls.pop(call.id, None)

    # ------------------------------------------------------------------ bodies

    def start_body(self, call: Call, begin: EventType) -> Body:
        """Run a body of the call."""
        return start_body(self, self.program, call, begin)

    def body_ended(self, call: Call, frame: BodyFrame, result: Result) -> None:
        """A body of the call has ended."""
        if not (self.is_closed or self.ending.has_failed):
            self.guarded(self._body_ended, call, frame, result)

    def _body_ended(self, call: Call, frame: BodyFrame, result: Result) -> None:
        frame.close()
        if frame.is_used or self.journal.nested.pauses:
            self._clear(call, frame)
        call.ended(result)
        self.pump()

    def _clear(self, call: Call, frame: BodyFrame) -> None:
        """End what a body has begun and left behind: its calls, its waits, and pauses of an earlier run of it."""
        for nested in [each for each in self.calls.values() if each.parent == call.id]:
            if nested.future is not None:
                nested.future.cancel()
        for wait in self.waits.of(call.id):
            self.waits.close(wait)
        for pause in self.journal.nested.open_pauses(frame.scope.path):
            self.waits.give_up(pause)

    def abandon_bodies(self) -> None:
        """End every body; what they say is dropped."""
        for call in reversed(list(self.calls.values())):
            if call.body is not None:
                call.body.abandon()
                call.body = None

    # ------------------------------------------------------------------ inputs

    def input(self, frame: Input) -> None:
        """Take an input from the daemon, unless the history has brought it already."""
        if frame.sequence <= max(self.seen, self.journal.sequence):
            return
        event = Recorded(
            frame.sequence, frame.type, frame.instant, frame.call, None, None, 0, 0, None, None, frame.payload
        )
        if not self.is_live:
            self.journal.late(event)
        elif self.ending.has_failed:
            self.seen = frame.sequence  # no input changes a failure, but an end that has not seen it is refused
            self.changed()
        elif not self.is_draining:
            self._is_resting = self._is_waking = False
            self.deliver(event)
            self.pump()
            self.changed()

    def deliver(self, event: Recorded) -> None:
        """Deliver an input."""
        self.seen = event.sequence
        self.loop.instant = max(self.loop.instant, event.instant)
        kind = BY_NUMBER[event.type]
        if kind is _T.WORKFLOW_CANCELLING:
            self.turn(self.ending.cancel)
            if self.is_live:
                self.ending.limit_cleanup()
        elif kind is _T.TASK_DENIED:
            self._deny(event)
        else:
            end = self.waits.take(event.call or "")
            if end is None:
                self.journal.nested.answer(event.call or "", event.payload)
            else:
                self.turn(end, event.payload)

    def _deny(self, event: Recorded) -> None:
        call = self.calls.get(event.call or "")
        if call is not None:
            call.is_asked = False
            self.turn(call.apply, _T.TASK_DENIED, event.payload, 0, None, False)
            self.forget(call)

    def open_retry(self, call: Call, wait: str, due: int) -> None:
        """Open the timer of a delay."""
        self.program.open_retry(call, wait, due)

    def jitter(self) -> float:
        """A random number in [0, 1)."""
        return self.worker.jitter()

    def close_wait(self, wait: str) -> None:
        """A wait is given up."""
        self.waits.close(wait)
        self.changed()

    # ------------------------------------------------------------------ reports

    def go_live(self) -> None:
        """Everything recorded is delivered: ask for what is open, and run from here on."""
        self.is_live = True
        self.origin.is_muted = False
        if self.ending.has_failed:
            self.seen = max(self.seen, self.journal.newest_input)
            self.changed()
            return
        self.ending.limit_cleanup()
        self.waits.go_live()
        for call in list(self.calls.values()):
            self.journal.judge(call)
            call.advance()
        self.journal.replayed()
        self.pump()
        self.changed()

    def changed(self) -> None:
        """There may be something to report."""
        if self.is_live and not self.is_closed:
            self.worker.changed(self)

    def flush(self) -> None:
        """Report what happened in this turn."""
        for warning in self._warnings:
            self.worker.send(warning)
        self._warnings.clear()
        if self.is_closed or not self.outbox.may_send:
            return
        if self._is_resting and self.outbox.is_busy:
            self._wake()
            return
        end, idle = self.ending.due(), None
        if end is None and self._is_quiet():
            if not len(self.waits) and not self.is_draining:
                self.ending.fail(deadlock())
                end = self.ending.due()
            elif not self.outbox.is_empty or self._rested_at != self.seen:
                idle = Idle(self.seen)
                self._rested_at = self.seen
                self._is_resting = True
        if end is not None:
            self.outbox.drop_begins()
        if end is None and idle is None and self.outbox.is_empty:
            return
        for report in self.outbox.reports(idle, end):
            self.worker.send(report)
        if end is not None:
            self.ending.told_in(self.outbox.last)

    def _wake(self) -> None:
        """A body that only waited has gone on by itself: only an input makes a resting execution run again."""
        if not self._is_waking:
            self._is_waking = True
            self.worker.send(self.outbox.alarm(self.stamp()))

    def acknowledged(self, ack: Ack) -> bool:
        """Take an acknowledgement; whether the execution has ended with it."""
        self._base = max(self._base, ack.instant - self.worker.clock.monotonic())  # what ends now ends after this
        was_held_back = not self.outbox.may_send
        allowed = self.outbox.acknowledged(ack.n, ack.handle, ack.denied)
        if self.ending.is_accepted(ack.n, ack.refused):
            return True
        if not self.ending.has_failed:
            for starter in allowed:
                starter.allowed()
            self.pump()
        if was_held_back:
            self.changed()
        return False

    def _is_quiet(self) -> bool:
        """Whether only the daemon can move it."""
        if self.ending.is_near or self.is_draining or self.outbox.asks or self._later:
            return False
        return all(call.is_quiet for call in self.calls.values())

    @property
    def is_drained(self) -> bool:
        """Whether everything that ran is recorded, or nothing was to be."""
        if not self.is_live:
            return True
        is_told = self.outbox.is_empty and self.outbox.is_acknowledged
        return is_told and all(call.body is None or call.body.is_parked for call in self.calls.values())

    def warn(self, text: str, call: str | None = None) -> None:
        """Write a warning to the execution's log, when the turn is over."""
        self._warnings.append(Log(self.execution, self.grant.fence, call, 0, "WARNING", self.stamp(), text + "\n"))
        self.changed()

    # ------------------------------------------------------------------ leaving

    def release(self) -> bool:
        """Unload it if it is quiet; whether it was."""
        if not self.is_live or not self._is_quiet() or not self.outbox.is_empty or not self.outbox.is_acknowledged:
            return False
        self.is_closed = True
        for call in reversed(list(self.calls.values())):
            if call.body is not None:
                call.body.unload()
        self.close()
        return True

    def close(self) -> None:
        """Close everything of it, the newest first. What runs is ended, what it says is dropped."""
        self.is_closed = True
        self.abandon_bodies()
        self.loop.unload()
        self.calls.clear()
