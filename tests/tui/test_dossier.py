"""Everything known of one execution, and how it is written."""

from tui import dossier as dossiers
from tui.dossier import MISSING, Dossier
from tui.format import UNICODE, plain
from tui.records import fact

from .recorded import NOON, Story, an_error, told
from .stories import completed, failed_order, paused_invoice, running_etl


def dossier_of(story: Story) -> Dossier:
    """The dossier of a story, with all of its events."""
    events = [fact(told(story, number, raw)) for number, raw in enumerate(story.events, 1)]
    return dossiers.told(dossiers.opened(story.view()), story.view(), events)


def test_what_went_in_and_came_out_of_the_execution() -> None:
    """An output that is not there yet is told apart from one that is null."""
    assert [(s.title, s.value) for s in dossiers.sections(dossier_of(running_etl()), "")] == [
        ("INPUT", {"date": "2026-11-21", "parts": 64}),
        ("OUTPUT", MISSING),
    ]
    assert dossiers.sections(dossier_of(completed(1, 0)), "")[1].value == {"shipped": True, "parcel": "P-1"}


def test_open_pauses_show_what_they_ask() -> None:
    """First of all: somebody has to answer."""
    section = dossiers.sections(dossier_of(paused_invoice()), "")[0]

    assert section.title == "PAUSE approve"
    assert section.value == {"invoice": "INV-7731", "amount": "1890.00", "reason": "above the limit of 1000"}


def test_arguments_and_result_of_a_call() -> None:
    """Positional arguments as a list, keywords as an object."""
    found = dossiers.sections(dossier_of(failed_order()), "reserve_stock#1")

    assert [(s.title, s.value) for s in found] == [
        ("ARGUMENTS", ["BX-7", 2]),
        ("RESULT", {"reserved": 2, "until": "2026-11-22T13:00:00Z"}),
    ]


def test_the_error_of_a_call_is_that_of_its_last_attempt() -> None:
    """TASK_FAILED carries none of its own where the attempt's says it all."""
    found = dossiers.failed(dossier_of(failed_order()), "charge_card#1")

    assert found is not None
    assert found.type == "CardDeclined"
    assert dossiers.failed(dossier_of(failed_order()), "reserve_stock#1") is None


def test_an_error_is_written_with_its_causes() -> None:
    """What, where, the traceback, then what caused it; nothing in it can move the cursor."""
    story = failed_order()
    cause = an_error("Inner", "first\nsecond\x1b[2J")
    found = dossiers.failed(dossier_of(story), "")
    assert found is not None

    texts = [plain(line) for line in dossiers.error_lines(found)]

    assert texts[0] == "CardDeclined: 402 payment required"
    assert texts[1] == "in charge_card (charge_card#1), 3 attempts"
    assert '  File "orders.py", line 88, in charge_card' in texts
    assert texts[texts.index("caused by") + 1].startswith("HTTPStatusError: ")
    view = {**story.view(), "error": an_error("Outer", "", cause=cause)}
    shown = [plain(line) for line in dossiers.error_lines(dossiers.opened(view).failure or found)]
    assert shown == ["Outer", "", "caused by", "Inner: first", "second\\x1b[2J"]


def test_the_summary_says_state_version_time_and_place() -> None:
    """On one line, the state first."""
    text = plain(dossiers.summary(dossier_of(failed_order()), NOON, UNICODE))

    assert text.startswith("✗ FAILED  order_fulfil  @3f9c1e7")
    assert "took 4.1s" in text
    assert "queued 80ms" in text
    assert "worker w1" in text


def test_what_runs_is_told_as_going_on() -> None:
    """By the second while it runs; what only waits is told coarsely, so that an idle screen stays still."""
    assert "for 2m02s" in plain(dossiers.summary(dossier_of(running_etl()), NOON, UNICODE))
    assert "for 3h  " in plain(dossiers.summary(dossier_of(paused_invoice()), NOON, UNICODE))


def test_why_is_broken_at_spaces_and_cut_at_the_last_line() -> None:
    """The sentence is the first thing to read."""
    lines = dossiers.why_lines(dossier_of(failed_order()).row, 60, 2)

    assert len(lines) == 2
    assert plain(lines[0]).startswith("WHY   charge_card failed after 3 attempts")


def test_events_that_come_later_are_added() -> None:
    """The view is replaced, the log grows."""
    story = failed_order()
    known = dossier_of(story)

    more = dossiers.told(known, story.view(), [])

    assert more.facts == known.facts
    assert more.position == len(story.events)
