"""A limit on how long a command waits."""

import select
import signal

import pytest

from flux.cli.alarm import RanOut, limited


def test_a_wait_for_nothing_is_interrupted() -> None:
    """Also a system call that would never return."""
    with pytest.raises(RanOut), limited(0.02):
        select.select([], [], [])


def test_nothing_rings_afterwards_and_what_was_set_before_is_set_again() -> None:
    """The limit is gone with its block; an alarm of somebody else still rings."""
    handler, (left, _) = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)

    with limited(1000), limited(None):
        assert signal.getsignal(signal.SIGALRM) != handler

    assert signal.getsignal(signal.SIGALRM) == handler
    assert (signal.getitimer(signal.ITIMER_REAL)[0] > 0) == (left > 0)
