"""A daemon as a child of this process."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flux.cli.child import Daemon, Place, ended
from flux.client.blocking import SyncClient
from tests.cli.conftest import ROOT


@pytest.fixture
def quiet(place: Place, tmp_path: Path):
    """A folder of its own beside that of the other tests, and a file for the daemon's words."""
    folder = place.state.parent / tmp_path.name
    folder.mkdir()
    with (tmp_path / "log").open("wb") as log:
        yield Place(state=folder / "state", workflows=folder), log


def test_it_answers_and_ends_when_it_is_told(quiet) -> None:
    """Started, asked, stopped: nothing is left."""
    place, log = quiet
    daemon = Daemon.start(place, log=log, tcp="")
    with SyncClient(f"unix:{place.socket}") as client:
        assert daemon.answers(client)
        assert client.info()["pid"] == daemon.pid
    daemon.stop()

    assert daemon.wait() == 0
    assert not place.socket.exists()


def test_one_that_cannot_start_is_noticed(quiet) -> None:
    """Nobody waits for a daemon that has ended: here its state folder is a file."""
    place, log = quiet
    place.state.write_text("in the way")
    daemon = Daemon.start(place, log=log, tcp="")

    with SyncClient(f"unix:{place.socket}") as client:
        assert not daemon.answers(client)

    assert daemon.wait() > 0


def test_it_is_killed_at_once(quiet) -> None:
    """SIGKILL, and it is reaped."""
    place, log = quiet
    daemon = Daemon.start(place, log=log, tcp="")

    daemon.kill()

    assert daemon.wait() == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="pidfds and the parent's death signal are Linux")
def test_it_does_not_outlive_a_parent_that_was_killed(quiet) -> None:
    """`kill -9` of `flux dev` leaves no daemon behind."""
    place, log = quiet
    program = (
        "import sys\nfrom pathlib import Path\nfrom flux.cli.child import Daemon, Place\n"
        "from flux.client.blocking import SyncClient\n"
        f"place = Place(state=Path({str(place.state)!r}), workflows=Path({str(place.workflows)!r}))\n"
        "daemon = Daemon.start(place, tcp='')\n"
        "daemon.answers(SyncClient(f'unix:{place.socket}'))\n"
        "print(daemon.pid, flush=True)\nsys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        watched = os.pidfd_open(pid)
        parent.kill()
        gone, _, _ = select.select([watched], [], [], 30)
        os.close(watched)

    assert gone


def test_an_end_is_said_in_words() -> None:
    """An exit code, or the name of the signal."""
    assert ended(78) == "ended with exit code 78"
    assert ended(-9) == "was ended by SIGKILL"
