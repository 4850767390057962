"""Rows of the log."""

from dataclasses import replace

from flux.core.events import Event, EventType
from flux.store import events, executions
from flux.wire.frames import Recorded, pack_events, unpack_events
from tests.core.executions import an_event, an_execution

_T = EventType
WHOLE = Event(
    type=_T.TASK_STARTED,
    instant=1_700_000_000_123,
    sequence=3,
    position=3,
    call="a#1",
    parent="b#1",
    name="a",
    attempt=2,
    seen=1,
    digest=b"12345678",
    actor="p1",
    worker="w1",
    detail='{"delay":5}',
    payload=b'{"x":1}',
)


def test_an_event_comes_back_as_it_was_written(tx):
    """Every field of it, and those that say nothing."""
    bare = an_event(_T.WORKFLOW_WAITING, 4)
    events.append(tx, 1, [WHOLE, bare])

    assert events.of(tx, 1) == [WHOLE, bare]


def test_a_history_has_the_columns_that_workers_read(tx):
    """Rows go to the worker as they are: their columns are those of the frame."""
    events.append(tx, 1, [WHOLE])

    (recorded,) = unpack_events(pack_events(events.history(tx, 1)))

    for field in Recorded.__struct_fields__:
        assert getattr(recorded, field) == (20 if field == "type" else getattr(WHOLE, field))


def test_one_execution_is_read_in_pieces(tx):
    """After a position, at most so many; those of others are not among them."""
    events.append(tx, 1, [replace(WHOLE, position=position, sequence=position) for position in (1, 3, 5)])
    events.append(tx, 2, [replace(WHOLE, position=position, sequence=position) for position in (2, 4)])

    assert [event.position for event in events.of(tx, 1, after=1)] == [3, 5]
    assert [event.position for event in events.of(tx, 1, limit=2)] == [1, 3]
    assert [event.position for event in events.of(tx, 2)] == [2, 4]


def test_the_whole_log_names_whose_each_event_is(tx):
    """In the order of the log, whatever execution it belongs to."""
    executions.insert(tx, an_execution(key=1, id="E1"), None)
    executions.insert(tx, an_execution(key=2, id="E2"), None)
    events.append(tx, 1, [replace(WHOLE, position=1), replace(WHOLE, position=4)])
    events.append(tx, 2, [replace(WHOLE, position=2), replace(WHOLE, position=3)])

    found = events.everything(tx, after=1, limit=2)

    assert [(owner, event.position) for owner, event in found] == [("E2", 2), ("E2", 3)]


def test_the_newest_of_some_types_is_found(tx):
    """Or nothing, if none of them is there."""
    events.append(tx, 1, [an_event(_T.TASK_STARTED, 1), an_event(_T.TASK_STARTED, 2), an_event(_T.TIMER_FIRED, 3)])

    newest = events.last(tx, 1, "[20, 21]")

    assert newest is not None
    assert newest.sequence == 2
    assert events.last(tx, 1, "[21]") is None
    assert events.last(tx, 2, "[20]") is None


def test_what_tells_of_waits_is_found_without_the_rest(tx):
    """Every input and every pause that was opened: enough to say what an execution waits for."""
    wanted = [
        _T.PAUSE_OPENED, _T.PAUSE_CLOSED, _T.TIMER_FIRED, _T.WORKFLOW_CANCELLING, _T.TASK_DENIED,
    ]  # fmt: skip
    events.append(tx, 1, [an_event(kind, number) for number, kind in enumerate(EventType, 1)])

    assert {event.type for event in events.waits_of(tx, 1)} == set(wanted)


def test_last_numbers_of_an_empty_log_are_0(tx):
    """The next ones are 1."""
    assert (events.last_position(tx), events.last_sequence(tx, 1)) == (0, 0)


def test_positions_count_in_the_log_and_sequences_in_one_execution(tx):
    """The two are never mixed."""
    events.append(tx, 1, [an_event(_T.TASK_STARTED, 1, position=7), an_event(_T.TASK_STARTED, 2, position=9)])
    events.append(tx, 2, [an_event(_T.TASK_STARTED, 1, position=8)])

    assert events.last_position(tx) == 9
    assert (events.last_sequence(tx, 1), events.last_sequence(tx, 2)) == (2, 1)
