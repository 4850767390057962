"""Decoding: only what the caller's index knows, never an import, never a surprise; and views for readers."""

import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux.codec import ClassIndex, decode, decode_error, encode, error_view, plain
from flux.errors import PayloadTypeError, TaskFailed
from tests.codec import values
from tests.codec.values import Colour, Line, Order, Point

INDEX = ClassIndex.of_module(values)
LINE = "tests.codec.values:Line"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[1]x",
        b"NaN",
        b'{"$":"tuple","v":[NaN]}',
        b"\xff",
        b'{"$":"unheard of","v":1}',
        b'{"$":["tuple"],"v":1}',
        b'{"$":"tuple"}',
        b'{"$":"set","v":[[]]}',
        b'{"$":"bytes","v":"?"}',
        b'{"$":"int","v":"x"}',
        b'{"$":"datetime","v":{"at":"2026-01-01","zone":"../../etc/passwd"}}',
        b'{"$":"datetime","v":"yesterday"}',
        b'{"$":"path","v":["os","x"]}',
        b'{"$":"dict","v":[[1]]}',
        b'{"$":"error"}x',
        b"[" * 100_000,
    ],
    ids=lambda data: data[:40].decode("latin-1"),
)
def test_bytes_that_are_no_payload_are_refused(data: bytes):
    """A damaged row is an error that names itself, not a value."""
    with pytest.raises(PayloadTypeError):
        decode(data)


@pytest.mark.parametrize(
    "name", ["os:system", "builtins:eval", "subprocess:Popen", "tests.codec.values:values", "json:JSONDecoder", ""]
)
@pytest.mark.parametrize("tag", ["data", "named", "enum"])
def test_a_name_out_of_the_data_reaches_nothing_but_the_index(tag: str, name: str):
    """Opening a hostile database runs no code: no import by name, no attribute by name."""
    record = {"$": tag, "c": name, "n": "x", "v": {}}

    with pytest.raises(PayloadTypeError, match="not part of this source"):
        decode(json.dumps(record).encode(), INDEX)


def test_an_exception_by_the_name_of_something_else_is_only_told():
    """The fixed table of standard exceptions holds exceptions."""
    before = set(sys.modules)
    record = {"$": "error", "c": "antigravity:X", "type": "X", "module": "antigravity", "message": "", "args": []}

    for name in ("antigravity:X", "os:system", "builtins:print", "ssl:SSLContext", "flux.errors:ClassVar"):
        error = decode(json.dumps(record | {"c": name, "state": {}}).encode())
        assert type(error) is TaskFailed

    assert "antigravity" not in set(sys.modules) - before


@pytest.mark.parametrize("name", ["__class__", "__dict__", "__init__"])
def test_an_attribute_of_python_itself_cannot_be_planted(name: str):
    """A record sets what authors' classes hold, not how Python treats them."""
    record = {"$": "data", "c": LINE, "v": {name: {}}}

    with pytest.raises(PayloadTypeError):
        decode(json.dumps(record).encode(), INDEX)


@pytest.mark.parametrize(
    "record",
    [
        {"$": "data", "c": "tests.codec.values:Gone", "v": {}},
        {"$": "named", "c": LINE, "v": {}},
        {"$": "enum", "c": "tests.codec.values:Colour", "n": "BLUE"},
        {"$": "named", "c": "tests.codec.values:Point", "v": {"x": 1}},
        {"$": "data", "c": "tests.codec.values:Order", "v": {"removed": 1}},
    ],
    ids=["gone", "another kind", "no such member", "other fields", "no such slot"],
)
def test_a_class_that_changed_too_much_is_named(record: dict[str, Any]):
    """An execution that was moved to newer code says what does not fit."""
    with pytest.raises(PayloadTypeError):
        decode(json.dumps(record).encode(), INDEX)


_TAGS = ["tuple", "set", "frozenset", "dict", "data", "named", "enum", "error", "bytes", "int", "float", "datetime"]
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(-1e9, 1e9), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.fixed_dictionaries(
            {"$": st.sampled_from(_TAGS)},
            optional={
                "v": inner,
                "c": st.sampled_from([LINE, "builtins:OSError", "tests.codec.values:Bits", "builtins:SystemExit"]),
                "args": inner,
                "state": inner,
                "cause": inner,
                "type": inner,
                "n": inner,
            },
        ),
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(_JSON)
def test_whatever_stands_in_a_row_is_a_value_or_an_error_of_ours(record: Any):
    """No row can make a reader fail in a way that nobody expects."""
    data = json.dumps(record).encode()

    plain(data)
    assert set(error_view(data)) == {"type", "message", "traceback", "cause"}
    assert isinstance(decode_error(data, INDEX), BaseException)
    try:
        decode(data, INDEX)
    except PayloadTypeError:
        return


@pytest.mark.parametrize(
    ("value", "view"),
    [
        ({"a": [1, "x", None]}, {"a": [1, "x", None]}),
        ((1, [2]), [1, [2]]),
        ({3, 1}, [1, 3]),
        (frozenset({1}), [1]),
        ({1: "a", None: "b", False: "c"}, {"1": "a", "null": "b", "false": "c"}),
        ({1: "a", "1": "b"}, [[1, "a"], ["1", "b"]]),
        ({(1, 2): "a"}, [[[1, 2], "a"]]),
        ({"$": 1}, {"$": 1}),
        (Line("a", Line("b")), {"name": "a", "price": {"name": "b", "price": None}}),
        (Point(1, (2,)), [1, [2]]),
        (Order.Note("x"), ["x", None]),
        (Colour.DARK, ["deep", 1]),
        (values.Handle.NOTHING, "NOTHING"),
        (values.Bits(5), 5),
        (
            ValueError("bad", 1),
            {"type": "ValueError", "message": "('bad', 1)", "traceback": "", "cause": None},
        ),
        ([KeyError((1,))], [{"type": "KeyError", "message": "[1]", "traceback": "", "cause": None}]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_readers_see_plain_json_without_any_class(value: Any, view: Any):
    """The daemon answers API, CLI and TUI from bytes, without the author's code."""
    assert plain(encode(value, INDEX)) == view


def test_a_tag_of_a_newer_version_is_shown_as_it_is():
    """A reader that is older than the log still shows everything around it."""
    assert plain(b'[1,{"$":"tensor","v":[2]}]') == [1, {"$": "tensor", "v": [2]}]
