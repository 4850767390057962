"""Control messages: what goes over the wire comes back, and nothing else is taken."""

import pytest

from flux.errors import ProtocolError
from flux.wire import control
from flux.wire.control import Findings, LoadError, Settings, WorkflowFound, encode
from flux.wire.frames import Source

SOURCE = Source("d", "a.py", "/w", {"a.py": b"\x00\xff"})
FOUND = WorkflowFound(
    name="w",
    namespace=None,
    line=3,
    doc="d",
    tasks=["t"],
    exempt=["e"],
    options={"timeout": 1.5},
    input_schema={"type": "null"},
)


@pytest.mark.parametrize(
    ("message", "read"),
    [
        (control.SpawnWorker(1, "w"), control.to_launcher),
        (control.Want(1, "d"), control.to_launcher),
        (control.Spawned(1, 2, 3, "worker"), control.from_launcher),
        (control.Ended(2, None, 3, 4), control.from_launcher),
        (SOURCE, control.to_process),
        (control.Run("d", "m", "q", b"[]", {"metadata": {"attempt": 1}}), control.to_process),
        (control.Done(completed=True, payload=b"1"), control.from_process),
        (SOURCE, control.from_inspector),
        (Findings([FOUND], LoadError(type="T", message="m", file="f", line=1)), control.from_inspector),
    ],
    ids=lambda value: type(value).__name__ if not callable(value) else value.__name__,
)
def test_a_message_comes_back_as_it_was(message, read):
    """Type and content, bytes included."""
    assert read(encode(message)) == message


@pytest.mark.parametrize(
    "body", [b"", b"\xc1", b"\x91\xa4What", b"\x92\xa4Kill\xa1x"], ids=["empty", "no msgpack", "unknown", "wrong type"]
)
def test_what_is_no_message_is_refused(body):
    """With the name of the peer that sent it."""
    with pytest.raises(ProtocolError, match="daemon or worker"):
        control.to_launcher(body)


def test_a_message_of_the_other_direction_is_refused():
    """A worker cannot play the launcher."""
    with pytest.raises(ProtocolError):
        control.to_launcher(encode(control.Ready()))


def test_settings_pass_through_a_command_line():
    """As one argument."""
    settings = Settings(parent=1, processes=2, worker_memory=3, process_memory=4, heartbeat=5, output=6)

    assert control.settings_of_text(control.settings_to_text(settings)) == settings
