"""Output: on whose behalf, in which order, and how much of it."""

import io
import logging
import threading
from collections.abc import Callable
from contextvars import copy_context

import pytest

from flux.clock import ManualClock
from flux.wire.frames import Log
from flux.worker.output import CHUNK, ORIGIN, LogHandler, Origin, Output, Stream


class Desk:
    """An output whose loop turns when the test says so."""

    def __init__(self, limit: int = 1000) -> None:
        self.logs: list[Log] = []
        self.due: list[Callable[[], None]] = []
        self.sole: Origin | None = None
        self.own = io.TextIOWrapper(io.BytesIO(), write_through=True)
        self.output = Output(self.logs.append, self.due.append, lambda: self.sole, ManualClock(), self.own, limit)

    def turn(self) -> None:
        """One turn of the loop."""
        due, self.due = self.due, []
        for callback in due:
            callback()

    def write(self, origin: Origin | None, *texts: str, stream: str = "stdout") -> None:
        """Have code of `origin` write."""

        def code() -> None:
            ORIGIN.set(origin)
            for text in texts:
                self.output.write(stream, text)

        copy_context().run(code)


@pytest.fixture
def desk() -> Desk:
    """With a limit of 1,000 bytes."""
    return Desk()


def first() -> Origin:
    """The second attempt of a task."""
    return Origin("e1", 1, "a#1", 2)


def second() -> Origin:
    """A workflow itself."""
    return Origin("e2", 1)


def test_what_one_turn_prints_leaves_together(desk: Desk):
    """In one frame for each origin and stream, in order."""
    task = first()
    desk.write(task, "a", "b\n")
    desk.write(second(), "x\n")
    desk.write(task, "oops\n", stream="stderr")
    desk.write(task, "c\n")
    assert desk.logs == []

    desk.turn()

    assert [(log.execution, log.call, log.attempt, log.stream, log.text) for log in desk.logs] == [
        ("e1", "a#1", 2, "stdout", "ab\nc\n"),
        ("e2", None, 0, "stdout", "x\n"),
        ("e1", "a#1", 2, "stderr", "oops\n"),
    ]


def test_the_loop_is_asked_for_a_turn_once(desk: Desk):
    """However much is printed in it."""
    for _ in range(10):
        desk.write(first(), "x")

    assert len(desk.due) == 1


def test_a_lot_leaves_in_pieces():
    """Before the turn ends, so that memory stays bounded."""
    desk = Desk(limit=10 * CHUNK)

    desk.write(first(), "x" * (2 * CHUNK + 1))

    assert [len(log.text) for log in desk.logs] == [CHUNK, CHUNK, 1]


def test_beyond_the_limit_there_is_one_line_that_says_so(desk: Desk):
    """Then silence, until the end of the attempt."""
    origin = Origin("e1", 1, "a#1", 1)
    for _ in range(30):
        desk.write(origin, "é" * 50)
    desk.turn()
    desk.write(origin, "more")
    desk.turn()

    assert "".join(log.text for log in desk.logs) == "é" * 500 + "\n… truncated\n"


def test_each_attempt_has_a_limit_of_its_own(desk: Desk):
    """A loud one does not silence the next."""
    desk.write(Origin("e1", 1, "a#1", 1), "x" * 2000)
    desk.write(Origin("e1", 1, "a#1", 2), "y")
    desk.turn()

    assert desk.logs[-1].text == "y"


def test_output_of_nobody_goes_to_the_only_execution(desk: Desk):
    """A raw thread has no context; with one execution there is no doubt."""
    desk.sole = second()
    thread = threading.Thread(target=desk.output.write, args=("stdout", "raw\n"))
    thread.start()
    thread.join()
    desk.turn()

    assert (desk.logs[0].execution, desk.logs[0].text) == ("e2", "raw\n")


def test_output_of_nobody_goes_to_the_workers_own_log_if_there_are_many(desk: Desk):
    """It is not lost, and nobody gets what is not his."""
    desk.write(None, "whose?\n")

    assert desk.logs == []
    assert desk.own.buffer.getvalue() == b"whose?\n"


def test_what_utf8_cannot_hold_is_replaced(desk: Desk):
    """A frame can always be sent."""
    desk.write(first(), "\ud800\n")
    desk.turn()

    assert desk.logs[0].text == "?\n"


def test_a_record_leaves_with_its_level(desk: Desk):
    """As the stream."""
    handler = LogHandler(desk.output)

    def code() -> None:
        ORIGIN.set(first())
        handler.handle(logging.makeLogRecord({"name": "mine", "levelname": "WARNING", "msg": "%d left", "args": (3,)}))

    copy_context().run(code)
    desk.turn()

    assert (desk.logs[0].stream, desk.logs[0].text) == ("WARNING", "mine: 3 left\n")


def test_a_stream_takes_text_only(tmp_path):
    """As every text stream does; print() uses it like any other."""
    with (tmp_path / "own").open("w") as own:
        desk = Desk()
        desk.sole = first()
        stream = Stream(desk.output, "stdout", own)

        print("a", "b", file=stream)
        with pytest.raises(TypeError, match="bytes"):
            stream.write(b"a")  # type: ignore[arg-type]
        desk.turn()

    assert desk.logs[0].text == "a b\n"
    assert (stream.writable(), stream.encoding, stream.isatty()) == (True, "utf-8", False)
