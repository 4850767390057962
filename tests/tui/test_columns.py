"""The table of executions."""

import pytest

from tui import columns
from tui.format import ASCII, UNICODE, plain, width_of
from tui.records import row

from .builders import a_row
from .recorded import NOON
from .stories import every_state


@pytest.mark.parametrize("width", [59, 79, 99, 119, 200])
def test_rows_and_heading_fit_the_width(width: int) -> None:
    """Whatever the names and sentences are."""
    rows = [row(story.list_view()) for story in every_state()]
    rows.append(a_row(workflow="a/very_long_name_of_a_workflow_that_never_ends", why="x" * 300))

    for found in rows:
        assert width_of(columns.line(found, width, NOON, UNICODE)) <= width
    assert width_of(columns.heading(width, UNICODE)) <= width + 1


def test_a_row_says_state_id_workflow_age_time_and_why() -> None:
    """In this order; the state with a sign and a word."""
    failed = next(row(story.list_view()) for story in every_state() if story.state == "FAILED")

    text = plain(columns.line(failed, 119, NOON, UNICODE))

    assert text.split()[:6] == ["✗", "failed", "…" + failed.id[-6:], "order_fulfil", "<1m", "4.1s"]
    assert "charge_card failed after 3 attempts" in text
    assert plain(columns.line(failed, 119, NOON, ASCII)).isascii()


def test_a_dim_row_says_the_same() -> None:
    """It is old, or no longer matches; it is still to be read."""
    bright, dim = (columns.line(a_row(), 100, NOON, UNICODE, dim=dim) for dim in (False, True))

    assert plain(bright) == plain(dim)
    assert {role for _, role in dim} == {"dim"}


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"state": "RUNNING", "started": NOON - 61_500}, "1m01s"),
        ({"state": "COMPLETED", "duration": 80, "finished": NOON}, "80ms"),
        ({"state": "PAUSED", "started": NOON - 7_300_000}, "2h"),
        ({"state": "QUEUED", "started": 0, "created": NOON - 5_000}, "<1m"),
        ({"state": "CANCELLED", "started": 0, "finished": NOON}, ""),
    ],
    ids=["running", "completed", "paused", "queued", "never started"],
)
def test_how_long_it_took(fields: dict[str, object], shown: str) -> None:
    """Exact when it is over, by the second while it runs, coarse while it only waits."""
    assert columns.took_text(a_row(1, **fields), NOON) == shown
