"""HTTP from aiohttp, over a Unix socket or TCP: what `FluxClient` stands on.

The same promises as `transport.py`: the token goes only where nobody can read along, errors of the
system become `Unreachable`, answers that are problems become the errors they carry.
"""

import contextlib
import io
from collections.abc import AsyncIterator, Iterator

import aiohttp

from flux.client.calls import Call
from flux.client.discovery import Address
from flux.client.problems import error_of
from flux.client.transport import AGENT, CONNECT, hint, reason, refuse_clear_text
from flux.errors import Unreachable

_LARGE = 1024 * 1024  # bytes; aiohttp wants larger bodies as files, so that it can send them in pieces


class Session:
    """Sends calls to one daemon, on connections that it keeps."""

    def __init__(self, address: Address, token: str | None = None) -> None:
        refuse_clear_text(address, token)
        self.address = address
        self._headers = {"User-Agent": AGENT, "Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._base = "http://localhost" if address.socket is not None else str(address)
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, call: Call[object]) -> bytes:
        """The body of the answer to a call.

        Raises:
            Unreachable: nobody answers, or not in time.
            FluxError: the daemon refused; the class says why.
        """
        async with self._send(call) as response:
            with self._translated():
                return await response.read()

    @contextlib.asynccontextmanager
    async def open(self, call: Call[object]) -> AsyncIterator[AsyncIterator[bytes]]:
        """The pieces of a streamed answer.

        Raises:
            Unreachable: nobody answers; while reading, that the stream broke.
            FluxError: the daemon refused.
        """
        async with self._send(call) as response:
            yield self._pieces(response)

    async def close(self) -> None:
        """Close the connections; the next call opens others."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @contextlib.asynccontextmanager
    async def _send(self, call: Call[object]) -> AsyncIterator[aiohttp.ClientResponse]:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=call.patience)
        body = call.body if call.body is None or len(call.body) < _LARGE else io.BytesIO(call.body)
        with self._translated():
            response = await self._opened().request(
                call.method, self._base + call.path, data=body, headers=call.headers, timeout=timeout
            )
        async with response:
            if response.status >= 400:
                with self._translated():
                    body = await response.read()
                raise error_of(response.status, body)
            yield response

    async def _pieces(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        with self._translated():
            async for piece in response.content.iter_any():
                yield piece

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            socket = self.address.socket
            connector = aiohttp.TCPConnector() if socket is None else aiohttp.UnixConnector(socket)
            self._session = aiohttp.ClientSession(connector=connector, headers=self._headers)
        return self._session

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Errors of the system and of the grammar, as ours."""
        try:
            yield
        except TimeoutError as exc:
            raise Unreachable(f"the daemon at {self.address} does not answer in time", url=str(self.address)) from exc
        except (aiohttp.ClientError, OSError) as exc:
            cause = exc.os_error if isinstance(exc, aiohttp.ClientConnectorError) else exc
            raise Unreachable(
                reason(self.address, cause), url=str(self.address), hint=hint(self.address, cause)
            ) from exc
