"""Services: what the handlers work with, given by whoever builds the application."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from aiohttp import web

from flux.clock import Clock
from flux.core.catalog import Version
from flux.core.principal import Caller
from flux.engine.authenticator import Authenticator
from flux.engine.gate import Gate
from flux.server.auth import CALLER, Door
from flux.server.hub import Hub, name_of
from flux.server.limits import Limits, Slots
from flux.server.waits import Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that somebody wants to register. `namespace` None: what the file says, else `default`."""

    name: str
    content: bytes
    namespace: str | None
    caller: Caller


class Register(Protocol):
    """Inspects an uploaded file outside of this process and registers what it offers."""

    def __call__(self, upload: Upload, /) -> Awaitable[list[Version]]:
        """The registered versions.

        Raises:
            InvalidDefinition: it does not load; the message names file and line.
            Denied, Conflict: as the engine says.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that the server needs of the daemon.

    Attributes:
        version: of the product.
        workers: what each worker does, for `/stats`.
        unready: why requests should go elsewhere for now; None: they should not.
    """

    gate: Gate
    clock: Clock
    authenticator: Authenticator
    register: Register
    version: str
    workers: Callable[[], list[dict[str, object]]]
    unready: Callable[[], str | None] = lambda: None
    door: Door = field(default_factory=Door)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the handlers of one application share: the services, and who waits or follows."""

    services: Services
    hub: Hub
    waits: Waits
    wait_slots: Slots
    stream_slots: Slots

    @classmethod
    def of(cls, services: Services) -> "Desk":
        """A desk that is told of every commit from now on."""
        gate, limits = services.gate, services.limits
        desk = cls(
            services=services,
            hub=Hub(gate.live, services.clock, limits.queue),
            waits=Waits(),
            wait_slots=Slots(limits.waits, "waits"),
            stream_slots=Slots(limits.streams, "streams"),
        )
        gate.on_commit(desk.waits.publish)
        gate.on_commit(desk.hub.publish)
        return desk

    @property
    def gate(self) -> Gate:
        """The way to the engine."""
        return self.services.gate

    @property
    def now(self) -> int:
        """This instant."""
        return self.services.clock.now()

    def named(self, principal: str) -> str:
        """The subject of the principal with this id."""
        return name_of(self.gate.live.permissions, principal)

    def close(self) -> None:
        """End waits and streams: the daemon stops."""
        self.waits.close()
        self.hub.close()


DESK: Final = web.AppKey("desk", Desk)


def desk_of(request: web.Request) -> tuple[Desk, Caller]:
    """What a handler works with, and for whom."""
    return request.app[DESK], request[CALLER]
