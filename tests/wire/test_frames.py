"""Frames between daemon and workers: what is packed can be unpacked, what is none is refused."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux.core import report as core
from flux.errors import ProtocolError
from flux.wire.frames import (
    MAX_FRAME,
    Ack,
    Begin,
    Drain,
    End,
    Fact,
    Forget,
    Frame,
    Grant,
    Heartbeat,
    Hello,
    History,
    Idle,
    Input,
    Log,
    Recorded,
    Release,
    Released,
    Renewed,
    Report,
    Source,
    Splitter,
    Waiting,
    from_daemon,
    from_worker,
    pack,
    pack_events,
    unpack_events,
)

BY_DAEMON: list[Frame] = [
    Source("d1", "a.py", "/w", {"a.py": b"\x00\xff", "b/ä.py": b""}),
    Grant("E1", 3, "a.b.c", "billing", "invoice", "d1", 1_700_000_000_000, 1_600_000_000_000, "p1"),
    History("E1", 3, True, pack_events([(1, 2, 3, None, None, None, 0, 0, None, None, None)])),
    Ack("E1", 3, 7, 40, 2**53 - 1, (0, 2), True),
    Ack("E1", 3, 7, 40, 0),
    Input("E1", 3, 41, 42, "~t#1", 5, None),
    Input("E1", 3, 41, 41, "pause:a#1", 5, b'{"x":1}'),
    Release("E1", 3),
    Forget("E1", 3),
    Renewed(30_000),
    Drain(),
]
WHOLE = Report(
    "E1",
    3,
    99,
    7,
    (Fact(21, "a#1", 1, 5, 4, "b#1", '{"delay":5}', b"\x00"), Fact(22, "a#1", 1, 5, 4)),
    (
        Begin(20, "c#1", "c", 1, "loop", "a#1", b"12345678", b"[[],{}]", 1_000, True),
        Begin(20, "d#1", "d", 1, "process"),
    ),
    (Waiting("~t#1", "timer", True, due=9), Waiting("p#1", "pause", True, name="ship", payload=b"1")),
    Idle(4),
    End(11, 4, 5, None, b"1"),
    "a.b.c",
)
BY_WORKER: list[Frame] = [
    Hello("w1", 4_242, 1),
    WHOLE,
    Report("E1", 3, 99, 8),
    Released("E1", 3),
    Heartbeat(5),
    Heartbeat(5, "E1", "a#1", 2, 900),
    Log("E1", 3, None, 0, "stdout", 5, "ä\n"),
]
GARBAGE = [
    b"",
    b"\x00",
    b"\xff" * 40,
    b"GET / HTTP/1.1\r\n",
    msgspec.msgpack.encode([]),
    msgspec.msgpack.encode(["Nobody", 1]),
    msgspec.msgpack.encode({"frame": "Drain"}),
    msgspec.msgpack.encode(["Released", "E1"]),
    msgspec.msgpack.encode(["Released", 7, "three"]),
    msgspec.msgpack.encode(["Release", None, 3]),
    msgspec.msgpack.encode(["Released", "E1", 3]) + b"\x00",
    b"\x91" * 100_000,
]


def body(frame: Frame) -> bytes:
    """The bytes behind the length."""
    return pack(frame)[4:]


# ---------------------------------------------------------------------- one frame


@pytest.mark.parametrize("frame", BY_DAEMON, ids=lambda frame: type(frame).__name__)
def test_what_a_daemon_says_reaches_its_worker(frame: Frame):
    """Every field of it, and what was left out as what it stands for."""
    assert from_daemon(body(frame)) == frame


@pytest.mark.parametrize("frame", BY_WORKER, ids=lambda frame: type(frame).__name__)
def test_what_a_worker_says_reaches_its_daemon(frame: Frame):
    """Every field of it, and what was left out as what it stands for."""
    assert from_worker(body(frame)) == frame


def test_every_kind_of_frame_is_tried_here():
    """A new one must be added to the tables above."""
    tried = {type(frame) for frame in (*BY_DAEMON, *BY_WORKER)}

    assert tried == set(Frame.__subclasses__())


def test_the_length_stands_in_front_in_four_bytes():
    """Big-endian: a peer in another language reads the same."""
    packed = pack(Forget("E1", 3))

    assert int.from_bytes(packed[:4], "big") == len(packed) - 4


@pytest.mark.parametrize("frame", BY_WORKER, ids=lambda frame: type(frame).__name__)
def test_a_daemons_frames_are_no_workers(frame: Frame):
    """Each side takes only what the other may say."""
    with pytest.raises(ProtocolError, match="not a frame of a daemon"):
        from_daemon(body(frame))


@pytest.mark.parametrize("frame", BY_DAEMON, ids=lambda frame: type(frame).__name__)
def test_a_workers_frames_are_no_daemons(frame: Frame):
    """The same the other way round."""
    with pytest.raises(ProtocolError, match="not a frame of a worker"):
        from_worker(body(frame))


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda garbage: garbage[:12].hex() or "nothing")
def test_garbage_breaks_the_protocol_and_nothing_else(garbage: bytes):
    """Whatever arrives, one error of ours says that it is no frame."""
    for read in (from_daemon, from_worker):
        with pytest.raises(ProtocolError):
            read(garbage)


@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_break_the_protocol(data: bytes):
    """There is no third way."""
    for read in (from_daemon, from_worker):
        try:
            assert isinstance(read(data), Frame)
        except ProtocolError:
            continue


@settings(deadline=None)
@given(where=st.integers(0, 10_000), change=st.integers(1, 255))
def test_a_flipped_byte_is_another_frame_or_none(where: int, change: int):
    """But never an error that nobody foresaw."""
    data = bytearray(body(WHOLE))
    data[where % len(data)] ^= change
    try:
        assert isinstance(from_worker(bytes(data)), Frame)
    except ProtocolError:
        return


def test_a_frame_above_the_limit_is_not_sent():
    """Its sender is told, by its size."""
    with pytest.raises(ProtocolError, match=f"above the limit of {MAX_FRAME}"):
        pack(Log("E1", 3, None, 0, "stdout", 5, "x" * (MAX_FRAME + 1)))


def test_a_report_of_the_wire_is_a_report_of_the_core():
    """The engine reads frames by the shapes that the core names; mypy checks the fields."""
    as_the_engine_sees_it: core.Report = WHOLE

    assert as_the_engine_sees_it.facts[0].call == "a#1"


# ---------------------------------------------------------------------- histories


def test_a_history_is_what_the_rows_say():
    """Rows of the file go over as they are."""
    row = (1, 20, 5, "a#1", None, "a", 2, 0, b"12345678", '{"delay":1}', b"\x00")

    assert unpack_events(pack_events([row])) == [Recorded(*row)]
    assert unpack_events(pack_events([])) == []


@pytest.mark.parametrize("events", [b"", b"x", pack_events([(1, 2)]), msgspec.msgpack.encode({"a": 1})])
def test_a_history_that_is_none_breaks_the_protocol(events: bytes):
    """A worker does not guess."""
    with pytest.raises(ProtocolError, match="not a history"):
        unpack_events(events)


# ---------------------------------------------------------------------- a stream of frames


@settings(deadline=None)
@given(bodies=st.lists(st.binary(max_size=300), max_size=12), cuts=st.lists(st.integers(0, 4_000), max_size=20))
def test_a_stream_is_cut_into_the_frames_that_were_sent(bodies: list[bytes], cuts: list[int]):
    """However the bytes arrive: together, one by one, or cut inside a length."""
    stream = b"".join(len(one).to_bytes(4, "big") + one for one in bodies)
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    splitter = Splitter()

    found = [one for start, end in pairwise(places) for one in splitter.feed(stream[start:end])]

    assert found == bodies
    assert splitter.pending == 0


def test_bytes_may_come_one_by_one():
    """The frame is there with its last byte, and not before."""
    splitter = Splitter()
    packed = pack(Forget("E1", 3))
    found = [splitter.feed(packed[place : place + 1]) for place in range(len(packed))]

    assert found[:-1] == [[]] * (len(packed) - 1)
    assert found[-1] == [packed[4:]]


def test_what_has_not_arrived_whole_is_counted():
    """A peer that goes away in the middle of a frame left something behind."""
    splitter = Splitter()

    assert splitter.feed(pack(Drain()) + b"\x00\x00\x00\x05abc") == [body(Drain())]
    assert splitter.pending == 7


@pytest.mark.parametrize("size", [MAX_FRAME + 1, 2**32 - 1])
def test_an_oversized_frame_is_refused_when_it_is_announced(size: int):
    """Before a single byte of it is kept; what came before it was delivered in its own turn."""
    splitter = Splitter()

    assert splitter.feed(pack(Drain())) == [body(Drain())]
    with pytest.raises(ProtocolError, match=f"{size} bytes is announced"):
        splitter.feed(size.to_bytes(4, "big"))


def test_a_frame_of_exactly_the_limit_is_taken():
    """The limit is the largest that may be, not the smallest that may not."""
    splitter = Splitter(limit=10)

    assert splitter.feed(b"\x00\x00\x00\x0a" + b"x" * 10) == [b"x" * 10]
    with pytest.raises(ProtocolError):
        splitter.feed(b"\x00\x00\x00\x0b")


def test_a_large_frame_in_many_pieces_comes_out_whole():
    """Nothing is looked at before its last byte is there."""
    one = bytes(range(256)) * 8_192
    packed = len(one).to_bytes(4, "big") + one
    splitter = Splitter()
    found = []
    for start in range(0, len(packed), 65_521):
        found += splitter.feed(packed[start : start + 65_521])

    assert found == [one]
