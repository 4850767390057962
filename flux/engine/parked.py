"""Executions that are rows only: how one becomes a record with its waits again."""

from flux.core.events import EventType, is_input
from flux.core.execution import Execution, Wait
from flux.store import events, executions, timers
from flux.store.database import Reader


def load(reader: Reader, identity: str) -> Execution:
    """The execution `identity` as the file knows it: its row, its open pauses, its open timers.

    Raises:
        NotFound: there is none.
    """
    row = executions.get(reader, identity)
    return complete(reader, row)


def complete(reader: Reader, row: Execution) -> Execution:
    """`row` with what only the log and the timers tell: sequence, newest input, waits."""
    waits: dict[str, Wait] = {}
    newest_input = 0
    for event in events.waits_of(reader, row.key):
        if is_input(event):
            newest_input = event.sequence
        if event.type is EventType.PAUSE_OPENED and event.call is not None:
            waits[event.call] = Wait(
                kind="pause", opened=event.instant, parent=event.parent, name=event.name, output=event.payload
            )
        elif event.call is not None:
            waits.pop(event.call, None)
    if row.is_final:
        waits.clear()
    for timer in timers.of(reader, row.key):
        waits[timer.call] = Wait(kind="timer", due=timer.due, opened=timer.opened, parent=timer.parent)
    return row.changed(
        waits=waits,
        input_sequence=newest_input,
        sequence=events.last_sequence(reader, row.key),
    )
