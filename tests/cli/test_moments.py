"""Instants and durations as people read them."""

import pytest

from flux.cli.moments import age, local, took


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0, "0ms"), (0.0124, "12ms"), (3.42, "3.4s"), (59.9, "59.9s"), (125, "2m05s"), (3725, "1h02m")],
)
def test_a_duration_is_short(seconds: float | None, text: str) -> None:
    """Two digits are enough to compare by."""
    assert took(seconds) == text


@pytest.mark.parametrize(
    ("now", "text"),
    [("2026-01-31T12:00:05.000Z", "5s"), ("2026-01-31T15:59:00.000Z", "3h"), ("2026-01-31T11:59:00.000Z", "0s")],
)
def test_an_age_has_one_unit_and_is_never_negative(now: str, text: str) -> None:
    """The daemon's `now` counts, so that two clocks that differ do no harm."""
    assert age("2026-01-31T12:00:00.000Z", now) == text


def test_an_instant_is_shown_in_local_time() -> None:
    """People read their own clock; an instant that is not there is shown as nothing."""
    assert len(local("2026-01-31T12:00:00.000Z")) == len("2026-01-31 12:00:00")
    assert local(None) == ""
