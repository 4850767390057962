"""HTTP from the standard library, blocking, over a Unix socket or TCP: what the CLI and `sync()` stand on.

One connection is kept open between requests, so a transport belongs to one thread. A connection that
the daemon has closed meanwhile is noticed before it is used, so that no request is sent twice. The token
goes only where nobody can read along. Errors of the system become `Unreachable`, answers that are
problems become the errors they carry.
"""

import contextlib
import http.client
import select
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from flux.client.calls import Call
from flux.client.discovery import Address
from flux.client.problems import error_of
from flux.errors import InvalidConfiguration, Unreachable

CONNECT: Final = 10.0  # seconds; a daemon that is up accepts within a millisecond
PIECE: Final = 65_536
AGENT: Final = "flux-python"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A good answer: below status 400."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Unix(http.client.HTTPConnection):
    """A connection to a Unix socket. The host goes into the header only."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        """Connect, within the timeout."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(CONNECT)
        self.sock.connect(self._path)


class Transport:
    """Sends calls to one daemon."""

    def __init__(self, address: Address, token: str | None = None) -> None:
        refuse_clear_text(address, token)
        self.address = address
        self._headers = {"User-Agent": AGENT, "Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, call: Call[object]) -> Answer:
        """The answer to a call.

        Raises:
            Unreachable: nobody answers, or not in time.
            FluxError: the daemon refused; the class says why.
        """
        connection = self._connection
        if connection is None or _is_closed(connection):
            self.close()
            connection = self._connection = self._connect()
        try:
            response = self._send(connection, call)
            body = self._read(response)
        except BaseException:
            self.close()  # half an answer may be left in it
            raise
        if response.will_close:
            self.close()
        if response.status >= 400:
            raise error_of(response.status, body)
        return Answer(status=response.status, headers=dict(response.headers), body=body)

    @contextlib.contextmanager
    def open(self, call: Call[object]) -> Iterator[Iterator[bytes]]:
        """The pieces of a streamed answer, on a connection of its own that is closed with the block.

        Raises:
            Unreachable: nobody answers; while reading, that the stream broke.
            FluxError: the daemon refused.
        """
        connection = self._connect()
        try:
            response = self._send(connection, call)
            if response.status >= 400:
                raise error_of(response.status, self._read(response))
            yield self._pieces(response)
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> http.client.HTTPConnection:
        address = self.address
        connection: http.client.HTTPConnection
        if address.socket is not None:
            connection = _Unix(address.socket)
        elif address.tls:
            connection = http.client.HTTPSConnection(address.host, address.port, timeout=CONNECT)
        else:
            connection = http.client.HTTPConnection(address.host, address.port, timeout=CONNECT)
        try:
            with self._translated():
                connection.connect()
        except Unreachable:
            connection.close()
            raise
        return connection

    def _send(self, connection: http.client.HTTPConnection, call: Call[object]) -> http.client.HTTPResponse:
        with self._translated():
            connection.sock.settimeout(call.patience)
            path = self.address.prefix + call.path
            connection.request(call.method, path, body=call.body, headers={**self._headers, **call.headers})
            return connection.getresponse()

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        with self._translated():
            return response.read()

    def _pieces(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        with self._translated():
            while piece := response.read1(PIECE):
                yield piece

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Errors of the system and of the grammar, as ours."""
        try:
            yield
        except TimeoutError as exc:
            raise Unreachable(f"the daemon at {self.address} does not answer in time", url=str(self.address)) from exc
        except (OSError, http.client.HTTPException) as exc:
            raise Unreachable(reason(self.address, exc), url=str(self.address), hint=hint(self.address, exc)) from exc


def _is_closed(connection: http.client.HTTPConnection) -> bool:
    """Whether the other side has closed: an idle connection with something to read can only have ended."""
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


def refuse_clear_text(address: Address, token: str | None) -> None:
    """Raise InvalidConfiguration if somebody on the network could read the token."""
    if token and not address.is_private:
        raise InvalidConfiguration(f"{address} would carry the token in clear text over the network: use https")


def reason(address: Address, exc: Exception) -> str:
    """Why nobody could be reached, in words."""
    if isinstance(exc, FileNotFoundError):
        return f"no daemon listens at {address}: there is no such socket"
    if isinstance(exc, ConnectionRefusedError):
        return f"no daemon answers at {address}"
    if isinstance(exc, PermissionError):
        return f"this user may not open {address}"
    if isinstance(exc, OSError):
        return f"the daemon at {address} cannot be reached: {exc.strerror or exc}"
    return f"the daemon at {address} broke off"


def hint(address: Address, exc: Exception) -> str:
    """What to do about it."""
    if isinstance(exc, PermissionError) and address.socket is not None:
        return "join the group that owns the socket, or use TCP with an API key"
    return "start one with `flux dev`, or name another with --url or FLUX_URL"
