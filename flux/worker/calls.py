"""A call: from the moment a task is called until its outcome is delivered, live and on replay.

`core.decisions` says what follows what; this does it: asks for bodies to be allowed, runs them, turns
their ends into facts, and gives the outcome to whoever awaits the call. On replay the facts come from the
log and nothing is asked for or run; what is open after the last of them goes on from there.

Every fact needs a body that the daemon has allowed under this grant. A call whose end is decided
without one (its body was interrupted with an earlier worker) therefore asks for its attempt first.
"""

import asyncio
from collections.abc import Iterable
from typing import Final, Protocol

from flux.codec import ClassIndex, decode, decode_error, encode, encode_error, is_atomic, plain
from flux.core.decisions import (
    ENDS,
    FACT_OF_FAILURE,
    FACT_OF_SUCCESS,
    FIRST,
    Progress,
    Record,
    Run,
    after,
    delay_after,
    next_step,
)
from flux.core.events import BY_NUMBER, NUMBERS, EventType
from flux.errors import FluxError, PayloadTooLarge, PayloadTypeError, TaskDenied, TaskFailed, WorkerCrashed
from flux.runtime import TaskSpec
from flux.wire.frames import Begin, Recorded
from flux.worker.futures import CallFuture
from flux.worker.outbox import Outbox
from flux.worker.outcomes import Completed, Died, Failed, Result

MAX_DEATHS: Final = 3  # of the process of one attempt; then the body is what kills it
_T: Final = EventType
_UNRAISABLE: Final = (asyncio.CancelledError, GeneratorExit, StopIteration, StopAsyncIteration)


class Body(Protocol):
    """A body that runs."""

    @property
    def is_parked(self) -> bool:
        """Whether it waits for something that only the daemon can end."""
        ...

    def cancel(self) -> None:
        """End it; its result follows."""
        ...

    def abandon(self) -> None:
        """End it; nobody wants its result."""
        ...

    def unload(self) -> None:
        """Close it: it will run again elsewhere."""
        ...


class Session(Protocol):
    """What a call needs of its execution."""

    classes: ClassIndex
    outbox: Outbox
    is_live: bool
    is_closed: bool
    is_draining: bool

    def record(
        self,
        call: "Call",
        event: EventType,
        payload: bytes | None,
        delay: int | None = None,
        value: object = None,
        is_decoded: bool = False,
    ) -> None:
        """Note a fact and deliver it."""
        ...

    def start_body(self, call: "Call", begin: EventType) -> Body:
        """Run a body of the call; its result goes to `call.ended`."""
        ...

    def later(self, call: "Call") -> None:
        """Have `call.advance` called when the turn is over."""
        ...

    def open_retry(self, call: "Call", wait: str, due: int) -> None:
        """Open the timer of a delay."""
        ...

    def close_wait(self, wait: str) -> None:
        """Close a wait."""
        ...

    def jitter(self) -> float:
        """A random number in [0, 1)."""
        ...

    def forget(self, call: "Call") -> None:
        """The call is over."""
        ...

    def changed(self) -> None:
        """There is something to report."""
        ...


class Call:
    """One call of a task. `live` holds the arguments as they were given; `args` what is recorded of them."""

    __slots__ = (
        "args", "body", "deaths", "digest", "future", "given", "id", "is_allowed", "is_asked", "is_cancelled",
        "is_known", "kind", "name", "parent", "place", "progress", "session", "spec", "verdict",
    )  # fmt: skip

    def __init__(
        self,
        session: Session,
        id: str,
        parent: str | None,
        name: str,
        spec: TaskSpec,
        args: bytes,
        digest: bytes,
        given: tuple[tuple[object, ...], dict[str, object]] | None,
    ) -> None:
        self.session = session
        self.id = id
        self.parent = parent
        self.name = name
        self.spec = spec
        self.args = args
        self.digest = digest
        self.given = given
        self.place = spec.place
        self.future: CallFuture | None = None
        self.body: Body | None = None
        self.progress: Progress = FIRST
        self.kind: EventType = _T.TASK_STARTED
        self.is_asked = False
        self.is_allowed = False
        self.is_cancelled = False
        self.is_known = False  # the log has a begin of it, or may have
        self.deaths = 0
        self.verdict: FluxError | None = None  # how the open attempt ended, as the daemon knows

    # ------------------------------------------------------------------ going on

    def advance(self) -> None:
        """Do what is to be done next. Nothing of the call runs."""
        step = next_step(
            self.progress,
            is_cancelled=self.is_cancelled,
            has_rollback=self.spec.rollback is not None,
            has_fallback=self.spec.fallback is not None,
        )
        if isinstance(step, Run):
            self._ask(step.begin)
        elif isinstance(step, Record):
            if self.is_allowed:
                self._conclude(step.fact)
            else:
                self._ask(_T.TASK_STARTED)

    def _ask(self, kind: EventType) -> None:
        if self.session.is_draining and self.parent is None:
            return
        self.kind = kind
        self.is_asked = True
        self.is_allowed = False
        spec = self.spec
        self.session.outbox.begin(
            self,
            Begin(
                NUMBERS[kind],
                self.id,
                self.name,
                self.progress.attempt,
                self.place,
                self.parent,
                self.digest,
                self.args if kind is _T.TASK_STARTED else None,
                spec.timeout,
                spec.exempt,
            ),
        )
        self.session.changed()

    def _conclude(self, fact: EventType) -> None:
        payload = None
        if fact is _T.TASK_FAILED and self.progress.later_error is not None:
            payload = self._later_failure(self.progress.later_error)
        self.session.record(self, fact, payload)

    def _later_failure(self, later: bytes) -> bytes:
        """The error of a rollback or fallback, raised from that of the attempt: neither hides the other."""
        classes = self.session.classes
        error = decode_error(later, classes)
        if self.progress.error is not None:
            error.__cause__ = decode_error(self.progress.error, classes)
        return encode_error(error, classes)

    def allowed(self) -> None:
        """The begin is durable: start its body, or go on without one if the end is decided already."""
        self.is_asked = False
        self.is_allowed = True
        self.is_known = True
        if self.session.is_closed:
            return
        verdict, self.verdict = self.verdict, None
        if verdict is not None and not self.is_cancelled:
            self.ended(Failed(verdict))
        elif self.is_cancelled and self.kind is not _T.TASK_ROLLBACK_STARTED:
            self.advance()
        elif self.progress.has_failed and self.kind is _T.TASK_STARTED:
            self._fail_again()
        else:
            self.body = self.session.start_body(self, self.kind)

    def _fail_again(self) -> None:
        """Note the end of an attempt of which the log has the failure already, and not what followed."""
        payload = self.progress.error or b"null"
        self.ended(Failed(decode_error(payload, self.session.classes), payload, is_final=True))

    # ------------------------------------------------------------------ the end of a body

    def ended(self, result: Result) -> None:
        """A body has ended: note how, then go on."""
        self.body = None
        if isinstance(result, Completed):
            self._completed(result)
        elif isinstance(result, Failed):
            self._failed(result)
        elif isinstance(result, Died):
            self.deaths += 1
            if self.deaths < MAX_DEATHS and not self.is_cancelled:
                self._ask(self.kind)
                return
            self._failed(Failed(self._crash(result), is_final=True))
        if self.progress.end is None:
            self.advance()

    def _completed(self, result: Completed) -> None:
        payload, value = result.payload, result.value
        is_decoded = payload is None and is_atomic(value)
        if payload is None:
            try:
                payload = encode(value, self.session.classes, root="result")
            except (PayloadTypeError, PayloadTooLarge) as error:
                self._failed(Failed(error, is_final=True))
                return
        self.session.record(self, FACT_OF_SUCCESS[self.kind], payload, None, value, is_decoded)

    def _failed(self, result: Failed) -> None:
        error, payload = result.error, result.payload
        if payload is None:
            payload = encode_error(error, self.session.classes)
        delay = None
        if self.kind is _T.TASK_STARTED and not self.is_cancelled and not result.is_final:
            delay = delay_after(self.spec.retry, self.progress.attempt, error, self.session.jitter())
        self.session.record(self, FACT_OF_FAILURE[self.kind], payload, delay)

    def _crash(self, death: Died) -> WorkerCrashed:
        how = death.signal or f"exit code {death.exit_code}"
        return WorkerCrashed(
            f"the process of {self.name!r} died {self.deaths} times in this attempt, the last time by {how}",
            signal=death.signal,
            exit_code=death.exit_code,
            peak_memory=death.peak_memory,
            deaths=self.deaths,
        )

    # ------------------------------------------------------------------ facts and inputs

    def apply(self, event: EventType, payload: bytes | None, due: int, value: object, is_decoded: bool) -> None:
        """Take in a fact or an input. `value`: what `payload` decodes to, if somebody knows it already."""
        if event in ENDS:
            self.progress = after(self.progress, event) if self.progress is not FIRST else _ENDED[event]
            self._settle(event, payload, value, is_decoded)
            return
        self.progress = after(self.progress, event, payload, due)
        if due:
            self.is_allowed = False
            self.session.open_retry(self, f"{self.id}@{self.progress.attempt}", due)

    def restore(self, facts: Iterable[Recorded]) -> None:
        """Take in what the log has of this call."""
        self.is_known = True
        for fact in facts:
            self.apply(BY_NUMBER[fact.type], fact.payload, due_after(fact), None, False)

    def retry_due(self) -> None:
        """The delay is over."""
        self.progress = after(self.progress, _T.TIMER_FIRED)

    def _settle(self, event: EventType, payload: bytes | None, value: object, is_decoded: bool) -> None:
        future, self.future = self.future, None
        if future is None or future.done():
            return
        if event is _T.TASK_CANCELLED or (event is _T.TASK_DENIED and self.is_cancelled):
            future.end_cancelled()
        elif event is _T.TASK_DENIED:
            future.set_exception(self._denial(payload))
        elif event is _T.TASK_FAILED:
            error = decode_error(payload or self.progress.error or b"null", self.session.classes)
            future.set_exception(_raisable(error))
        elif is_decoded:
            future.set_result(value)
        else:
            self._give(future, payload or self.progress.value or b"null")

    def _give(self, future: CallFuture, payload: bytes) -> None:
        try:
            value = decode(payload, self.session.classes)
        except PayloadTypeError as error:
            future.set_exception(error)
        else:
            future.set_result(value)

    def _denial(self, payload: bytes | None) -> TaskDenied:
        facts = decode(payload) if payload is not None else {}
        facts = facts if isinstance(facts, dict) else {}
        needed = facts.get("permission")
        return TaskDenied(
            f"task {self.name!r} needs {needed}, which {facts.get('principal')} does not have",
            principal=facts.get("principal"),
            permission=needed,
        )

    # ------------------------------------------------------------------ cancelling

    def cancel(self) -> bool:
        """Whether the call is over at once, since nothing of it ever began. Else it ends in its own time."""
        session = self.session
        if session.is_closed:
            return True
        if self.is_cancelled or self.progress.end is not None:
            return False
        self.is_cancelled = True
        if self.progress.due:
            session.close_wait(f"{self.id}@{self.progress.attempt}")
        if not session.is_live:
            return not self.is_known and self._vanish()
        if self.body is not None:
            self.body.cancel()
        elif self.is_asked:
            if not session.outbox.withdraw(self):
                return False
            self.is_asked = False
            if not self.is_known:
                return self._vanish()
            session.later(self)
        else:
            session.later(self)
        return False

    def _vanish(self) -> bool:
        self.session.forget(self)
        self.future = None
        self.progress = _ENDED[_T.TASK_CANCELLED]
        return True

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.progress.end is None

    @property
    def is_quiet(self) -> bool:
        """Whether only the daemon can move it: a delay, or a body that waits."""
        if self.body is not None:
            return self.body.is_parked
        return bool(self.progress.due) and not self.is_cancelled and not self.is_asked


_ENDED: Final = {event: after(FIRST, event) for event in ENDS}


def due_after(fact: Recorded) -> int:
    """When the attempt after a recorded failure begins; 0 if there is none."""
    delay = None if fact.detail is None else plain(fact.detail.encode()).get("delay")
    return 0 if delay is None else fact.instant + int(delay)


def _raisable(error: BaseException) -> BaseException:
    """`error`, or one that tells of it where raising it would mean something else."""
    if isinstance(error, _UNRAISABLE):
        name = type(error).__name__
        failed = TaskFailed(f"the body raised {name}: {error}", type=name, detail=str(error))
        failed.__cause__ = error
        return failed
    return error
