"""The recorded history of one execution, indexed for replay, and whether the code still fits it.

A report was accepted whole, its facts stand before its begins, and whatever the workflow did before a
report left is in that report. From this follows what the log must contain, and what it must not:

  * before a fact is delivered, everything that the log has begun before it has been called;
  * the call that a fact is about is open;
  * a call that was made before some fact, and is open still, stands in the log before the next fact that
    follows a begin: between the two its report was accepted. Only calls of the last report may be missing.

What breaks one of these rules is another program than the one that wrote the log: `NonDeterminismError`.

Calls made inside bodies are apart: bodies are not replayed but run again, and find the outcomes of their
calls here by id and digest. `Nested` keeps them.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from flux.codec import plain
from flux.core.events import ABANDONED, BEGINS, BY_NUMBER, FACTS, INPUTS, EventType
from flux.errors import FluxError, NonDeterminismError, TaskTimeout
from flux.wire.frames import Recorded
from flux.worker.calls import Call
from flux.worker.nested import Nested

_T: Final = EventType
_MARKS: Final = BEGINS | {_T.TASK_DENIED, _T.PAUSE_OPENED}


class Made(Protocol):
    """A call or pause that the program has made."""

    id: str

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        ...


@dataclass(frozen=True, slots=True)
class Mark:
    """The first record of a call or pause: where, and what was asked for."""

    id: str
    sequence: int
    name: str | None
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class Step:
    """A recorded fact, and how many facts stand before the newest begin that stands before it."""

    fact: Recorded
    type: EventType
    bound: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the daemon knows of an attempt that held its worker's loop until the worker was ended."""

    cause: str
    attempt: int

    def error(self, call: Call) -> FluxError:
        """What the attempt fails with."""
        if self.cause == "timeout":
            seconds = call.spec.timeout / 1000
            return TaskTimeout(f"the body of {call.name!r} ran longer than {seconds:g} s and held its worker")
        return TaskTimeout(
            f"the body of {call.name!r} held its worker without an await; use `def` instead of `async def` for what "
            "blocks, it then runs in a process of its own"
        )


@dataclass(slots=True)
class Journal:
    """What the log says, in the order in which it is to be delivered.

    `rested`: the sequence at which it last came to rest, having seen every input before.
    """

    input: bytes | None = None
    started: int = 0
    sequence: int = 0
    steps: list[Step] = field(default_factory=list)
    inputs: deque[Recorded] = field(default_factory=deque)
    newest_input: int = 0
    rested: int = 0
    marks: dict[str, Mark] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)
    nested: Nested = field(default_factory=Nested)
    opening: list[tuple[EventType, int, int]] = field(default_factory=list)
    _late: deque[Recorded] = field(default_factory=deque)
    _order: deque[Mark] = field(default_factory=deque)
    _made: set[str] = field(default_factory=set)
    _fresh: deque[tuple[int, Made]] = field(default_factory=deque)
    _delivered: int = 0
    _bound: int = 0
    _names: dict[str, str] = field(default_factory=dict)

    # ------------------------------------------------------------------ reading

    def read(self, events: Iterable[Recorded]) -> None:
        """Take in the next part of the log."""
        for event in events:
            kind = BY_NUMBER.get(event.type)
            self.sequence = event.sequence
            if kind in FACTS:
                self._read_fact(event, kind)
            elif kind in _MARKS:
                self._read_mark(event, kind)
            if kind in INPUTS and event.detail != ABANDONED:
                self.inputs.append(event)
                self.newest_input = event.sequence
            self._read_other(event, kind)

    def _read_fact(self, event: Recorded, kind: EventType) -> None:
        self.steps.append(Step(event, kind, self._bound))
        if event.parent is not None:
            self.nested.fact(event)

    def _read_mark(self, event: Recorded, kind: EventType) -> None:
        self._bound = len(self.steps)
        if event.call is None:
            return
        if event.parent is not None:
            self.nested.mark(event, kind)
        elif event.call not in self.marks:
            mark = Mark(event.call, event.sequence, event.name, event.digest)
            self.marks[event.call] = mark
            self._order.append(mark)
        if kind in BEGINS:
            self.verdicts.pop(event.call, None)
            if event.name is not None:
                self._names[event.call] = event.name

    def _read_other(self, event: Recorded, kind: EventType | None) -> None:
        if kind is _T.WORKFLOW_STARTED:
            if not self.started:
                self.started = event.instant
                self.opening.append((kind, event.sequence, event.instant))
        elif kind is _T.WORKFLOW_QUEUED:
            self.input = event.payload
            self.opening.append((kind, event.sequence, event.instant))
        elif kind is _T.WORKFLOW_PAUSED or kind is _T.WORKFLOW_WAITING:
            self.rested = event.sequence
        elif kind is _T.WORKFLOW_RECOVERED and event.detail is not None:
            self._read_verdict(event.detail)
        elif kind is _T.PAUSE_CLOSED and event.detail == ABANDONED and event.call is not None:
            self.nested.abandoned(event.call)

    def _read_verdict(self, detail: str) -> None:
        told = plain(detail.encode())
        call, cause = told.get("call"), told.get("cause")
        if isinstance(call, str) and cause in ("timeout", "blocked"):
            self.verdicts[call] = Verdict(cause, int(told.get("attempt", 0)))
            if cause == "blocked" and call in self._names:
                self.blocked.add(self._names[call])

    @property
    def has_run(self) -> bool:
        """Whether the log shows that the workflow's body has begun before."""
        return bool(self.rested or self.steps or self.marks)

    # ------------------------------------------------------------------ replay

    def made(self, made: Made) -> Mark | None:
        """What the log says of a call or pause that the program makes now; None: nothing."""
        self._made.add(made.id)
        mark = self.marks.get(made.id)
        self._fresh.append((self._delivered, made))
        return mark

    def inputs_until(self, sequence: int) -> Iterable[Recorded]:
        """The recorded inputs up to `sequence` that have not been delivered."""
        while self.inputs and self.inputs[0].sequence <= sequence:
            yield self.inputs.popleft()

    def late(self, event: Recorded) -> None:
        """Take in an input that came while the history was read or replayed."""
        self._late.append(event)
        self.newest_input = max(self.newest_input, event.sequence)

    def replayed(self) -> None:
        """Forget what has been delivered; what bodies may still ask for stays."""
        self.steps = []
        self.marks = {}
        self._made = set()
        self._fresh.clear()

    def remaining_inputs(self) -> Iterable[Recorded]:
        """The inputs after the last fact, with those that came late; the history may have brought them too."""
        while self.inputs:
            yield self.inputs.popleft()
        while self._late:
            event = self._late.popleft()
            if event.sequence > self.sequence:
                yield event

    def check(self, step: Step) -> None:
        """Check that the program has done all that the log says before `step`, and nothing else.

        Raises:
            NonDeterminismError: it has not.
        """
        sequence = step.fact.sequence
        while self._order and self._order[0].sequence < sequence:
            self._check_made(self._order.popleft())
        while self._fresh and self._fresh[0][0] < step.bound:
            _, made = self._fresh.popleft()
            mark = self.marks.get(made.id)
            if made.is_open and (mark is None or mark.sequence > sequence):
                self._diverge(made.id, "something else", made.id)
        self._delivered += 1

    def check_end(self) -> None:
        """Check that the program has made every recorded call, now that everything is delivered."""
        while self._order:
            self._check_made(self._order.popleft())

    def judge(self, call: Call) -> None:
        """Tell an open call what the daemon knows of its attempt."""
        verdict = self.verdicts.pop(call.id, None)
        if verdict is not None and verdict.attempt == call.progress.attempt:
            call.verdict = verdict.error(call)

    def diverged_at(self, step: Step) -> NonDeterminismError:
        """The error for a fact about a call that the program has not made, or that has ended in it."""
        call = step.fact.call or ""
        return self._error(call, f"{step.type} of {call}", self._latest() or "nothing that is open")

    def _check_made(self, mark: Mark) -> None:
        if mark.id not in self._made:
            self._diverge(mark.id, mark.id, self._latest() or "nothing more")

    def _latest(self) -> str | None:
        """The newest call that the log does not know, if there is one."""
        return next((made.id for _, made in reversed(self._fresh) if made.id not in self.marks), None)

    def _diverge(self, place: str, recorded: str, found: str) -> None:
        raise self._error(place, recorded, found)

    @staticmethod
    def _error(place: str, recorded: str, found: str) -> NonDeterminismError:
        return NonDeterminismError(
            f"the workflow's code no longer fits its log: at {place} the log has {recorded}, the code has {found}",
            place=place,
            recorded=recorded,
            found=found,
        )
