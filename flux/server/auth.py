"""Who is calling, asked before every handler: the middleware that puts a `Caller` into the request.

A Unix socket is believed about its user, a TCP connection about nothing: it shows an API key, names a
host that we answer for (a page of another site must not reach us by a name of its own), and does not come
from a page of another origin. An `Authorization` header counts wherever it comes from.

Who is at the other end of a connection is found out once per connection; what that principal may do is
asked anew for each request. Every failure looks the same from outside; repeated ones are answered late.
The header is never logged, here or elsewhere (`discretion.py`).
"""

import asyncio
import logging
import os
import socket
from dataclasses import dataclass
from typing import Final, NoReturn
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from flux.clock import SYSTEM, Clock
from flux.core.principal import Caller
from flux.engine.authenticator import Authenticator, LocalUser
from flux.errors import Busy, Denied, Unauthenticated
from flux.ids import new_ulid
from flux.server.peers import peer_of, refuse_descendant

CALLER: Final = web.RequestKey("caller", Caller)
REQUEST_ID: Final = web.RequestKey("request_id", str)

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
OPEN_PATHS: Final = frozenset({"/livez", "/readyz"})
_LOG: Final = logging.getLogger("flux.auth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What is let in.

    Attributes:
        hosts: names, without port, under which a TCP client may reach us.
        origins: web origins, such as `https://console.example`, besides our own.
        open_paths: paths that anybody may ask for.
        daemon: the process whose descendants run user code.
        delay: seconds by which a failure beyond the limit is answered late.
        most_delayed: answers held back at once; what comes beyond that is cut off, since more would cost
            us the descriptors that others need.
    """

    hosts: frozenset[str] = LOOPBACK
    origins: frozenset[str] = frozenset()
    open_paths: frozenset[str] = OPEN_PATHS
    daemon: int = 0
    delay: float = 1.0
    most_delayed: int = 256


class Porter:
    """Lets requests in. `middleware` stands behind the one that turns errors into answers."""

    def __init__(self, authenticator: Authenticator, door: Door, clock: Clock = SYSTEM) -> None:
        self._authenticator = authenticator
        self._door = door
        self._daemon = door.daemon or os.getpid()
        self._clock = clock
        self._users: WeakKeyDictionary[asyncio.BaseTransport, LocalUser] = WeakKeyDictionary()
        self._delayed = 0

    @property
    def middleware(self) -> Middleware:
        """For `web.Application(middlewares=…)`."""

        @web.middleware
        async def let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
            if REQUEST_ID not in request:
                request[REQUEST_ID] = new_ulid(self._clock.now())
            request_id = request[REQUEST_ID]
            if not _is_unix(request):
                self._check_host(request)
            self._check_origin(request)
            if request.path in self._door.open_paths:
                return await handler(request)
            caller = request[CALLER] = await self._caller(request, request_id)
            try:
                return await handler(request)
            except Denied as denied:
                await self._authenticator.note_denied(caller, f"{request.method} {request.path}", denied)
                raise

        return let_in

    def _check_host(self, request: web.Request) -> None:
        host = request.headers.get(hdrs.HOST, "")
        if _without_port(host.lower()) not in self._door.hosts:
            _LOG.warning("refused a request for the host %r, which is not one of ours", host[:100])
            raise Denied("this host name is not one that the daemon answers for")

    def _check_origin(self, request: web.Request) -> None:
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or origin in self._door.origins:
            return
        host = request.headers.get(hdrs.HOST, "")
        if not host or urlsplit(origin).netloc.lower() != host.lower():
            _LOG.warning("refused a request from a page of %r", origin[:100])
            raise Denied("requests from pages of this origin are not allowed")

    async def _caller(self, request: web.Request, request_id: str) -> Caller:
        try:
            shown = request.headers.getall(hdrs.AUTHORIZATION, [])
            if shown:
                return await self._by_header(request, shown, request_id)
            return await self._by_socket(request, request_id)
        except Busy:
            await self._hold_back(request)
            raise

    async def _by_header(self, request: web.Request, shown: list[str], request_id: str) -> Caller:
        peer = _peer(request)
        scheme, _, credential = shown[0].partition(" ")
        if len(shown) != 1 or scheme.lower() != "bearer" or not credential:
            await self._authenticator.refuse("malformed Authorization header", peer, request_id)
        return await self._authenticator.by_key(credential.strip(), peer, request_id)

    async def _by_socket(self, request: web.Request, request_id: str) -> Caller:
        transport = request.transport
        if transport is None or not _is_unix(request):
            await self._refuse("no credentials", request, request_id)
        user = self._users.get(transport)
        if user is None:
            connection = transport.get_extra_info("socket")
            user = peer_of(connection)
            try:
                refuse_descendant(connection, user, self._daemon)
            except Unauthenticated as refused:
                await self._refuse(str(refused.facts["reason"]), request, request_id)
            self._users[transport] = user
        return await self._authenticator.by_user(user, request_id)

    async def _refuse(self, reason: str, request: web.Request, request_id: str) -> NoReturn:
        await self._authenticator.refuse(reason, _peer(request), request_id)

    async def _hold_back(self, request: web.Request) -> None:
        """Answer late, so that one connection cannot keep us busy with wrong keys."""
        if self._delayed >= self._door.most_delayed:
            if request.transport is not None:
                request.transport.abort()
            return
        self._delayed += 1
        try:
            await asyncio.sleep(self._door.delay)
        finally:
            self._delayed -= 1


def _is_unix(request: web.Request) -> bool:
    connection = request.get_extra_info("socket")
    return connection is not None and connection.family == socket.AF_UNIX


def _peer(request: web.Request) -> str:
    """Where the request comes from, for the audit: a process of this machine, or an address."""
    if _is_unix(request):
        return str(peer_of(request.get_extra_info("socket")))
    return request.remote or "gone"


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
