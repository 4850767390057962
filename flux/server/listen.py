"""Listening: the Unix socket, loopback TCP, and the end of both.

Beyond loopback nothing is offered without TLS, unless a proxy in front ends it. What arrives and is not
even HTTP is answered by a problem, and never logged with its bytes.
"""

import asyncio
import logging
import socket
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from aiohttp import web

from flux.clock import SYSTEM
from flux.errors import Conflict, InvalidConfiguration
from flux.ids import new_ulid
from flux.server import problems
from flux.server.discretion import be_discreet
from flux.server.services import DESK
from flux.server.unix import Place

BACKLOG: Final = 1024  # connections that wait to be accepted; above it clients of a Unix socket are refused
KEEP_ALIVE: Final = 75.0  # seconds for which an idle connection stays open, and a half-sent request is waited for
_LOG: Final = logging.getLogger("flux.server")
_SILENT: Final = logging.getLogger("flux.server.access")  # the framework wants one; a line a request costs too much
_SILENT.disabled = True


class Server:
    """A running server. `port` is the one of TCP, 0 if it does not listen there."""

    def __init__(self, runner: web.AppRunner, place: Place) -> None:
        self._runner = runner
        self._place = place
        self._listeners: list[asyncio.Server] = []
        self.port = 0

    @property
    def socket_path(self) -> Path:
        """Where the Unix socket really is."""
        return self._place.path

    def add(self, listener: asyncio.Server) -> None:
        """Close this one too, in the end."""
        self._listeners.append(listener)

    async def close(self, drain_seconds: float = 0.0) -> None:
        """Accept nobody any more, end waits and streams, let other requests end, at most so many seconds."""
        for listener in self._listeners:
            listener.close()
        self._place.remove()
        self._runner.app[DESK].close()
        manager = self._runner.server
        if manager is not None:
            manager.pre_shutdown()
            await manager.shutdown(drain_seconds)
        await self._runner.cleanup()


class Connection(web.RequestHandler):
    """One connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that never reached the application."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        request_id = new_ulid(SYSTEM.now())
        if status >= 500 and exc is not None:
            found = problems.of_fault(exc, request_id)
        else:
            _LOG.info("request %s: malformed HTTP from %s", request_id, request.remote or "the Unix socket")
            found = problems.problem("malformed_http", "", request_id)
        answer = problems.response(found)
        answer.force_close()
        return answer


async def serve(
    app: web.Application,
    unix_path: Path,
    tcp: str | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    behind_proxy: bool = False,
) -> Server:
    """The server of `app`, accepting on the Unix socket at `unix_path` and on `tcp` (`host:port`).

    Args:
        behind_proxy: another program ends TLS in front of us.

    Raises:
        Conflict: another daemon answers at the socket, or the port is taken.
        InvalidConfiguration: the path cannot be a socket, or `tcp` would be open to a network without TLS.
    """
    address = None if tcp is None else parse(tcp)
    if address is not None and tls is None and not behind_proxy:
        refuse_exposure(address[0])
    be_discreet()
    place = Place.bind(unix_path)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    server = Server(runner, place)
    try:
        await runner.setup()
        await _listen(server, runner, place, address, tls)
    except BaseException:
        await server.close()
        raise
    return server


async def _listen(
    server: Server, runner: web.AppRunner, place: Place, address: tuple[str, int] | None, tls: ssl.SSLContext | None
) -> None:
    loop = asyncio.get_running_loop()
    manager = runner.server
    assert manager is not None, "set up just now"  # noqa: S101 - a fact about the framework

    def connection() -> Connection:
        return Connection(manager, loop=loop, access_log=_SILENT, keepalive_timeout=KEEP_ALIVE)

    server.add(await loop.create_unix_server(connection, sock=place.socket, backlog=BACKLOG))
    if address is None:
        return
    host, port = address
    try:
        listener = await loop.create_server(connection, host, port, ssl=tls, backlog=BACKLOG)
    except OSError as exc:
        raise Conflict(f"cannot listen on {host}:{port}: {exc.strerror or exc}") from exc
    server.add(listener)
    server.port = listener.sockets[0].getsockname()[1]


def parse(tcp: str) -> tuple[str, int]:
    """Host and port of `host:port`.

    Raises:
        InvalidConfiguration: it is something else.
    """
    host, _, port = tcp.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise InvalidConfiguration(f"server.tcp must be host:port, got {tcp!r}", key="server.tcp")
    return host.strip("[]"), int(port)


def refuse_exposure(host: str) -> None:
    """Raise InvalidConfiguration if somebody on a network could talk to `host`."""
    try:
        addresses = {str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError as exc:
        raise InvalidConfiguration(f"server.tcp: {host!r} is no address of this machine", key="server.tcp") from exc
    if not all(ip_address(address.partition("%")[0]).is_loopback for address in addresses):
        raise InvalidConfiguration(
            f"server.tcp: {host} can be reached from a network, and there is no TLS; listen on 127.0.0.1, or set "
            "server.behind_proxy if a program in front of the daemon ends TLS",
            key="server.tcp",
        )
