"""Call ids: where a call stands in the program, independent of time and of unrelated calls."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux.core.identity import Scope, attempt_frame, escape, idempotency_key


def test_calls_of_one_name_are_counted_in_their_scope():
    """`n` counts calls of that name in that scope."""
    scope = Scope.root()

    ids = [scope.call("charge"), scope.call("ship"), scope.call("charge")]

    assert ids == ["charge#1", "ship#1", "charge#2"]


def test_asyncio_tasks_are_numbered_by_their_parent_when_they_are_created():
    """Numbers never depend on which of them runs first."""
    root = Scope.root()
    first, second = root.child(), root.child()
    inner = second.child()

    ids = [inner.call("a"), second.call("a"), first.call("a"), root.child().path, inner.child().path]

    assert ids == ["2.1/a#1", "2/a#1", "1/a#1", "3", "2.1.1"]


def test_each_attempt_is_a_frame_of_its_own():
    """A second attempt's calls are other calls than the first one's."""
    root = Scope.root()
    charge = root.child().call("charge")

    frame = attempt_frame(charge, 2)

    assert [frame.call("fetch"), frame.child().call("fetch")] == ["1/charge#1@2/fetch#1", "1/charge#1@2/1/fetch#1"]
    assert attempt_frame(charge, 1).call("fetch") == "1/charge#1@1/fetch#1"


def test_an_unrelated_call_shifts_nobody():
    """Inserting a call of another name, or another task below another parent, changes no id."""
    plain, with_more = Scope.root(), Scope.root()
    with_more.call("log")
    with_more.child().child()

    assert plain.call("charge") == with_more.call("charge")
    plain.child()
    assert plain.child().call("charge") == with_more.child().call("charge")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("charge", "charge"),
        ("get_a/b", "get_a%2Fb"),
        ("a#2", "a%232"),
        ("a@1", "a%401"),
        ("100%", "100%25"),
        ("é", "é"),
    ],
)
def test_names_are_escaped_where_they_would_be_read_as_structure(name: str, written: str):
    """A name from a template may hold any character of its arguments."""
    assert escape(name) == written


_NAMES = st.text(st.sampled_from("a1./#@%2F"), max_size=5)
_STEPS = st.lists(st.one_of(st.none(), st.tuples(_NAMES, st.integers(1, 3))), max_size=4)


def _walk(steps: list[tuple[str, int] | None], name: str) -> str:
    """The id of a call of `name` after going into a child (None) or into an attempt of a call."""
    scope = Scope.root()
    for step in steps:
        scope = scope.child() if step is None else attempt_frame(scope.call(step[0]), step[1])
    return scope.call(name)


@settings(deadline=None)
@given(_STEPS, _NAMES, _STEPS, _NAMES)
def test_two_places_never_share_an_id(one, name, other, other_name):
    """The way to a call can be told from its id, whatever the names hold."""
    assert (_walk(one, name) == _walk(other, other_name)) == ((one, name) == (other, other_name))


def test_an_idempotency_key_is_stable_and_of_its_own_for_each_call():
    """The same over attempts; new in another execution, for another call, and after a compensation."""
    keys = {
        idempotency_key("01A", "charge#1"),
        idempotency_key("01B", "charge#1"),
        idempotency_key("01A", "charge#2"),
        idempotency_key("01A", "charge#1", generation=1),
        idempotency_key("01A", "charge#1", generation=11),
        idempotency_key("01A", "charge#11"),
    }

    assert idempotency_key("01A", "charge#1") == "01A-fd9c78a9f0aa8d9adbd2f64ab6183d8e"
    assert len(keys) == 6
    assert all(len(key) < 64 and key.isascii() for key in keys)
