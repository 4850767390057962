"""Where a follower is, and how long it waits before it comes back."""

import pytest

from flux.client.follow import Follower, Lines
from flux.errors import ProtocolError
from flux.wire import sse


def test_a_follower_comes_back_with_the_last_whole_message():
    """What was cut off is asked for again."""
    follower = Follower()
    follower.headers()
    stream = sse.encode("task", b'{"a":1}', 4) + sse.encode("task", b'{"a":2}', 5)

    updates = follower.feed(stream[:-1])

    assert [(update.position, update.data) for update in updates] == [(4, {"a": 1})]
    assert follower.headers() == {"Last-Event-ID": "4"}
    assert [update.position for update in follower.feed(sse.encode("task", b"{}", 5))] == [5]


def test_a_mark_counts_as_progress():
    """A quiet stream moves its readers on."""
    follower = Follower()
    follower.headers()

    assert follower.feed(sse.HEARTBEAT + sse.mark(9)) == []
    assert follower.headers() == {"Last-Event-ID": "9"}


def test_delays_grow_and_shrink_again_after_progress():
    """A daemon that is away for long is not hammered, one that is back is used at once."""
    follower = Follower()
    follower.headers()
    delays = [follower.delay() for _ in range(8)]
    follower.feed(sse.mark(1))

    assert delays == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert follower.delay() == 0.1


def test_a_goodbye_is_remembered():
    """After it, a clean end is no end."""
    follower = Follower()
    follower.feed(sse.encode("bye", b"{}", 3))

    assert follower.leaving
    follower.headers()
    assert not follower.leaving


@pytest.mark.parametrize("data", [b"hello", b"[1]", b"{"])
def test_what_is_no_event_of_ours_is_refused(data):
    """Another server's stream is not guessed at."""
    with pytest.raises(ProtocolError):
        Follower().feed(sse.encode("x", data, 1))


def test_lines_may_be_cut_anywhere():
    """Values come when their line is whole; empty lines are heartbeats."""
    lines = Lines()

    assert lines.feed(b'{"a":') == []
    assert lines.feed(b'1}\n\n{"b"') == [{"a": 1}]
    assert lines.feed(b":2}\n") == [{"b": 2}]
