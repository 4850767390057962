"""Encoding: what the bytes look like, and where a value is too deep or too large."""

import math
import sys
import traceback
from typing import Any

import pytest

from flux.codec import MAX_DEPTH, decode, encode, is_atomic
from flux.errors import PayloadTooLarge, PayloadTypeError


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (None, b"null"),
        (True, b"true"),
        (-7, b"-7"),
        (1.5, b"1.5"),
        (-0.0, b"-0.0"),
        ('a"\n', b'"a\\"\\n"'),
        ("\U0001f600", '"\U0001f600"'.encode()),
        ({"a": [1, None]}, b'{"a":[1,null]}'),
        ((1,), b'{"$":"tuple","v":[1]}'),
        ({1: 2}, b'{"$":"dict","v":[[1,2]]}'),
        ({"$": "tuple", "v": []}, b'{"$":"dict","v":[["$","tuple"],["v",[]]]}'),
        (math.inf, b'{"$":"float","v":"inf"}'),
        (b"hi", b'{"$":"bytes","v":"aGk="}'),
    ],
)
def test_plain_json_stands_as_it_is_and_all_else_carries_a_tag(value: Any, data: bytes):
    """The format is read by other programs, and by later versions of this one."""
    assert encode(value) == data


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "a"])
def test_atoms_need_no_way_back(value: object):
    """What cannot change is handed on as it is."""
    assert is_atomic(value)
    assert decode(encode(value)) == value


@pytest.mark.parametrize("value", [[], {}, (), b"", 1j])
def test_everything_else_is_decoded_before_a_workflow_sees_it(value: object):
    """A list that was stored is another list than the one that a task still holds."""
    assert not is_atomic(value)


def test_equal_sets_give_equal_bytes():
    """Digests are compared on replay, in a process whose sets may iterate in another order."""
    words = [f"word-{n}" for n in range(100)]

    assert encode(set(words)) == encode({word for word in words[::-1]})  # noqa: C416 - in the other order
    assert encode({(1, "a"), None, frozenset({1, 2})}) == encode({frozenset({2, 1}), (1, "a"), None})


def _nested(levels: int, wrap: Any = lambda inner: [inner]) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    "wrap",
    [lambda inner: [inner], lambda inner: {"a": inner}, lambda inner: (inner,), lambda inner: {1: inner}, ValueError],
    ids=["list", "dict", "tuple", "keyed dict", "exception"],
)
def test_nesting_is_kept_to_its_limit_and_refused_beyond(wrap: Any):
    """The limit is the same on every Python and at every depth of the caller's stack: never RecursionError."""
    decode(encode(_nested(MAX_DEPTH - 1, wrap)))

    with pytest.raises(PayloadTypeError, match=f"deeper than {MAX_DEPTH} levels"):
        encode(_nested(MAX_DEPTH + 1, wrap))


def test_ten_thousand_levels_are_refused():
    """The path in the message stays readable."""
    with pytest.raises(PayloadTypeError) as caught:
        encode(_nested(10_000))

    assert len(str(caught.value)) < 250


def test_a_value_that_contains_itself_is_refused():
    """A cycle has no end in JSON."""
    own_list: list[Any] = []
    own_list.append(own_list)
    own_dict: dict[str, Any] = {"items": (1,)}
    own_dict["items"] = (own_dict,)

    for value in (own_list, own_dict):
        with pytest.raises(PayloadTypeError, match="contains itself"):
            encode(value)


@pytest.mark.parametrize("wrap", [lambda inner: [inner, inner], lambda inner: (inner, inner)], ids=["plain", "tagged"])
def test_sharing_that_would_explode_is_refused_before_it_does(wrap: Any):
    """A hundred shared lists would be written 2 ** 100 times."""
    with pytest.raises(PayloadTooLarge):
        encode(_nested(100, wrap), limit=10_000)


@pytest.mark.parametrize("value", ["x" * 100, ["x" * 100], ("x" * 100,), b"x" * 100, 10**100])
def test_a_value_above_the_limit_is_refused_with_sizes_and_a_way_out(value: object):
    """Bytes are counted after encoding."""
    with pytest.raises(PayloadTooLarge, match=r"result is above the limit of 50 bytes: it has 1.*reference") as caught:
        encode(value, root="result", limit=50)

    assert caught.value.facts["limit"] == 50


def test_the_limit_itself_is_allowed():
    """Sixteen MiB means sixteen MiB."""
    assert len(encode("x" * 48, limit=50)) == 50


def test_a_caller_deep_in_his_own_recursion_gets_an_error_of_ours():
    """A nearly full stack is no reason for RecursionError out of the codec."""

    def dive(levels: int) -> object:
        return dive(levels - 1) if levels else encode(_nested(150, lambda inner: (inner,)))

    room = sys.getrecursionlimit() - len(traceback.extract_stack())
    for levels_left in (100, 300):
        with pytest.raises(PayloadTypeError, match="nested deeper"):
            dive(room - levels_left)
