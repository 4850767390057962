"""Which daemon is meant, and what may be shown to it."""

import os
import socket
from pathlib import Path

import pytest

from flux.client.discovery import DEFAULT_URL, Address, find, parse, token
from flux.client.transport import Transport
from flux.config import Client
from flux.errors import InvalidConfiguration
from flux.wire import sockets


def around(folder: Path, **more: object) -> Client:
    """What the environment says: nothing, unless told."""
    settings: dict[str, object] = {"folder": folder, "runtime": None, "url": "", "token": "", "token_file": None}
    return Client(**{**settings, **more})  # type: ignore[arg-type]  # builder


def a_socket(path: Path) -> Path:
    """A socket file that nobody answers at."""
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
    return path


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("unix:/run/f.sock", "unix:/run/f.sock"),
        ("unix:///run/f.sock", "unix:/run/f.sock"),
        ("/run/f.sock", "unix:/run/f.sock"),
        ("http://127.0.0.1:8377", "http://127.0.0.1:8377"),
        ("http://[::1]:80/", "http://[::1]:80"),
        ("https://flux.example/base/", "https://flux.example:443/base"),
    ],
)
def test_urls_of_every_kind(url, shown):
    """Sockets and TCP, with and without a path in front of the API."""
    assert str(parse(url)) == shown


@pytest.mark.parametrize(
    "url",
    ["", "flux", "ftp://x", "http://", "unix:", "http://x:99999", "http://user:pass@x", "http://x?a=1"],
)
def test_what_is_no_url_is_refused(url):
    """The message shows what would be one."""
    with pytest.raises(InvalidConfiguration):
        parse(url)


def test_what_was_given_wins(short):
    """The flag before the variable, the variable before everything that lies around."""
    a_socket(short / ".flux" / "flux.sock")
    env = around(short, url="http://127.0.0.1:2")

    assert find(env, "http://127.0.0.1:1").port == 1
    assert find(env).port == 2


def test_the_nearest_socket_upward_is_the_one(short):
    """`flux dev` in a project is found from any folder in it."""
    outer = a_socket(short / ".flux" / "flux.sock")
    inner = a_socket(short / "a" / ".flux" / "flux.sock")

    assert find(around(short / "a" / "b" / "c")).socket == str(inner)
    assert find(around(short / "b")).socket == str(outer)


def test_then_the_users_then_the_machines_then_loopback(short):
    """The order of the documentation."""
    empty, runtime, machine = short / "empty", short / "run", short / "m" / "flux.sock"

    assert str(find(around(empty), machine_socket=machine)) == DEFAULT_URL
    a_socket(machine)
    assert find(around(empty), machine_socket=machine).socket == str(machine)
    users = a_socket(runtime / "flux" / "flux.sock")
    assert find(around(empty, runtime=runtime), machine_socket=machine).socket == str(users)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_socket_that_somebody_else_laid_on_the_way_is_ignored(short):
    """Nobody can be sent tokens by laying a socket into /tmp."""
    planted = a_socket(short / ".flux" / "flux.sock")
    os.chown(planted, 12345, 12345)

    assert str(find(around(short / "project"), machine_socket=short / "none")) == DEFAULT_URL


def test_a_file_in_place_of_the_socket_names_it(short):
    """A daemon in a deep folder listens elsewhere, and is found all the same."""
    real = a_socket(short / "real" / "flux.sock")
    pointer = short / ".flux" / "flux.sock"
    pointer.parent.mkdir()
    pointer.write_bytes(sockets.pointer(str(real)))

    assert find(around(short)).socket == str(real)
    assert find(around(short), f"unix:{pointer}").socket == str(real)


def test_a_file_that_names_nothing_is_an_error(short):
    """Not silently another daemon."""
    pointer = short / ".flux" / "flux.sock"
    pointer.parent.mkdir()
    pointer.write_text("hello")

    with pytest.raises(InvalidConfiguration, match="neither a socket nor a file that names one"):
        find(around(short))


def test_the_token_comes_from_the_variable_or_the_file(tmp_path):
    """White space around it is no part of it."""
    file = tmp_path / "token"
    file.write_text("flux_abc\n")

    assert token(around(tmp_path)) is None
    assert token(around(tmp_path, token_file=file)) == "flux_abc"
    assert token(around(tmp_path, token="flux_x ", token_file=file)) == "flux_x"


@pytest.mark.parametrize("content", [b"two words", b"a\nb", b"\xff\xfe", "tök".encode()])
def test_a_file_that_holds_no_token_is_refused(tmp_path, content):
    """A wrong file must not become a header."""
    file = tmp_path / "token"
    file.write_bytes(content)

    with pytest.raises(InvalidConfiguration):
        token(around(tmp_path, token_file=file))


def test_a_token_file_that_is_missing_is_named(tmp_path):
    """Going on without it would look like a wrong key."""
    with pytest.raises(InvalidConfiguration, match=r"none\.txt cannot be read"):
        token(around(tmp_path, token_file=tmp_path / "none.txt"))


@pytest.mark.parametrize(
    ("address", "private"),
    [
        (Address(socket="/x"), True),
        (Address(host="127.0.0.1", port=1), True),
        (Address(host="::1", port=1), True),
        (Address(host="localhost", port=1), True),
        (Address(host="flux.example", port=1, tls=True), True),
        (Address(host="flux.example", port=1), False),
        (Address(host="192.168.1.2", port=1), False),
    ],
)
def test_a_token_goes_only_where_nobody_can_read_along(address, private):
    """Clear text over a network is refused before anything is sent."""
    assert address.is_private is private
    if private:
        Transport(address, "flux_secret")
    else:
        with pytest.raises(InvalidConfiguration, match="use https"):
            Transport(address, "flux_secret")
