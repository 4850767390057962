"""The Unix socket: mode, left-overs, and paths that are too long."""

import socket
import stat
from pathlib import Path

import pytest

from flux.client.discovery import find
from flux.config import Client
from flux.errors import Conflict, InvalidConfiguration
from flux.server.unix import Place
from flux.wire import sockets


def reachable(path: Path) -> bool:
    """Whether somebody accepts there."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def left_over(path: Path) -> None:
    """What a daemon leaves that was killed."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))


def test_only_user_and_group_may_connect(short):
    """0660, and before anybody could connect."""
    place = Place.bind(short / "f.sock")

    mode = (short / "f.sock").stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660
    assert not reachable(short / "f.sock")
    place.socket.listen()
    assert reachable(short / "f.sock")
    place.remove()


def test_the_folder_is_made(short):
    """As for state: nobody has to prepare anything."""
    Place.bind(short / "a" / "b" / "f.sock").remove()

    assert (short / "a" / "b").is_dir()


def test_what_a_killed_daemon_left_is_replaced(short):
    """A socket file at which nobody answers is no daemon."""
    left_over(short / "f.sock")

    place = Place.bind(short / "f.sock")
    place.socket.listen()

    assert reachable(short / "f.sock")
    place.remove()
    assert not (short / "f.sock").exists()


def test_a_daemon_that_answers_is_left_alone(short):
    """Also one that is too busy to accept."""
    first = Place.bind(short / "f.sock")
    first.socket.listen(0)

    for _ in range(3):
        with pytest.raises(Conflict, match="another daemon answers"):
            Place.bind(short / "f.sock")

    assert (short / "f.sock").exists()
    first.remove()


def test_a_file_of_somebody_else_is_left_alone(short):
    """A wrong setting must not delete anything."""
    (short / "f.sock").write_text("precious")

    with pytest.raises(InvalidConfiguration, match="is no socket"):
        Place.bind(short / "f.sock")

    assert (short / "f.sock").read_text() == "precious"


def test_the_socket_of_the_next_daemon_is_not_removed(short):
    """A slow end of the old one does not cut off the new one."""
    old = Place.bind(short / "f.sock")
    (short / "f.sock").unlink()
    new = Place.bind(short / "f.sock")

    old.remove()

    assert (short / "f.sock").exists()
    new.remove()


@pytest.fixture
def deep(short: Path) -> Path:
    """A path that no socket can have."""
    path = short / ("x" * 60) / ("y" * 60) / ".flux" / sockets.NAME
    assert len(str(path)) > sockets.MAX_PATH
    return path


def test_a_path_that_is_too_long_gets_a_short_one_and_a_file_that_names_it(deep):
    """Clients that look in the folder find the daemon all the same."""
    place = Place.bind(deep)
    place.socket.listen()

    around = Client(folder=deep.parent.parent, runtime=None, url="", token="", token_file=None)
    assert find(around).socket == str(place.path)
    assert reachable(place.path)
    place.remove()
    assert not place.path.parent.exists()
    assert not deep.exists()


def test_a_pointer_that_was_left_over_is_replaced(deep):
    """With the folder it pointed to."""
    dead = Place.bind(deep)
    dead.socket.close()

    place = Place.bind(deep)

    assert not dead.path.parent.exists()
    assert sockets.target(deep.read_bytes()) == str(place.path)
    place.remove()


def test_a_pointer_to_a_daemon_that_answers_is_left_alone(deep):
    """The same rule as for the socket itself."""
    first = Place.bind(deep)
    first.socket.listen()

    with pytest.raises(Conflict, match="another daemon answers"):
        Place.bind(deep)

    first.remove()
    assert not deep.exists()


def test_a_place_that_cannot_be_is_said(short):
    """The reason of the system, in our words around it."""
    (short / "file").write_text("")

    with pytest.raises(InvalidConfiguration, match="cannot be made"):
        Place.bind(short / "file" / "f.sock")
