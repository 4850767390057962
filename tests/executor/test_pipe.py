"""The pipe: frames in order, one write a turn, and no peer that holds up the daemon."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from flux.executor.pipe import Pipe
from flux.wire.frames import Drain, Log, Release, Renewed, Splitter, from_daemon, pack


class Peer:
    """The other end of a pipe, and what the pipe told."""

    def __init__(self, limit: int = 64 * 1024 * 1024) -> None:
        near, self.socket = socket.socketpair()
        self.bodies: list[bytes] = []
        self.ends: list[str] = []
        self.told = asyncio.Event()
        self.pipe = Pipe(near, self._frames, self._end, limit)

    def _frames(self, bodies: list[bytes]) -> None:
        self.bodies += bodies
        self.told.set()

    def _end(self, reason: str) -> None:
        self.ends.append(reason)
        self.told.set()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """A pipe that is closed at the end."""
    peer = Peer()
    yield peer
    peer.pipe.close()
    peer.socket.close()


async def test_frames_of_one_turn_leave_in_one_write(peer: Peer):
    """Their bytes stand together before anything else can run."""
    for ttl in range(3):
        peer.pipe.send(Renewed(ttl))
    await asyncio.sleep(0)

    frames = [from_daemon(body) for body in Splitter().feed(peer.socket.recv(1000))]

    assert frames == [Renewed(0), Renewed(1), Renewed(2)]


async def test_received_frames_arrive_whole_and_in_order(peer: Peer):
    """However the bytes are cut."""
    data = pack(Renewed(1)) + pack(Release("e", 1))
    peer.socket.send(data[:3])
    await asyncio.sleep(0)
    peer.socket.send(data[3:])
    await peer.told.wait()

    assert [from_daemon(body) for body in peer.bodies] == [Renewed(1), Release("e", 1)]


async def test_a_peer_that_reads_slowly_gets_everything(peer: Peer):
    """What does not fit waits, and the daemon goes on."""
    text = Log("e", 1, None, 0, "stdout", 0, "x" * 1_000_000)
    for _ in range(5):
        peer.pipe.send(text)
    await asyncio.sleep(0)
    assert peer.pipe.waiting > 0

    splitter, bodies = Splitter(), 0
    while bodies < 5:
        bodies += len(splitter.feed(await asyncio.to_thread(peer.socket.recv, 1 << 20)))

    assert peer.ends == []


async def test_a_peer_that_reads_nothing_is_given_up():
    """Beyond the limit, and `send` itself never raises or blocks."""
    peer = Peer(limit=1_000_000)
    for _ in range(3):
        peer.pipe.send(Log("e", 1, None, 0, "stdout", 0, "x" * 1_000_000))

    await peer.told.wait()

    assert "unread" in peer.ends[0]
    peer.pipe.send(Drain())
    peer.socket.close()


async def test_the_end_of_the_stream_is_told_once(peer: Peer):
    """Without a reason: the peer broke no rule."""
    peer.socket.close()
    await peer.told.wait()
    peer.pipe.drain()

    assert peer.ends == [""]


async def test_a_frame_above_the_limit_ends_the_stream(peer: Peer):
    """It is refused by its length, before any of it is kept."""
    peer.socket.send(b"\xff\xff\xff\xff")
    await peer.told.wait()

    assert "limit" in peer.ends[0]


async def test_what_a_dead_peer_has_left_can_be_drained(peer: Peer):
    """Its last frames count as much as the others."""
    peer.socket.send(pack(Renewed(1)))
    peer.socket.close()

    peer.pipe.drain()

    assert [from_daemon(body) for body in peer.bodies] == [Renewed(1)]
