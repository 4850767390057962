"""What the daemon says about itself."""

import io
import json
import logging
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flux.telemetry import JsonLines, Notifier, start_logging


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The product's logger as it was before."""
    logger = logging.getLogger("flux")
    before = logger.handlers[:], logger.level, logger.propagate
    logger.propagate = True
    yield
    logger.handlers[:], logger.level, logger.propagate = before


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def a_record(message: str, **more: object) -> logging.LogRecord:
    """A record of the logger `flux.test`."""
    record = logging.LogRecord("flux.test", logging.WARNING, "x.py", 1, message, (), None)
    vars(record).update(more)
    return record


def test_a_program_reads_one_json_object_a_line():
    """Instant, level, logger, message."""
    stream = io.StringIO()
    start_logging(stream)
    logging.getLogger("flux.test").warning("ä %s\nsecond line", 7)
    logging.getLogger("flux.test").debug("not this")

    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert (told["level"], told["logger"], told["message"]) == ("WARNING", "flux.test", "ä 7\nsecond line")
    assert told["time"].endswith("+00:00")


def test_a_person_reads_lines():
    """On a terminal."""
    stream = Terminal()
    start_logging(stream)
    logging.getLogger("flux.test").warning("hello")

    assert "WARNING flux.test: hello" in stream.getvalue()


def test_starting_twice_says_things_once():
    """The second time replaces the first."""
    first, second = io.StringIO(), io.StringIO()
    start_logging(first)
    start_logging(second)
    logging.getLogger("flux").warning("x")

    assert first.getvalue() == ""
    assert len(second.getvalue().splitlines()) == 1


def test_without_a_stream_it_is_standard_error_of_the_moment(monkeypatch: pytest.MonkeyPatch):
    """Not what it was when the module was imported."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    start_logging()
    logging.getLogger("flux").warning("x")

    assert "x" in stream.getvalue()


def test_a_traceback_is_kept_whoever_has_rendered_it():
    """By the record itself, or by a filter that has taken secrets out of it."""
    try:
        raise ValueError("on purpose")
    except ValueError:
        raised = json.loads(JsonLines().format(a_record("x", exc_info=sys.exc_info())))
    scrubbed = json.loads(JsonLines().format(a_record("x", exc_text="Traceback: ***")))

    assert "ValueError: on purpose" in raised["traceback"]
    assert scrubbed["traceback"] == "Traceback: ***"


def test_a_name_that_is_no_text_stops_no_log():
    """Files may be called anything; the line can be written all the same."""
    line = JsonLines().format(a_record("file \udcff.py"))

    assert line.encode()
    assert json.loads(line)["message"] == "file \udcff.py"


def test_systemd_is_told_in_one_datagram(tmp_path: Path):
    """Each assignment a line."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        Notifier(str(tmp_path / "notify")).tell("READY=1", "STATUS=fine")

        assert manager.recv(100) == b"READY=1\nSTATUS=fine"


def test_an_abstract_address_begins_with_an_at():
    """As systemd writes it."""
    name = f"flux-test-{id(object())}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        Notifier(f"@{name}").tell("WATCHDOG=1")

        assert manager.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", [None, ""])
def test_without_a_manager_nothing_is_said(address: str | None, caplog: pytest.LogCaptureFixture):
    """Most daemons run without one."""
    Notifier(address).tell("READY=1")

    assert caplog.text == ""


def test_a_manager_that_is_gone_is_no_reason_to_stop(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """One line says that it cannot be told."""
    Notifier(str(tmp_path / "nobody")).tell("READY=1")

    assert "systemd cannot be told READY=1" in caplog.text
