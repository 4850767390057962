"""Which daemon is meant, and what to show it.

In this order: the URL that was given, the one of the environment (FLUX_URL, the chosen context), the
nearest `.flux/flux.sock` from the folder upward (that of `flux dev`), the user's, the machine's, and
at last the loopback port. The first socket that exists is the one, also when nobody answers at it:
talking to another daemon than yesterday without a word would be worse than an error.

A socket in a folder on the way up counts only if it belongs to this user or to root, so that nobody
can lay one into /tmp and be sent tokens. The token never comes from an argument.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from flux import config
from flux.errors import InvalidConfiguration
from flux.wire import sockets

DEFAULT_URL: Final = "http://127.0.0.1:8377"
MACHINE_SOCKET: Final = Path("/run/flux") / sockets.NAME
_PORTS: Final = {"http": 80, "https": 443}
_LOOPBACK: Final = re.compile(r"127(\.\d{1,3}){3}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a daemon listens: a Unix socket, or a host and port."""

    socket: str | None = None
    host: str = "localhost"
    port: int = 0
    tls: bool = False
    prefix: str = ""

    def __str__(self) -> str:
        if self.socket is not None:
            return f"unix:{self.socket}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{self.prefix}"

    @property
    def is_private(self) -> bool:
        """Whether nobody on a network can read along."""
        return self.socket is not None or self.tls or is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine and nothing else."""
    return host in ("localhost", "::1") or _LOOPBACK.fullmatch(host) is not None


def parse(url: str) -> Address:
    """The address that a URL names: `unix:/path`, `http://host:port`, `https://host`.

    Raises:
        InvalidConfiguration: it names none.
    """
    if url.startswith(("/", "./")):
        return Address(socket=url)
    parts = urlsplit(url)
    if parts.scheme == "unix" and parts.path and not parts.netloc:
        return Address(socket=parts.path)
    if parts.scheme not in _PORTS or not parts.hostname or parts.query or parts.username is not None:
        shown = repr(url) if "@" not in url else "one with a user name in it"
        raise InvalidConfiguration(f"the daemon's URL must be unix:/path or http(s)://host:port, got {shown}")
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError as exc:
        raise InvalidConfiguration(f"the daemon's URL has a port that is none: {url!r}") from exc
    return Address(host=parts.hostname, port=port, tls=parts.scheme == "https", prefix=parts.path.rstrip("/"))


def find(around: config.Client, url: str | None = None, *, machine_socket: Path = MACHINE_SOCKET) -> Address:
    """The address of the daemon that is meant, as the environment of this process tells it in `around`."""
    chosen = url or around.url
    if chosen:
        return _follow(parse(chosen))
    for path in (*_candidates(around), machine_socket):
        if path.exists():
            return _follow(Address(socket=str(path)))
    return parse(DEFAULT_URL)


def token(around: config.Client) -> str | None:
    """The credential of this process, or None.

    Raises:
        InvalidConfiguration: the file that should hold it cannot be read, or holds something else.
    """
    found = around.token
    if not found and around.token_file is not None:
        try:
            found = around.token_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise InvalidConfiguration(f"the token file {around.token_file} cannot be read: {exc}") from exc
    found = (found or "").strip()
    if not (found.isascii() and found.isprintable()) or " " in found:
        raise InvalidConfiguration("the token holds characters that no token has; is it the right file?")
    return found or None


def _candidates(around: config.Client) -> Iterator[Path]:
    for folder in (around.folder, *around.folder.parents):
        path = folder / ".flux" / sockets.NAME
        if _is_trusted(path):
            yield path
    if around.runtime is not None:
        yield around.runtime / "flux" / sockets.NAME


def _is_trusted(path: Path) -> bool:
    """Whether what is at `path` was put there by this user or by root."""
    try:
        return path.stat().st_uid in (os.geteuid(), 0)
    except OSError:
        return False


def _follow(address: Address) -> Address:
    """The address, or the one that a file in its place names."""
    if address.socket is None or not Path(address.socket).is_file():
        return address
    named = sockets.target(Path(address.socket).read_bytes()[:8192])
    if named is None:
        raise InvalidConfiguration(f"{address.socket} is neither a socket nor a file that names one")
    return Address(socket=named)
