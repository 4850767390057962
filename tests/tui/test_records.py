"""What the daemon's JSON becomes."""

from tui import records

from .recorded import NOON, told
from .stories import every_state, failed_order, paused_invoice


def test_an_execution_view_becomes_a_row() -> None:
    """Instants and durations are milliseconds; the namespace `default` goes without saying."""
    found = records.row(failed_order().list_view())

    assert (found.workflow, found.state, found.duration) == ("order_fulfil", "FAILED", 4100)
    assert (found.created, found.finished) == (NOON - 12_000, NOON - 12_000 + 4100)
    assert found.is_final


def test_open_pauses_come_with_their_output() -> None:
    """It is what the person who answers has to see."""
    (pause,) = records.row(paused_invoice().list_view()).pauses

    assert (pause.name, pause.call) == ("approve", "pause:approve#1")
    assert isinstance(pause.output, dict)


def test_what_is_missing_or_strange_becomes_empty() -> None:
    """An older or newer daemon must not break the list."""
    found = records.row({"execution_id": 7, "state": "DREAMING", "created_at": "yesterday", "pauses": {"a": 1}})

    assert (found.id, found.state, found.created, found.pauses, found.duration) == ("", "DREAMING", 0, (), None)
    assert records.page({}) == records.Page(rows=(), cursor=None, position=None, count=0)
    assert records.failure(None) is None


def test_causes_of_an_error_are_kept() -> None:
    """The first error of the chain is usually the interesting one."""
    found = records.failure(failed_order().error)

    assert found is not None
    assert found.cause is not None
    assert (found.type, found.cause.type) == ("CardDeclined", "HTTPStatusError")


def test_an_event_view_becomes_a_fact() -> None:
    """With its place in the log and in the execution."""
    story = failed_order()

    found = records.fact(told(story, 8, story.events[7]))

    assert (found.type, found.sequence, found.call, found.attempt) == ("TASK_ATTEMPT_FAILED", 8, "charge_card#1", 1)
    assert found.detail == {"delay": 500}


def test_how_long_it_took_is_known_in_every_state() -> None:
    """From the start, or from the submission while it has not started."""
    for story in every_state():
        assert records.row(story.list_view()).length(NOON) >= 0
