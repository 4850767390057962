"""Control sockets: whole messages with their descriptors, and no peer that blocks the sender."""

import os

import pytest

from flux.errors import ProtocolError
from flux.wire.control import Attached, Ping, Pong, Ready, from_launcher, to_launcher
from flux.worker.channel import MAX_WAITING, Channel


@pytest.fixture
def ends():
    """Two channels that talk to each other."""
    near, far = Channel.pair()
    other = Channel(far)
    yield near, other
    near.close()
    other.close()


def test_messages_keep_their_borders(ends):
    """Two messages sent are two messages received."""
    near, far = ends
    near.send(Ready())
    near.send(Pong())

    received = [from_launcher(far.receive()[0]) for _ in range(2)]

    assert received == [Ready(), Pong()]
    assert far.receive() is None


def test_descriptors_travel_with_their_message(ends):
    """And belong to the receiver alone afterwards; they do not survive an exec."""
    near, far = ends
    read, write = os.pipe()
    near.send(Attached(1), [write])

    _, (received,) = far.receive()

    assert not os.get_inheritable(received)
    os.write(received, b"x")
    os.close(received)
    assert os.read(read, 2) == b"x"
    assert os.read(read, 1) == b""  # nobody else holds it
    os.close(read)


def test_a_peer_that_does_not_read_does_not_block(ends):
    """What it does not take waits; it all arrives in the end."""
    near, far = ends
    sent = 0
    while near.send(Ping()):
        sent += 1
    sent += 1

    received = 0
    while far.receive() is not None:
        received += 1
    assert near.flush()
    while far.receive() is not None:
        received += 1

    assert received == sent


def test_a_peer_that_never_reads_counts_as_gone(ends):
    """What waits is bounded."""
    near, _ = ends
    while near.send(Ping()):
        continue
    for _ in range(MAX_WAITING - 1):
        near.send(Ping())

    with pytest.raises(EOFError, match="unread"):
        near.send(Ping())


def test_the_end_of_the_peer_is_told(ends):
    """On both ways."""
    near, far = ends
    far.close()

    with pytest.raises(EOFError):
        near.receive()
    with pytest.raises(EOFError):
        near.send(Ping())


def test_garbage_is_refused():
    """With whom it should have come from."""
    with pytest.raises(ProtocolError, match="daemon or worker"):
        to_launcher(b"\xc1")
