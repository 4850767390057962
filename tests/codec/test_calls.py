"""Calls: arguments of both kinds in one payload, and digests."""

from typing import Any

import pytest

from flux.codec import ClassIndex, call_view, decode_call, digest, encode, encode_call
from flux.errors import PayloadTooLarge, PayloadTypeError
from tests.codec import values
from tests.codec.values import Line

INDEX = ClassIndex.of_module(values)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((), {}), ((1, "a"), {}), ((), {"x": None}), (((1,), Line("a")), {"when": {1: 2}}), (([],), {"self": 1, "$": 2})],
)
def test_arguments_come_back_as_they_were(args: tuple[Any, ...], kwargs: dict[str, Any]):
    """Positional ones as a tuple, types included."""
    assert decode_call(encode_call(args, kwargs, INDEX), INDEX) == (args, kwargs)


def test_readers_see_both_kinds():
    """As plain JSON."""
    assert call_view(encode_call((Line("a"),), {"to": (1,)}, INDEX)) == {
        "args": [{"name": "a", "price": None}],
        "kwargs": {"to": [1]},
    }


@pytest.mark.parametrize(
    ("args", "kwargs", "path"),
    [
        ((1, [object()]), {}, "args[1][0]"),
        ((1,), {"order": Line("a", object())}, 'kwargs["order"].price'),
    ],
)
def test_a_refused_argument_is_named(args: tuple[Any, ...], kwargs: dict[str, Any], path: str):
    """Which of the arguments, and where inside it."""
    with pytest.raises(PayloadTypeError) as caught:
        encode_call(args, kwargs, INDEX)

    assert caught.value.facts["path"] == path


def test_arguments_have_the_limit_of_a_payload():
    """All of them together."""
    with pytest.raises(PayloadTooLarge, match="arguments"):
        encode_call(("x" * 60,), {"y": "y" * 60}, limit=100)


def test_a_digest_tells_calls_apart_and_is_the_same_everywhere():
    """Eight bytes, stable over processes and versions."""
    assert digest(encode_call((), {})) == bytes.fromhex("c3228f8cf811caaf")
    assert digest(encode_call((1,), {})) != digest(encode_call(("1",), {}))


@pytest.mark.parametrize("arg", [None, True, 0, -(2**70), 1.5, -0.0, 1e16, 1e-7, "", 'ü"\\\n\x00', "😀", float("nan")])
def test_single_values_take_a_short_way_to_the_same_bytes(arg: object):
    """Digests are made of these bytes: they must not depend on how they were made."""
    assert encode_call((arg, "x"), {}) == encode([[arg, "x"], {}])
    assert encode_call((arg, []), {}) == encode([[arg, []], {}])
