"""The list of executions as a value: order, cursor, what is held back."""

from collections.abc import Iterable
from dataclasses import replace

from tui import model
from tui.model import View
from tui.query import parse
from tui.records import Page, Row

from .builders import a_row


def a_page(rows: Iterable[Row], cursor: str | None = None) -> Page:
    """A page of `rows`."""
    found = tuple(rows)
    return Page(rows=found, cursor=cursor, position=1, count=len(found))


def a_view(*numbers: int, cursor: str | None = None) -> View:
    """A view that shows the executions of these numbers."""
    return model.begin(View(), a_page([a_row(number) for number in numbers], cursor))


def numbers(view: View) -> list[int]:
    """The numbers of the executions shown, top to bottom."""
    return [int(key) for key in view.order]


def test_the_newest_is_on_top_and_selected() -> None:
    """Ids are made in the order of time."""
    view = a_view(1, 3, 2)

    assert numbers(view) == [3, 2, 1]
    assert view.selected == a_row(3)
    assert not view.loading


def test_the_cursor_stays_on_its_execution() -> None:
    """Whatever comes, changes or is shown: the execution under the cursor is the same."""
    view = model.move(a_view(1, 2, 3), 1)

    for step in (
        model.apply(view, [a_row(9), a_row(3, state="FAILED", sequence=5)]),
        model.begin(view, a_page([a_row(9), a_row(3), a_row(2), a_row(1)])),
        model.extend(view, a_page([a_row(0)])),
        model.narrow(view, parse("state:RUNNING")),
    ):
        assert step.selected is not None
        assert step.selected.id == a_row(2).id


def test_new_executions_are_held_back() -> None:
    """What the person reads does not move; they are counted instead."""
    view = model.apply(a_view(1, 2), [a_row(3), a_row(4)])

    assert numbers(view) == [2, 1]
    assert len(view.held) == 2


def test_settling_shows_what_was_held_back() -> None:
    """`g`: everything in its order, the cursor at the top."""
    view = model.settle(model.apply(model.move(a_view(1, 2), 1), [a_row(3)]))

    assert numbers(view) == [3, 2, 1]
    assert view.place == 0
    assert not view.held


def test_following_shows_new_executions_at_once() -> None:
    """Until it is switched off again."""
    view = model.apply(model.follow(a_view(1), on=True), [a_row(2)])
    assert numbers(view) == [2, 1]

    view = model.apply(model.follow(view, on=False), [a_row(3)])
    assert numbers(view) == [2, 1]


def test_the_first_execution_of_all_is_shown_at_once() -> None:
    """Where nothing is shown, nothing can move."""
    assert numbers(model.apply(a_view(), [a_row(1)])) == [1]


def test_a_row_changes_in_place() -> None:
    """Also when it no longer matches: it is dimmed, not taken away under the eyes."""
    view = model.narrow(a_view(1, 2), parse("state:RUNNING"))

    view = model.apply(view, [a_row(2, state="COMPLETED", sequence=2)])

    assert numbers(view) == [2, 1]
    assert not view.fits(view.at(0))
    assert numbers(model.settle(view)) == [1]


def test_an_older_record_is_dropped() -> None:
    """A list that was asked for before may come after the event that changed it."""
    view = model.apply(a_view(1), [a_row(1, state="FAILED", sequence=7)])

    view = model.apply(view, [a_row(1, state="RUNNING", sequence=6)])

    assert view.at(0).state == "FAILED"


def test_a_held_row_that_no_longer_matches_is_not_counted() -> None:
    """The chip must not promise what `g` does not show."""
    view = model.apply(model.narrow(a_view(1), parse("state:RUNNING")), [a_row(2)])
    assert len(view.held) == 1

    assert not model.apply(view, [a_row(2, state="FAILED", sequence=2)]).held


def test_a_page_that_meets_what_is_shown_moves_nothing() -> None:
    """After a break of the connection the list looks as before, and says what is new."""
    view = model.begin(a_view(1, 2), a_page([a_row(3), a_row(2, state="FAILED", sequence=9), a_row(1)]))

    assert numbers(view) == [2, 1]
    assert view.at(0).state == "FAILED"
    assert len(view.held) == 1


def test_a_page_that_meets_nothing_replaces_the_list() -> None:
    """Between the two there may be any number of executions: a list with a hole would be a lie."""
    view = model.begin(a_view(1, 2), a_page([a_row(8), a_row(9)], cursor="more"))

    assert numbers(view) == [9, 8]
    assert view.next == "more"


def test_the_next_page_comes_below() -> None:
    """And the one after it is known."""
    view = model.extend(a_view(5, 6, cursor="a"), a_page([a_row(4), a_row(3)], cursor="b"))

    assert numbers(view) == [6, 5, 4, 3]
    assert view.next == "b"


def test_pages_are_narrowed_here_too() -> None:
    """The daemon knows states and names; words and patterns only this program."""
    view = model.narrow(View(), parse("charge"))

    view = model.begin(view, a_page([a_row(4), a_row(3, why="running charge")], cursor="a"))
    assert numbers(view) == [3]

    view = model.extend(view, a_page([a_row(2, why="charge failed"), a_row(1)]))
    assert numbers(view) == [3, 2]


def test_news_of_what_is_not_loaded_yet_leaves_no_hole() -> None:
    """An old execution that changes is below the last page: it will come with its own."""
    view = model.apply(a_view(5, 6, cursor="a"), [a_row(2, sequence=9)])

    assert numbers(model.settle(view)) == [6, 5]


def test_what_is_loaded_but_hidden_can_come_into_sight() -> None:
    """A page was read whole: what of it begins to match is shown when asked for, wherever it stands."""
    view = model.begin(
        model.narrow(View(), parse("charge")), a_page([a_row(9, why="charge"), a_row(8), a_row(5)], cursor="a")
    )

    view = model.apply(view, [a_row(8, why="charge", sequence=2), a_row(4, why="charge", sequence=2)])

    assert numbers(model.settle(view)) == [9, 8]


def test_narrowing_shows_what_is_loaded_and_matches() -> None:
    """At once; the daemon is asked for the rest."""
    view = model.apply(a_view(1, 2, 3), [a_row(2, state="FAILED", sequence=2)])

    assert numbers(model.narrow(view, parse("state:FAILED"))) == [2]


def test_a_cursor_whose_execution_is_gone_goes_to_the_next_older() -> None:
    """The nearest thing to where it was."""
    view = model.move(a_view(1, 2, 3), 1)

    view = model.narrow(model.apply(view, [a_row(1, state="FAILED", sequence=2)]), parse("state:FAILED"))

    assert view.selected is not None
    assert int(view.selected.id) == 1


def test_the_cursor_stops_at_both_ends() -> None:
    """And an empty list has none."""
    view = a_view(1, 2, 3)

    assert model.move(view, 99).place == 2
    assert model.move(view, -99).place == 0
    assert model.point(view, 1).place == 1
    assert model.move(View(), 1).cursor is None


def test_what_is_kept_is_bounded() -> None:
    """A list that stays open for weeks must not eat the memory."""
    many = [a_row(number) for number in range(model.LIMIT + 50)]

    view = model.begin(View(), a_page(many, cursor="more"))

    assert len(view.order) == model.LIMIT
    assert view.next is None
    assert numbers(view)[0] == model.LIMIT + 49


def test_before_the_first_page_nothing_is_shown() -> None:
    """An event that comes first is part of the page that is on its way."""
    assert model.apply(View(), [a_row(1)]) == View()
    assert replace(View(), loading=False).loading is False
