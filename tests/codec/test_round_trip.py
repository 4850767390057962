"""The promise of the codec as a whole: what went in comes out, of the same type, or it is refused."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from flux.codec import ClassIndex, decode, encode, plain
from tests.codec import values as classes
from tests.codec.values import EXAMPLES, same, values

INDEX = ClassIndex.of_module(classes)


@pytest.fixture
def thorough(request: pytest.FixtureRequest) -> settings:
    """A few hundred examples; ten thousand when everything is asked for."""
    count = 10_000 if request.config.getoption("--full", default=False) else 300
    return settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@pytest.mark.timeout(600)
def test_a_value_comes_back_equal_and_of_the_same_type(thorough: settings):
    """Exact round trip, type included, all the way down."""

    @thorough
    @given(values())
    def check(value: Any) -> None:
        assert same(decode(encode(value, INDEX), INDEX), value)

    check()


@pytest.mark.timeout(600)
def test_a_payload_is_strict_json_and_so_is_its_view(thorough: settings):
    """Readers in other languages parse payloads and views with any JSON parser: no NaN, no lone surrogate."""

    @thorough
    @given(values())
    def check(value: Any) -> None:
        data = encode(value, INDEX)
        json.loads(data.decode(), parse_constant=pytest.fail)
        json.dumps(plain(data), allow_nan=False).encode()

    check()


@pytest.mark.timeout(600)
def test_what_comes_back_is_written_as_the_same_bytes(thorough: settings):
    """Digests are compared on replay, where the arguments are decoded values."""

    @thorough
    @given(values())
    def check(value: Any) -> None:
        data = encode(value, INDEX)
        assert encode(decode(data, INDEX), INDEX) == data

    check()


@pytest.mark.parametrize("value", EXAMPLES, ids=lambda value: type(value).__name__)
def test_a_value_that_once_bit_comes_back(value):
    """Cases that chance finds seldom."""
    assert same(decode(encode(value, INDEX), INDEX), value)
