"""Builders of executions and events, for tests of the rules."""

from dataclasses import replace

from flux.core.events import Event, EventType
from flux.core.execution import Execution, State, Wait

NOW = 1_700_000_000_000


def an_execution(**changes: object) -> Execution:
    """An execution of `billing/invoice`; QUEUED, if nobody says otherwise."""
    made = Execution(
        id="01HEXECUTION",
        namespace="billing",
        name="invoice",
        version="d1",
        principal="p1",
        key=1,
        sequence=1,
        created=NOW,
        updated=NOW,
        bodies={},
        waits={},
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # a builder of values


def a_new_execution() -> Execution:
    """One whose first event is still to come."""
    return an_execution(sequence=0, created=0, updated=0)


def standing_in(state: State | None) -> Execution:
    """An execution in this state; None: before its first event."""
    return a_new_execution() if state is None else an_execution(state=state)


def an_event(kind: EventType, sequence: int = 2, **changes: object) -> Event:
    """An event of this type, a second after the execution was made."""
    return replace(Event(type=kind, instant=NOW + 1_000, sequence=sequence, position=sequence), **changes)  # type: ignore[arg-type]  # a builder of values


def a_pause(name: str = "ship", opened: int = NOW) -> Wait:
    """An open pause."""
    return Wait(kind="pause", opened=opened, name=name)


def a_timer(due: int) -> Wait:
    """An open timer."""
    return Wait(kind="timer", opened=NOW, due=due)
