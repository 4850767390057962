"""How much longer a client waits."""

from flux.client.calls import LONGEST_WAIT
from flux.client.patience import Backoff, Deadline
from flux.clock import ManualClock


def test_a_deadline_is_cut_into_requests():
    """None longer than proxies bear, the last one only as long as is left."""
    clock = ManualClock()
    deadline = Deadline(LONGEST_WAIT + 10, clock)

    assert deadline.slice() == LONGEST_WAIT
    clock.advance(60_000)
    assert deadline.slice() == 10
    assert not deadline.is_over
    clock.advance(11_000)
    assert (deadline.slice(), deadline.is_over) == (0, True)


def test_without_a_deadline_there_is_no_end():
    """However long it takes."""
    clock = ManualClock()
    deadline = Deadline(None, clock)
    clock.advance(10**9)

    assert (deadline.slice(), deadline.is_over) == (LONGEST_WAIT, False)


def test_delays_grow_to_a_bound():
    """And begin anew after progress."""
    backoff = Backoff()
    delays = [backoff.delay() for _ in range(8)]
    backoff.progress()

    assert delays == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert backoff.delay() == 0.1
