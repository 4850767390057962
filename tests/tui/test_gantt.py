"""The picture of a timeline."""

import pytest
from rich.cells import cell_len

from tui import gantt
from tui.format import ASCII, HOUR, MINUTE, SECOND, UNICODE, Glyphs, plain, width_of
from tui.gantt import Window
from tui.lanes import lanes
from tui.timeline import Span

from .recorded import NOON
from .stories import failed_order, running_etl
from .test_dossier import dossier_of

TEN = Window(start=0, end=10_000, now=10_000)


def drawn(*spans: Span, cells: int = 10, seen: Window = TEN) -> str:
    """The bar of `spans` in cells of a second."""
    return "".join(text for text, _role in gantt.bar(spans, seen, cells, UNICODE))


def test_a_bar_fills_the_cells_of_its_time() -> None:
    """To half a cell at both ends."""
    assert drawn(Span(start=2000, end=5000, outcome="completed")) == "  ━━━     "
    assert drawn(Span(start=2500, end=5000, outcome="completed")) == "  ╺━━     "
    assert drawn(Span(start=2000, end=4500, outcome="completed")) == "  ━━╸     "


def test_what_is_too_short_for_a_cell_is_still_seen() -> None:
    """Nothing that happened may be invisible."""
    assert drawn(Span(start=3000, end=3001, outcome="completed")) == "   ╸      "
    assert drawn(Span(start=9999, end=9999, outcome="completed")) == "         ╺"


def test_the_end_of_a_bar_says_how_it_ended() -> None:
    """Without colour too."""
    assert drawn(Span(start=0, end=3000, outcome="failed")) == "━━×       "
    assert drawn(Span(start=0, end=3000, outcome="lost")) == "━━↯       "
    assert drawn(Span(start=0)) == "━━━━━━━━━►"


def test_waiting_lies_below_what_runs() -> None:
    """Queue, attempt, delay, attempt."""
    spans = (
        Span(start=0, end=2000, kind="queued"),
        Span(start=2000, end=4000, outcome="failed"),
        Span(start=4000, end=7000, kind="retrying"),
        Span(start=7000, end=10_000, outcome="completed"),
    )

    assert drawn(*spans) == "┈┈━×╌╌╌━━━"


def test_a_bar_never_leaves_its_cells() -> None:
    """Clocks of two machines may disagree: what lies outside is drawn at the edge."""
    for cells in (0, 1, 2, 7):
        text = drawn(Span(start=-5000, end=20_000), Span(start=30_000, end=40_000), cells=cells)
        assert len(text) == cells


@pytest.mark.parametrize("length", [1, 30, 999, 4_100, 61_000, 25 * MINUTE, 7 * HOUR, 900 * HOUR])
@pytest.mark.parametrize("cells", [5, 20, 80])
def test_the_figures_of_the_axis_do_not_touch(length: int, cells: int) -> None:
    """Each begins above its cell, with a space before the next."""
    shape = gantt.Layout(name=8, bar=cells, tail=6)

    text = plain(gantt.axis(Window(start=0, end=length, now=length), shape))

    assert len(text) == 9 + cells
    assert text[9:].startswith("0s")
    assert all(figure[-1] in "smhd" for figure in text.split())


def test_the_window_of_something_that_runs_ends_a_little_later() -> None:
    """So that not every bar moves with every second."""
    early, later = gantt.window(0, 0, 61 * SECOND), gantt.window(0, 0, 63 * SECOND)

    assert early.end == later.end >= 63 * SECOND
    assert gantt.window(0, 4100, NOON) == Window(start=0, end=4100, now=4100)


@pytest.mark.parametrize("width", [30, 57, 116])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_every_lane_takes_the_whole_width(width: int, glyphs: Glyphs) -> None:
    """Names, bars and figures stand in columns."""
    for story in (failed_order(), running_etl()):
        found = dossier_of(story)
        lines = lanes(found.timeline)
        seen = gantt.window(found.row.created, found.row.finished, NOON)
        shape = gantt.layout(lines, seen, width, glyphs)

        assert {width_of(gantt.line(lane, seen, shape, glyphs)) for lane in lines} == {width}
        if glyphs is ASCII:
            assert all(plain(gantt.line(lane, seen, shape, glyphs)).isascii() for lane in lines)


def test_a_lane_says_how_long_and_how_often() -> None:
    """A group says how far it is instead."""
    found = dossier_of(failed_order())
    seen = gantt.window(found.row.created, found.row.finished, NOON)
    tails = [gantt.tail(lane, seen, UNICODE) for lane in lanes(found.timeline)]
    assert tails[:4] == ["4.1s", "80ms", "410ms", "×3  3.3s"]

    etl = dossier_of(running_etl())
    group = lanes(etl.timeline)[-1]
    assert gantt.tail(group, gantt.window(etl.row.created, 0, NOON), UNICODE) == "17/18"
    assert gantt.label(group, UNICODE) == "► load_partition ×18 ▸"


def test_attempts_are_named_by_what_they_failed_of() -> None:
    """The number alone tells nothing."""
    labels = [gantt.label(lane, UNICODE) for lane in lanes(dossier_of(failed_order()).timeline)]

    assert labels[4:] == ["  ✗ try 1 ServerError", "  ✗ try 2 ReadTimeout", "  ✗ try 3 CardDeclined", "  ↶ rollback"]
    assert max(map(cell_len, labels)) < 30
