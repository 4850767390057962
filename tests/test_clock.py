"""The clock: instants are int milliseconds, and what people read is exact to them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux.clock import SYSTEM, Clock, ManualClock, from_datetime, perf, to_datetime, to_rfc3339

LATEST = 253_402_300_799_999


def test_the_machines_clock_counts_milliseconds():
    """Since 1970, and it does not stand still."""
    clock: Clock = SYSTEM
    before = datetime.now(UTC)

    assert abs(to_datetime(clock.now()) - before) < timedelta(minutes=1)
    assert clock.monotonic() <= clock.monotonic()
    assert perf() <= perf()


def test_a_manual_clock_stands_still_until_it_is_moved():
    """Both ways of reading it agree."""
    clock = ManualClock(start=1_000)
    clock.advance(0)
    clock.advance(500)

    assert (clock.now(), clock.monotonic()) == (1_500, 1_500)


def test_a_manual_clock_does_not_go_back():
    """Durations are never negative."""
    with pytest.raises(ValueError, match="does not go back"):
        ManualClock().advance(-1)


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (1_769_860_800_042, "2026-01-31T12:00:00.042Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (LATEST, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_instants_are_written_as_rfc_3339(instant: int, text: str):
    """In UTC, with exactly three digits of a second."""
    assert to_rfc3339(instant) == text
    assert datetime.fromisoformat(text) == to_datetime(instant)


@settings(deadline=None)
@given(instant=st.integers(0, LATEST))
def test_a_moment_and_an_instant_are_the_same_both_ways(instant: int):
    """To the millisecond, in every year that there is."""
    assert from_datetime(to_datetime(instant)) == instant


def test_a_moment_means_the_same_in_every_zone():
    """Summer time or not."""
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)

    assert from_datetime(noon.astimezone(timezone(timedelta(hours=5, minutes=45)))) == from_datetime(noon)


def test_a_moment_without_a_zone_is_refused():
    """Nobody knows which instant it means; the message shows what to add."""
    with pytest.raises(ValueError, match="tzinfo=UTC"):
        from_datetime(datetime(2026, 7, 1))  # noqa: DTZ001 - that is the point
