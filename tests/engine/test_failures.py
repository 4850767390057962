"""Counting failed attempts."""

import pytest

from flux.engine import failures
from flux.engine.failures import LIMIT, WINDOW, Failures

PREFIX = "flux_AAAAAAAA"


def test_the_first_failures_of_a_peer_are_ordinary_and_told():
    """A person who mistypes is not punished."""
    counts = Failures()

    verdicts = [counts.note("uid 7", "", 0) for _ in range(LIMIT)]

    assert not any(verdict.is_over for verdict in verdicts)
    assert all(verdict.is_told for verdict in verdicts)


def test_beyond_the_limit_only_every_doubling_is_told():
    """A flood fills neither the disk nor the audit, and its size can still be read there."""
    counts = Failures()

    told = [n for n in range(1, 1_001) if counts.note("uid 7", "", 0).is_told]

    assert told == [*range(1, 11), 20, 40, 80, 160, 320, 640]


def test_one_peer_is_not_counted_for_another():
    """Nor is a key for another key."""
    counts = Failures(limit=2)
    for _ in range(3):
        counts.note("uid 7", "", 0)

    assert counts.note("uid 7", "", 0).is_over
    assert not counts.note("uid 8", "", 0).is_over


def test_a_key_is_counted_whoever_shows_it():
    """Trying one key from many places is one attack."""
    counts = Failures(limit=2)

    verdicts = [counts.note(f"10.0.0.{n}", PREFIX, 0) for n in range(3)]

    assert [verdict.is_over for verdict in verdicts] == [False, False, True]


@pytest.mark.parametrize("later", [WINDOW, -1], ids=["the window is over", "the clock was set back"])
def test_a_new_window_begins_at_nothing(later):
    """And tells how long the old one would have lasted."""
    counts = Failures(limit=1)
    first = counts.note("uid 7", "", 1_000)
    second = counts.note("uid 7", "", 1_001)

    assert (first.retry_after, second.retry_after) == (WINDOW, WINDOW - 1)
    assert second.is_over
    assert not counts.note("uid 7", "", 1_000 + later).is_over


def test_memory_is_bounded_and_forgets_the_oldest():
    """An attacker with many addresses cannot fill the daemon's memory."""
    counts = Failures(limit=1)
    for _ in range(2):
        counts.note("first", "", 0)
    for number in range(failures.REMEMBERED):
        counts.note(f"peer {number}", f"flux_{number:08d}", 0)

    assert not counts.note("first", "", 0).is_over
