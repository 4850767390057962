"""Types of events: their numbers stand in files for ever, their groups decide about replay."""

import pytest

from flux.core.events import ABANDONED, BEGINS, BY_NUMBER, ENDS_A_BODY, FACTS, INPUTS, NUMBERS, EventType, is_input
from tests.core.executions import an_event

# As released. A line may be added; none may ever change or be used again. 8 and 13-19 are free for changes of state.
PINNED = {
    1: "WORKFLOW_QUEUED",
    2: "WORKFLOW_STARTED",
    3: "WORKFLOW_PAUSED",
    4: "WORKFLOW_RESUMED",
    5: "WORKFLOW_WAITING",
    6: "WORKFLOW_WOKEN",
    7: "WORKFLOW_RECOVERED",
    9: "WORKFLOW_CANCELLING",
    10: "WORKFLOW_CANCELLED",
    11: "WORKFLOW_COMPLETED",
    12: "WORKFLOW_FAILED",
    20: "TASK_STARTED",
    21: "TASK_COMPLETED",
    22: "TASK_FAILED",
    23: "TASK_CANCELLED",
    24: "TASK_DENIED",
    25: "TASK_ATTEMPT_FAILED",
    26: "TASK_FALLBACK_STARTED",
    27: "TASK_FALLBACK_COMPLETED",
    28: "TASK_FALLBACK_FAILED",
    29: "TASK_ROLLBACK_STARTED",
    30: "TASK_ROLLBACK_COMPLETED",
    31: "TASK_ROLLBACK_FAILED",
    40: "PAUSE_OPENED",
    41: "PAUSE_CLOSED",
    42: "TIMER_FIRED",
}


def test_numbers_never_change():
    """They stand in the files of users: another meaning would turn their history into another one."""
    assert {number: str(kind) for kind, number in NUMBERS.items()} == PINNED


def test_every_type_has_one_number_and_every_number_one_type():
    """What is written can be read."""
    assert set(NUMBERS) == set(EventType)
    assert {NUMBERS[kind]: kind for kind in EventType} == BY_NUMBER


def test_types_are_called_what_their_text_says():
    """The text goes to clients, the name stands in the code: one word for a thing."""
    assert all(kind.name == kind.value for kind in EventType)


def test_nothing_is_both_reported_and_sent():
    """A worker reports facts and begins, the daemon sends inputs; replay tells them apart by their type."""
    assert not BEGINS & FACTS
    assert not FACTS & INPUTS
    assert not INPUTS & BEGINS


def test_only_the_end_of_a_call_ends_no_body():
    """TASK_FAILED follows the fact that ended the last body; every other fact ends the one it names."""
    assert {EventType.TASK_FAILED} == FACTS - ENDS_A_BODY


@pytest.mark.parametrize("kind", EventType, ids=str)
def test_inputs_are_what_the_daemon_sends(kind):
    """Pauses, timers, cancels and denials, and nothing else."""
    sent = {"PAUSE_CLOSED", "TIMER_FIRED", "WORKFLOW_CANCELLING", "TASK_DENIED"}

    assert is_input(an_event(kind)) is (kind in sent)


def test_a_pause_that_the_workflow_gave_up_is_no_input():
    """The workflow knows already: there is nothing to deliver."""
    assert not is_input(an_event(EventType.PAUSE_CLOSED, detail=ABANDONED))
