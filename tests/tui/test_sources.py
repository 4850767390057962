"""What scrolling lists show, and by what they know a line."""

from dataclasses import replace

from tui import gantt, model
from tui.format import UNICODE, plain
from tui.lanes import lanes
from tui.model import View
from tui.sources import ExecutionLines, FactLines, LaneLines, text_lines

from .builders import a_row
from .recorded import NOON, Story
from .stories import failed_order, paused_invoice, running_etl
from .test_dossier import dossier_of
from .test_model import a_page


def lines_of(view: View, now: int = NOON) -> ExecutionLines:
    """The lines of a view."""
    return ExecutionLines(view=view, now=now, glyphs=UNICODE)


def test_an_execution_that_changes_has_another_key() -> None:
    """And only then: everything else on the screen stays as it was drawn."""
    view = model.begin(View(), a_page([a_row(1, state="COMPLETED", duration=5), a_row(2)]))
    changed = model.apply(view, [a_row(2, why="running charge", sequence=2)])

    assert lines_of(view).key(0) != lines_of(changed).key(0)
    assert lines_of(view).key(1) == lines_of(changed).key(1)


def test_time_changes_only_what_shows_time() -> None:
    """A second later only what runs looks different."""
    done = a_row(1, state="COMPLETED", duration=5, created=NOON - 90_000)
    view = model.begin(View(), a_page([done, a_row(2)]))

    assert lines_of(view).key(0) != lines_of(view, NOON + 1000).key(0)
    assert lines_of(view).key(1) == lines_of(view, NOON + 1000).key(1)


def test_old_data_looks_different() -> None:
    """What was true once is dim."""
    view = model.begin(View(), a_page([a_row(1)]))
    stale = replace(lines_of(view), stale=True)

    assert stale.key(0) != lines_of(view).key(0)
    assert {role for _, role in stale.line(0, 100)} == {"dim"}


def lanes_of(story: Story, now: int) -> LaneLines:
    """The lines of its timeline at `now`."""
    found = dossier_of(story)
    lines, seen = lanes(found.timeline), gantt.window(found.row.created, found.row.finished, now)
    return LaneLines(lanes=lines, window=seen, glyphs=UNICODE, shape=gantt.layout(lines, seen, 80, UNICODE))


def test_only_lanes_that_run_change_with_time() -> None:
    """A long timeline is not drawn anew each second; one that only waits stays as it is."""
    before, after = (lanes_of(running_etl(), now) for now in (NOON, NOON + 1000))
    assert {index for index in range(len(before)) if before.key(index) != after.key(index)} <= {0, 3}

    before, after = (lanes_of(paused_invoice(), now) for now in (NOON, NOON + 1000))
    assert [index for index in range(len(before)) if before.key(index) != after.key(index)] == []


def test_an_event_says_when_what_and_where() -> None:
    """The time of day where there is room, the time since the submission where there is not."""
    found = dossier_of(failed_order())
    lines = FactLines(facts=found.facts, created=found.row.created, glyphs=UNICODE)

    assert plain(lines.line(1, 80)) == "   2 11:59:48.080  workflow started         w1"
    assert plain(lines.line(9, 60)).split() == ["10", "+1.3s", "task", "started", "charge_card#1", "try", "2"]


def test_text_is_broken_to_the_width() -> None:
    """Lines after the first are indented."""
    lines = text_lines([(("one two three four", ""),)], 10)

    assert [plain(lines.line(index, 10)) for index in range(len(lines))] == ["one two ", "  three ", "  four"]
