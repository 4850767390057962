"""Scalars: what readers see of the small standard types, and the corners of each."""

import sys
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID, uuid1
from zoneinfo import ZoneInfo

import pytest

from flux.codec import decode, encode, plain
from flux.errors import PayloadTypeError
from tests.codec.values import same

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "view"),
    [
        (b"\x00\xff", "AP8="),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (complex(1, -0.0), [1.0, -0.0]),
        (complex(float("nan"), 2), ["NaN", 2.0]),
        (datetime(2026, 1, 2, 3, 4, 5, 6000, tzinfo=UTC), "2026-01-02T03:04:05.006000+00:00"),
        (datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN), "2026-10-25T02:30:00+01:00"),
        (datetime(2026, 1, 2), "2026-01-02T00:00:00"),  # noqa: DTZ001 - naive is kept naive
        (date(2026, 1, 2), "2026-01-02"),
        (time(3, 4, tzinfo=timezone(timedelta(hours=-5), "EST")), "03:04:00-05:00"),
        (timedelta(days=1, hours=2), "P1DT7200S"),
        (timedelta(microseconds=-500_000), "-PT0.5S"),
        (timedelta(0), "PT0S"),
        (Decimal("1.10"), "1.10"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Path("a/b"), "a/b"),
        (PureWindowsPath("c:/x"), "c:\\x"),
        pytest.param(1 << 20_000, hex(1 << 20_000), id="a number of 6,000 digits"),
    ],
    ids=repr,
)
def test_readers_see_the_usual_spelling(value: Any, view: Any):
    """RFC 3339, ISO 8601, base64, and text for what JSON's numbers would bend."""
    assert plain(encode(value)) == view


@pytest.mark.parametrize("flavour", [Path, PurePosixPath, PureWindowsPath])
def test_paths_keep_their_flavour(flavour: Any):
    """A pure path cannot touch the disk, and stays pure."""
    value = flavour("a/../b c/ü")

    assert type(decode(encode(value))) is type(value)
    assert decode(encode(value)) == value


def test_a_path_that_is_no_text_is_refused():
    """A file name in another encoding has no place in UTF-8."""
    with pytest.raises(PayloadTypeError, match="not valid UTF-8"):
        encode({"file": Path("a\udcff")})


def test_where_a_uuid_came_from_is_kept():
    """`uuid1` knows whether it was made safely."""
    value = uuid1()

    assert decode(encode(value)).is_safe is value.is_safe


def test_a_repeated_hour_is_the_same_one_again():
    """`fold` tells 02:30 before the clocks went back from 02:30 after."""
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    second = first.replace(fold=1)

    assert decode(encode(first)).utcoffset() == timedelta(hours=2)
    assert decode(encode(second)).utcoffset() == timedelta(hours=1)


class OwnZone(tzinfo):
    """A time zone of the kind other packages bring."""

    def utcoffset(self, _: datetime | None) -> timedelta:
        return timedelta(hours=1)

    def dst(self, _: datetime | None) -> timedelta:
        return timedelta(0)

    def tzname(self, _: datetime | None) -> str:
        return "own"


@pytest.mark.parametrize("value", [datetime(2026, 1, 1, tzinfo=OwnZone()), time(1, tzinfo=OwnZone())], ids=repr)
def test_a_time_zone_of_another_package_is_refused(value: object):
    """It could not be found again; `zoneinfo` can."""
    with pytest.raises(PayloadTypeError, match=r"OwnZone.*zoneinfo"):
        encode([value])


@pytest.mark.parametrize("bits", [1_999, 2_000, 2_001, 15_000, 1_000_000])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_of_any_length_is_kept(bits: int, sign: int):
    """Python refuses decimals of more than 4,300 digits, in both directions."""
    value = sign * (1 << bits)

    assert decode(encode(value)) == value
    assert decode(encode((value,))) == (value,)
    assert decode(encode([value])) == [value]


def test_the_limit_for_digits_of_the_process_is_left_alone():
    """It protects the author's own code."""
    before = sys.get_int_max_str_digits()

    decode(encode(10**10_000))

    assert sys.get_int_max_str_digits() == before


@pytest.mark.parametrize("text", ["7ff8000000000001", "fff8000000000000", "7ff0000000000001"])
def test_an_unusual_nan_keeps_its_bits(text: str):
    """Some programs hide a message in them."""
    data = f'{{"$":"float","v":"{text}"}}'.encode()

    assert encode(decode(data)) == data
    assert plain(data) == "NaN"


def test_a_decimal_keeps_its_zeros_and_its_sign():
    """1.10 is a price, 1.1 is not."""
    for text in ("1.10", "-0", "0E+3", "NaN7", "-sNaN", "Infinity", "1E-999999"):
        assert same(decode(encode(Decimal(text))), Decimal(text))
