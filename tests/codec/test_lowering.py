"""Lowering: refusals name the path, and a subclass is never taken for its base."""

import enum
import io
import types
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass
from typing import Any

import pytest

from flux.codec import ClassIndex, decode, encode
from flux.codec import exceptions as any_module
from flux.errors import PayloadTypeError
from tests.codec import values
from tests.codec.values import Colour, Line, Order, Point

INDEX = ClassIndex.of_module(values)


class Number(int):
    """A subclass of a builtin."""


def _cell() -> Any:
    return object()


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"items": [1, 2, 3, {"when": _cell()}]}, 'result["items"][3]["when"]'),
        (_cell(), "result"),
        ((1, {2: _cell()}), "result[1].values()[0]"),
        ({(1, _cell()): 1}, "result.keys()[0][1]"),
        ([{_cell()}], "result[0].{member}"),
        (Order(id=1, lines=(Line("a", _cell()),)), "result.lines[0].price"),
        (Point(1, _cell()), "result.y"),
        ([ValueError(1, _cell())], "result[0].args[1]"),
        ({'a"b': "\ud800"}, 'result["a\\"b"]'),
        ({"\ud800": 1}, 'result["\\ud800"]'),
        ({"k" * 100: _cell()}, f'result["{"k" * 60}\\u2026"]'),
    ],
)
def test_a_refusal_names_the_path_inside_the_value(value: object, path: str):
    """Whoever returns a large value has to find the one thing in it."""
    with pytest.raises(PayloadTypeError) as caught:
        encode(value, INDEX, root="result")

    assert caught.value.facts["path"] == path
    assert str(caught.value).startswith(f"{path}: ")


async def _coroutine() -> None: ...


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (Number(1), "use `int(...)`"),
        (OrderedDict(a=1), "use `dict(...)`"),
        (defaultdict(int), "use `dict(...)`"),
        (Counter("a"), "use `dict(...)`"),
        (types.MappingProxyType({}), "use `dict(...)`"),
        (deque([1]), "use `list(...)`"),
        (range(3), "use `list(...)`"),
        ({}.keys(), "use `list(...)`"),
        (bytearray(b"x"), "use `bytes(...)`"),
        (iter([1]), "make it a list"),
        (io.BytesIO(), "its path or its content"),
        (Line, "pass its name"),
        (any_module, "pass its name"),
        (len, "pass what it returns"),
        (object(), "plain data or a dataclass"),
    ],
)
def test_other_types_are_refused_with_what_to_do(value: object, hint: str):
    """Near misses have a hint of their own; a subclass is never quietly turned into its base."""
    with pytest.raises(PayloadTypeError) as caught:
        encode([value])

    assert hint in str(caught.value)
    assert type(value).__qualname__ in str(caught.value.facts["type"])


def test_a_forgotten_await_is_named():
    """The most common slip of all."""
    coroutine = _coroutine()
    with pytest.raises(PayloadTypeError, match="await it first"):
        encode(coroutine)
    coroutine.close()


def test_a_lone_surrogate_is_refused_on_the_short_way_too():
    """UTF-8 cannot say it, and `json` would write an escape that others refuse."""
    for value in ("a\ud800", ["a\ud800"], {"a": {"b": "a\ud800"}}, ("a\ud800",)):
        with pytest.raises(PayloadTypeError, match="surrogate at 1"):
            encode(value)


def test_a_class_inside_a_function_is_refused_at_the_first_run():
    """It could not be found again on replay, so nobody has to wait for the replay."""

    @dataclass
    class Local:
        n: int

    with pytest.raises(PayloadTypeError, match="inside a function: move it"):
        encode({"a": Local(1)}, INDEX)


def test_a_class_that_the_source_cannot_name_is_refused():
    """Without an index there are no classes of authors."""
    with pytest.raises(PayloadTypeError, match="part of the workflow's source"):
        encode(Line("a"))


def test_an_enumeration_member_that_was_made_up_is_refused():
    """It would not be found by its name again."""

    class Sloppy(enum.Enum):
        A = 1

    stranger = object.__new__(Sloppy)
    stranger._name_, stranger._value_ = "B", 2

    with pytest.raises(PayloadTypeError, match="no member"):
        encode(stranger, ClassIndex({"x:Sloppy": Sloppy}))


class Tagged(namedtuple("Tagged", "x")):  # noqa: PYI024, SLOT002 - the careless kind
    """A named tuple that can hold more than its fields."""


def test_a_named_tuple_that_holds_more_than_its_fields_is_refused():
    """The extra attribute would be lost."""
    index = ClassIndex({"x:Tagged": Tagged})
    value = Tagged(1)
    assert type(decode(encode(value, index), index)) is Tagged
    value.extra = 1  # type: ignore[attr-defined]  # what authors do

    with pytest.raises(PayloadTypeError, match="more than its fields"):
        encode(value, index)


def test_a_dataclass_that_is_also_a_dict_is_refused():
    """Its items are in no attribute."""

    @dataclass
    class Both(dict[str, int]):
        n: int = 0

    with pytest.raises(PayloadTypeError, match="container in a field"):
        encode(Both(), ClassIndex({"x:Both": Both}))


def test_members_are_found_by_name_and_combinations_by_number():
    """An enumeration's value may be anything; its name cannot."""
    assert encode(Colour.ROUGE, INDEX) == b'{"$":"enum","c":"tests.codec.values:Colour","n":"RED","v":"red"}'
    assert decode(encode(Colour.ROUGE, INDEX), INDEX) is Colour.RED
