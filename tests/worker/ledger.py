"""The log of one execution as a daemon keeps it: what it does with a report, as strict as the engine.

The state machine of `core.execution` checks that every event may follow. A report that breaks the protocol
fails the test.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from flux import codec
from flux.codec import ClassIndex
from flux.core.events import ABANDONED, BEGINS, BY_NUMBER, ENDS_A_BODY, FACTS, NUMBERS, Event, EventType
from flux.core.execution import Execution, State, Wait, fold
from flux.wire.frames import Ack, Report, Waiting

T = EventType
ENDS = frozenset({T.WORKFLOW_COMPLETED, T.WORKFLOW_FAILED, T.WORKFLOW_CANCELLED})
ASLEEP = frozenset({State.PAUSED, State.WAITING})

Row = tuple[object, ...]


@dataclass(frozen=True)
class Accepted:
    """What a report led to: the answer, the inputs to send, the waits that it opened."""

    ack: Ack
    inputs: list[Event]
    opened: list[Waiting]


class Ledger:
    """One execution and its events. Instants are arguments."""

    def __init__(self, workflow: str, input: object, classes: ClassIndex, now: int, denied: Collection[str]) -> None:
        self.events: list[Event] = []
        self.handle = 0
        self._denied = denied
        self.execution = Execution(
            id="E1", namespace="default", name=workflow, version="d", principal="p", bodies={}, waits={}
        )
        self.add(Event(type=T.WORKFLOW_QUEUED, instant=now, payload=codec.encode(input, classes)))

    def add(self, *events: Event, waits: Mapping[str, Wait] | None = None, **changes: object) -> None:
        """Append events. `waits`: all of them, if they are not what the events say."""
        first = self.execution.sequence + 1
        numbered = [replace(event, sequence=sequence) for sequence, event in enumerate(events, first)]
        after = fold(self.execution, numbered)
        self.events += numbered
        self.execution = after.changed(waits=after.waits if waits is None else waits, **changes)

    def unload(self) -> None:
        """Note that no worker has it; nothing happened to it."""
        self.execution = self.execution.changed(worker=None, bodies={})

    @property
    def is_asleep(self) -> bool:
        """Whether it rests, and something may wake it."""
        return self.execution.state in ASLEEP

    @property
    def end(self) -> Event | None:
        """How it ended."""
        return self.events[-1] if self.events[-1].type in ENDS else None

    def of(self, *types: EventType) -> list[Event]:
        """The events of these types."""
        return [event for event in self.events if event.type in types]

    @property
    def steps(self) -> list[str]:
        """The log in words: `TASK_STARTED charge#1`."""
        return [f"{event.type} {event.call}" if event.call else str(event.type) for event in self.events]

    def rows(self, *, whole: bool = True) -> list[Row]:
        """The log as `History` carries it; with or without its end."""
        return [_row(event) for event in self.events if whole or event.type not in ENDS]

    # ------------------------------------------------------------------ reports

    def accept(self, report: Report, now: int) -> Accepted:
        """Write a report."""
        execution = self.execution
        assert report.n == execution.reports + 1, f"report {report.n} after {execution.reports}"
        token = f"token-{report.fence}"
        assert report.token == token if report.n == 1 else report.handle == self.handle or report.token == token
        events = [*self._facts(report), *self._begins(report, now)]
        denied = [index for index, event in enumerate(events[len(report.facts) :]) if event.type is T.TASK_DENIED]
        paused, waits, opened = self._waits(report, now)
        events += paused
        numbers = [execution.sequence + n for n, event in enumerate(events, 1) if event.type is T.TASK_DENIED]
        last, refused = self._rest(report, max([execution.input_sequence, *numbers]), waits, now)
        events += last
        ended = any(event.type in ENDS for event in last)
        self.add(*events, waits={} if ended else waits, reports=report.n)
        sequence = self.execution.sequence
        ack = Ack("E1", report.fence, report.n, sequence, self.handle, tuple(denied), refused)
        new = self.events[len(self.events) - len(events) :]
        return Accepted(ack, [event for event in new if event.type is T.TASK_DENIED], opened)

    def _facts(self, report: Report) -> list[Event]:
        running = dict(self.execution.bodies)
        ended: dict[str, EventType] = {}
        events: list[Event] = []
        for fact in report.facts:
            kind = BY_NUMBER[fact.type]
            assert kind in FACTS
            if running.get(fact.call) == fact.attempt and kind in ENDS_A_BODY:
                del running[fact.call]
            else:
                assert fact.call not in running, f"{kind} of {fact.call}, which runs"
                assert _may_follow(kind, ended.get(fact.call)), f"{kind} of {fact.call} after {ended.get(fact.call)}"
            ended[fact.call] = kind
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

    def _begins(self, report: Report, now: int) -> list[Event]:
        events: list[Event] = []
        for begin in report.begins:
            kind = BY_NUMBER[begin.type]
            assert kind in BEGINS
            event = Event(
                type=kind,
                instant=now,
                call=begin.call,
                parent=begin.parent,
                name=begin.name,
                attempt=begin.attempt,
                digest=begin.digest,
                payload=begin.args,
            )
            if begin.name in self._denied:
                told = codec.encode({"principal": "p", "permission": f"task:{begin.name}", "task": begin.name})
                event = replace(event, type=T.TASK_DENIED, digest=None, payload=told)
            events.append(event)
        return events

    def _waits(self, report: Report, now: int) -> tuple[list[Event], dict[str, Wait], list[Waiting]]:
        waits, events, opened = dict(self.execution.waits), [], []
        for change in report.waits:
            if not change.open:
                if waits.pop(change.call, None) is not None and change.kind == "pause":
                    events.append(Event(type=T.PAUSE_CLOSED, instant=now, call=change.call, detail=ABANDONED))
                continue
            waits[change.call] = Wait(kind=change.kind, due=change.due, parent=change.parent, name=change.name)
            opened.append(change)
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
        return events, waits, opened

    def _rest(self, report: Report, newest: int, waits: Mapping[str, Wait], now: int) -> tuple[list[Event], bool]:
        """The event of an `end` or `idle` that holds, and whether one was refused."""
        end, idle = report.end, report.idle
        told = end or idle
        if told is None:
            return [], False
        if told.seen < newest:
            return [], True
        if end is not None:
            kind = BY_NUMBER[end.type]
            if self.execution.state is State.CANCELLING and kind is T.WORKFLOW_COMPLETED:
                kind = T.WORKFLOW_CANCELLED
            return [Event(type=kind, instant=end.instant, seen=end.seen, detail=end.detail, payload=end.payload)], False
        assert waits, "rests, but waits for nothing"
        if self.execution.state is not State.RUNNING:
            return [], False
        is_paused = any(wait.kind == "pause" for wait in waits.values())
        return [Event(type=T.WORKFLOW_PAUSED if is_paused else T.WORKFLOW_WAITING, instant=now)], False


def _may_follow(kind: EventType, before: EventType | None) -> bool:
    """Whether a fact that ends no body may stand after `before`, of the same call in the same report."""
    if kind is T.TASK_COMPLETED:
        return before is T.TASK_FALLBACK_COMPLETED
    return kind in (T.TASK_FAILED, T.TASK_CANCELLED) and before is not None


def _row(event: Event) -> Row:
    return (
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


def count_of_facts(events: Iterable[Event]) -> int:
    """How many of them are facts."""
    return sum(event.type in FACTS for event in events)
