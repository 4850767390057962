"""The query line."""

import pytest

from tui.query import EVERYTHING, Query, matches, parse

from .builders import a_row


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", EVERYTHING),
        ("state:FAILED,PAUSED", Query(states=("FAILED", "PAUSED"))),
        ("state:failed", Query(states=("FAILED",))),
        ("state:*", EVERYTHING),
        ("workflow:order* namespace:billing", Query(workflow="order*", namespace="billing")),
        ("Charge  402", Query(words=("charge", "402"))),
        ("state:", EVERYTHING),
    ],
)
def test_terms_are_read(text: str, query: Query) -> None:
    """Fields go to the daemon, words are looked for here; an unfinished field asks for nothing yet."""
    assert parse(text) == query


def test_a_state_may_be_begun() -> None:
    """While it is typed, all states that begin so are meant."""
    assert parse("state:CANC").states == ("CANCELLING", "CANCELLED")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("stat:FAILED", "no field 'stat': did you mean state?"),
        ("state:FIALED", "no state 'FIALED': did you mean FAILED?"),
        ("zzz:1", "no field 'zzz'; there are state, workflow, namespace"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, problem: str) -> None:
    """With the word that was probably meant."""
    assert parse(text).problem == problem


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("state:RUNNING", True),
        ("state:FAILED", False),
        ("workflow:order*", True),
        ("workflow:order", False),
        ("workflow:billing/order_fulfil", True),
        ("workflow:shop/order_fulfil", False),
        ("namespace:billing", True),
        ("namespace:default", False),
        ("charge", True),
        ("env=prod w7", True),
        ("charge refund", False),
    ],
)
def test_a_row_matches_if_every_term_does(text: str, found: bool) -> None:
    """Fields by their meaning, words anywhere a person would look."""
    row = a_row(workflow="billing/order_fulfil", why="running charge_card", labels=(("env", "prod"),), worker="w7")

    assert matches(parse(text), row) is found


def test_the_default_namespace_goes_without_saying() -> None:
    """In the list it is not shown; in a query it may be written or not."""
    row = a_row(workflow="hello")

    assert matches(parse("namespace:default workflow:hello"), row)
    assert matches(parse("workflow:default/hello"), row)


def test_only_whole_names_are_asked_of_the_daemon() -> None:
    """It knows no patterns: those are applied here, to as many pages as it takes."""
    assert parse("workflow:order_fulfil").asked_workflow == "order_fulfil"
    assert parse("workflow:order*").asked_workflow is None
    assert parse("workflow:order*").is_local
    assert not parse("state:FAILED workflow:order_fulfil").is_local
