"""The grammar of event streams."""

import random

import pytest

from flux.errors import ProtocolError
from flux.wire import sse
from flux.wire.sse import Message, Parser, encode, mark


def test_what_is_encoded_is_parsed_again():
    """A message survives the wire with its name, its data and its position."""
    parser = Parser()

    messages = parser.feed(encode("task", b'{"a":1}', 17))

    assert messages == [Message(event="task", data='{"a":1}', id="17")]


def test_data_of_several_lines_stays_whole():
    """Line ends inside the data must not end the message."""
    assert Parser().feed(encode("x", b"one\ntwo\r\nthree")) == [Message(event="x", data="one\ntwo\nthree", id="")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("seed", range(20))
def test_pieces_of_any_size_give_the_same_messages(end, seed):
    """A stream may be cut anywhere, also inside a line end or a character."""
    stream = end.join(
        [
            b": hello",
            b"id: 4",
            b"event: task",
            "data: grün".encode(),
            b"data:  two",
            b"",
            b"id: 5",
            b"",
            b"data: x",
            b"",
            b"",
        ]
    )
    choose = random.Random(seed)
    parser, messages, at = Parser(), [], 0
    while at < len(stream):
        size = choose.randint(1, 7)
        messages += parser.feed(stream[at : at + size])
        at += size

    assert messages == [Message(event="task", data="grün\n two", id="4"), Message(event="message", data="x", id="5")]


def test_a_mark_moves_the_reader_on_and_delivers_nothing():
    """A quiet stream can tell its readers where they are."""
    parser = Parser()

    assert parser.feed(mark(99)) == []
    assert parser.last_id == "99"


def test_a_heartbeat_is_no_message():
    """What only keeps the connection alive is never delivered."""
    parser = Parser("7")

    assert parser.feed(sse.HEARTBEAT) == []
    assert parser.last_id == "7"


def test_a_message_that_is_cut_off_is_never_delivered():
    """Half a message at the end of a broken stream is dropped; its id does not count, so it is asked for again."""
    parser = Parser("2")

    assert parser.feed(encode("task", b"1", 3)[:-1]) == []
    assert parser.last_id == "2"


def test_odd_fields_are_ignored():
    """Unknown fields, an id with a NUL and a retry that is no number change nothing."""
    parser = Parser("1")

    messages = parser.feed(b"\xef\xbb\xbfwhat: ever\nid: a\0b\nretry: soon\nretry: 1500\ndata\n\n")

    assert messages == [Message(event="message", data="", id="1")]
    assert (parser.last_id, parser.retry) == ("1", 1500)


def test_a_message_without_end_is_refused():
    """A peer cannot fill the memory with one message."""
    parser = Parser(limit=1000)

    with pytest.raises(ProtocolError, match="larger than 1000 bytes"):
        parser.feed(b"data: " + b"x" * 500 + b"\ndata: " + b"x" * 600)


def test_bytes_that_are_no_text_are_refused():
    """A stream is UTF-8 or it is nothing."""
    with pytest.raises(ProtocolError, match="UTF-8"):
        Parser().feed(b"data: \xff\n\n")
