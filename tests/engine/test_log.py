"""Appending to a log: numbered without gaps, folded before it is written."""

import pytest

from flux.core.events import EventType
from flux.core.execution import Execution, State
from flux.engine.live import Live, Overlay
from flux.engine.log import Log
from flux.errors import IllegalTransition
from flux.store import events, executions
from flux.store.database import Database, Transaction
from tests.core.executions import a_new_execution

_T = EventType


@pytest.fixture
def database() -> Database:
    """An empty database."""
    return Database.in_memory()


@pytest.fixture
def tx(database: Database) -> Transaction:
    """A transaction at the instant 1000."""
    return database.begin(1_000)


@pytest.fixture
def live(database: Database) -> Overlay:
    """What a call may change."""
    return Overlay.above(Live.of(database.reader, slots=1))


@pytest.fixture
def execution(tx: Transaction, live: Overlay) -> Execution:
    """An execution that was just made."""
    log = Log(tx, live, a_new_execution())
    log.add(_T.WORKFLOW_QUEUED)
    return log.create('{"a":"b"}')


def test_a_new_execution_is_row_and_event(tx: Transaction, live: Overlay, execution: Execution):
    """Its first event, with the instant of the transaction."""
    (first,) = events.of(tx, execution.key)

    assert (first.sequence, first.position, first.instant) == (1, 1, 1_000)
    assert executions.get(tx, execution.id) == execution
    assert executions.labels(tx, execution.key) == '{"a":"b"}'
    assert live.known(execution.id) == execution


def test_sequence_and_position_grow_by_one(tx: Transaction, live: Overlay, execution: Execution):
    """Whatever else is written in between; `add` says which sequence it gave."""
    live.numbers.position = 40
    log = Log(tx, live, execution)
    given = [log.add(_T.WORKFLOW_STARTED, attempt=1, worker="w1"), log.add(_T.TASK_STARTED, call="a#1", instant=7)]
    log.write()

    found = events.of(tx, execution.key)[1:]
    assert given == [2, 3]
    assert [(event.sequence, event.position, event.instant) for event in found] == [(2, 41, 1_000), (3, 42, 7)]


def test_what_cannot_follow_is_not_written(tx: Transaction, live: Overlay, execution: Execution):
    """Nothing of it: neither the events before it nor the row."""
    log = Log(tx, live, execution)
    log.add(_T.WORKFLOW_STARTED, attempt=1, worker="w1")
    log.add(_T.WORKFLOW_RESUMED)

    with pytest.raises(IllegalTransition):
        log.write()

    assert len(events.of(tx, execution.key)) == 1
    assert executions.get(tx, execution.id) == execution


def test_the_row_is_written_when_it_differs(tx: Transaction, live: Overlay, execution: Execution):
    """A task's begin and end touch the log alone: that is most of what is ever written."""
    log = Log(tx, live, execution)
    log.add(_T.WORKFLOW_STARTED, attempt=1, worker="w1")
    started = log.write()
    log.add(_T.TASK_STARTED, call="a#1", attempt=1)
    log.add(_T.TASK_COMPLETED, call="a#1", attempt=1)
    after = log.write(reports=1)

    row = executions.get(tx, execution.id)
    assert (row.state, row.sequence, row.worker) == (State.RUNNING, 2, "w1")
    assert (started.sequence, after.sequence, after.reports) == (2, 4, 1)


def test_totals_are_told_of_changes_of_state_only(tx: Transaction, live: Overlay, execution: Execution):
    """Made and started, and nothing for a task."""
    log = Log(tx, live, execution)
    log.add(_T.WORKFLOW_STARTED, attempt=1, worker="w1")
    log.write()
    log.add(_T.TASK_STARTED, call="a#1", attempt=1)
    log.write()

    place = execution.namespace, execution.name
    assert live.moves == {(State.QUEUED, *place): 0, (State.RUNNING, *place): 1}


def test_listeners_get_what_was_written_in_its_order(tx: Transaction, live: Overlay, execution: Execution):
    """With whose it is."""
    log = Log(tx, live, execution)
    log.add(_T.WORKFLOW_STARTED, attempt=1, worker="w1")
    log.write()

    assert [(owner, event.type) for owner, event in live.appended] == [
        (execution.id, _T.WORKFLOW_QUEUED),
        (execution.id, _T.WORKFLOW_STARTED),
    ]
