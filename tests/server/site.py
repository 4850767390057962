"""What tests of the server hold in their hands: the server, its engine, and a client on its socket."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from flux.core.catalog import Source, Version
from flux.core.events import EventType
from flux.core.execution import Execution
from flux.engine import catalog, keys, principals
from flux.engine.authenticator import Authenticator
from flux.engine.catalog import Found, Registration
from flux.engine.gate import Committed
from flux.engine.keys import NewKey
from flux.engine.principals import NewServiceAccount
from flux.server.app import make_app
from flux.server.hub import Hub
from flux.server.limits import Limits
from flux.server.listen import Server, serve
from flux.server.services import DESK, Services, Upload
from flux.server.waits import Waits
from flux.wire.frames import Idle, Waiting
from tests.engine.desk import Desk, end
from tests.records import THE_ADMIN

PEPPER = b"p" * 32


@dataclass
class Site:
    """A running server. `uploads`: what was registered through it; `submitted`: what was submitted."""

    desk: Desk
    services: Services
    server: Server
    waits: Waits
    hub: Hub
    session: aiohttp.ClientSession
    submitted: asyncio.Queue[Execution]
    uploads: list[Upload]
    unready: str | None = None

    async def restart(self) -> None:
        """Close the server and open another in its place, over the same engine."""
        path = self.server.socket_path
        await self.server.close()
        await self.listen(path, None)

    @classmethod
    async def open(cls, desk: Desk, path: Path, *, tcp: str | None = None, **limits: float) -> "Site":
        """A server at `path`."""
        site = cls.__new__(cls)
        site.uploads, site.unready, site.desk, site.submitted = [], None, desk, asyncio.Queue()
        desk.gate.on_commit(site.note)
        site.services = Services(
            gate=desk.gate,
            clock=desk.clock,
            authenticator=Authenticator(desk.gate, PEPPER, own_uid=os.getuid()),
            register=site.register,
            version="9.9",
            workers=lambda: [{"id": "w1"}],
            unready=lambda: site.unready,
            limits=Limits(**limits),  # type: ignore[arg-type]  # builder
        )
        await site.listen(path, tcp)
        site.session = aiohttp.ClientSession("http://localhost", connector=aiohttp.UnixConnector(str(path)))
        return site

    @property
    def url(self) -> str:
        """Where the server is."""
        return f"unix:{self.server.socket_path}"

    async def close(self) -> None:
        """End the client, then the server."""
        await self.session.close()
        await self.server.close()

    async def register(self, upload: Upload) -> list[Version]:
        """Stands for the daemon, which inspects the file: every upload holds the workflow `uploaded`."""
        self.uploads.append(upload)
        source = Source(digest="d2", entry=upload.name, root="/u", files={upload.name: upload.content})
        found = Found(namespace=upload.namespace or "default", name="uploaded", tasks=(), about='{"doc": "Yes."}')
        registration = Registration(path=upload.name, source=source, workflows=(found,))
        return await self.desk.gate.write(catalog.register, registration, upload.caller)

    async def complete(self, execution: str, payload: bytes = b"1") -> None:
        """Let a worker take the execution and complete it."""
        granted = await self.desk.grant(execution)
        await self.desk.accept(self.desk.frame(granted, end=end(payload=payload)))

    async def fail(self, execution: str, payload: bytes) -> None:
        """Let a worker take the execution and fail it."""
        granted = await self.desk.grant(execution)
        await self.desk.accept(self.desk.frame(granted, end=end(EventType.WORKFLOW_FAILED, payload=payload)))

    async def pause(self, execution: str, name: str = "approve", output: bytes = b'{"order":7}') -> None:
        """Let a worker take the execution and pause it."""
        granted = await self.desk.grant(execution)
        waits = (Waiting("pause:approve#1", "pause", True, name=name, payload=output),)
        await self.desk.accept(self.desk.frame(granted, waits=waits, idle=Idle(0)))

    async def key(self, **wish: object) -> tuple[str, str]:
        """An API key of a new service account `bot` with these roles, and the account's id."""
        account = NewServiceAccount(name="bot", caller=THE_ADMIN, **wish)  # type: ignore[arg-type]  # builder
        made = await self.desk.gate.write(principals.create_service_account, account)
        issued = await self.desk.gate.write(keys.create, PEPPER, NewKey(account="bot", caller=THE_ADMIN))
        return issued.text, made.id

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the loop turn until something holds that nobody is told about."""
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110 - the state of the server is no event
                await asyncio.sleep(0)

    async def listen(self, path: Path, tcp: str | None) -> None:
        """Open the server."""
        app = make_app(self.services)
        self.waits, self.hub = app[DESK].waits, app[DESK].hub
        self.server = await serve(app, path, tcp)

    def note(self, committed: Committed) -> None:
        """Keep what was submitted."""
        for identity, event in committed.events:
            if event.type is EventType.WORKFLOW_QUEUED:
                self.submitted.put_nowait(committed.changed[identity])
