"""The worker's stream: whole frames in order, whoever sends."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator

import pytest

from flux.wire.frames import Drain, Heartbeat, Log, Renewed, Splitter, from_worker, pack
from flux.worker.connection import BROKEN, Connection


class Ends:
    """A connection, and the daemon's end of it."""

    def __init__(self) -> None:
        near, self.daemon = socket.socketpair()
        self.frames: asyncio.Queue[object] = asyncio.Queue()
        self.lost: asyncio.Queue[int] = asyncio.Queue()
        self.connection = Connection(near, asyncio.get_running_loop(), self.frames.put_nowait, self._lose)
        self._near = near

    def _lose(self, code: int) -> None:
        asyncio.get_running_loop().remove_reader(self._near.fileno())
        self.lost.put_nowait(code)

    async def read(self, count: int) -> list[object]:
        """The next frames that the daemon gets."""
        splitter = Splitter()
        bodies: list[bytes] = []
        while len(bodies) < count:
            bodies += splitter.feed(await asyncio.to_thread(self.daemon.recv, 1 << 20))
        return [from_worker(body) for body in bodies]

    def close(self) -> None:
        """End both."""
        asyncio.get_running_loop().remove_reader(self._near.fileno())
        asyncio.get_running_loop().remove_writer(self._near.fileno())
        self._near.close()
        self.daemon.close()


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    """Two ends that are closed afterwards."""
    ends = Ends()
    yield ends
    ends.close()


def a_log(n: int, size: int = 1) -> Log:
    """Output number `n`."""
    return Log("e", 1, None, n, "stdout", 0, "x" * size)


async def test_frames_of_one_turn_leave_in_one_write(ends: Ends):
    """Nothing leaves before the turn ends."""
    ends.daemon.setblocking(False)
    ends.connection.send(a_log(1))
    ends.connection.send(a_log(2))
    with pytest.raises(BlockingIOError):
        ends.daemon.recv(1)

    await asyncio.sleep(0)

    assert ends.daemon.recv(1 << 16) == pack(a_log(1)) + pack(a_log(2))


async def test_a_frame_of_another_thread_leaves_while_the_loop_is_held(ends: Ends):
    """With all that was given before it; that is how a hang is told."""
    ends.connection.send(a_log(1))
    thread = threading.Thread(target=ends.connection.send_now, args=(Heartbeat(5),))
    thread.start()
    thread.join()  # the loop does not turn meanwhile

    assert ends.daemon.recv(1 << 16) == pack(a_log(1)) + pack(Heartbeat(5))


async def test_threads_and_the_loop_never_mix_their_bytes(ends: Ends):
    """Large frames, a slow daemon, four threads: every frame arrives whole, and in its sender's order."""

    def flood(sender: int) -> None:
        for n in range(20):
            ends.connection.send_now(Heartbeat(n, "e", str(sender)))

    threads = [threading.Thread(target=flood, args=(sender,)) for sender in range(4)]
    for n in range(10):
        ends.connection.send(a_log(n, 300_000))
    for thread in threads:
        thread.start()

    frames = await ends.read(90)

    assert [frame.attempt for frame in frames if isinstance(frame, Log)] == list(range(10))
    for sender in range(4):
        ages = [frame.age for frame in frames if isinstance(frame, Heartbeat) and frame.call == str(sender)]
        assert ages == list(range(20))
    for thread in threads:
        thread.join()


async def test_received_frames_are_handed_over(ends: Ends):
    """In order."""
    ends.daemon.send(pack(Renewed(1)) + pack(Drain()))

    assert [await ends.frames.get(), await ends.frames.get()] == [Renewed(1), Drain()]


async def test_the_end_of_the_stream_is_the_end(ends: Ends):
    """With code 0: the daemon went, the worker did nothing wrong."""
    ends.daemon.shutdown(socket.SHUT_RDWR)

    assert await ends.lost.get() == 0


async def test_garbage_is_the_end(ends: Ends, capsys: pytest.CaptureFixture[str]):
    """A stream that is out of step is never repaired."""
    ends.daemon.send(b"\x00\x00\x00\x01\xc1")

    assert await ends.lost.get() == BROKEN
    assert "ProtocolError" in capsys.readouterr().err


async def test_finish_sends_all_that_waits(ends: Ends):
    """Before the process ends, also what the socket would not take at once."""
    expected = pack(a_log(1, 1_000_000))
    received = bytearray()

    def read() -> None:
        while len(received) < len(expected):
            received.extend(ends.daemon.recv(1 << 16))

    ends.connection.send(a_log(1, 1_000_000))
    await asyncio.sleep(0)
    thread = threading.Thread(target=read)
    thread.start()

    ends.connection.finish()

    thread.join()
    assert received == expected
