"""Who acts: principals, and the caller of one request.

A principal is known by `subject` within `issuer`: users of this machine (`local:alice`) within `local`,
service accounts (`nightly`) within `flux`, everybody else within the identity provider that vouches for
them. Names of service accounts hold no colon and are never `admin`, so subjects of the first two differ.

`ADMIN` is built in: the daemon's own user and root act as it. It is stored like all others, under an
id that every file shares, and holds the role of the same name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from flux.core.permissions import Grants

LOCAL: Final = "local"
FLUX: Final = "flux"
ADMIN_ID: Final = "0" * 26  # a ULID of the year 1970: nobody else gets it


class PrincipalType(StrEnum):
    """What a principal is: only service accounts have API keys."""

    USER = "user"
    SERVICE_ACCOUNT = "service_account"


class Method(StrEnum):
    """How a caller showed who he is."""

    PEER = "peer"  # the user of the process at the other end of a Unix socket
    KEY = "key"  # an API key
    INTERNAL = "internal"  # the daemon itself, or the process that holds the file


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who may act.

    Attributes:
        roles: names, sorted.
        enabled: False refuses every request and every begin from the next one on; its history stays.
        banned: as disabled, and an identity provider that vouches for it again changes nothing.
    """

    id: str
    type: PrincipalType
    subject: str
    issuer: str
    display_name: str
    enabled: bool = True
    banned: bool = False
    roles: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    created_at: int = 0
    last_seen_at: int | None = None

    @property
    def is_active(self) -> bool:
        """Whether it may act at all."""
        return self.enabled and not self.banned


ADMIN: Final = Principal(
    id=ADMIN_ID,
    type=PrincipalType.USER,
    subject="admin",
    issuer=LOCAL,
    display_name="Administrator",
    roles=("admin",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The principal behind one request, and what the audit wants to know about it.

    Attributes:
        peer: where it comes from: `uid 1000 pid 4242`, an address, or `daemon`.
        method: how it showed who it is.
        narrowing: what the API key is good for; None: everything the principal may do.
        credential: the id of the API key, or None.
    """

    principal: Principal
    peer: str
    request_id: str
    method: str
    narrowing: Grants | None = None
    credential: str | None = None


def internal_caller(request_id: str) -> Caller:
    """The daemon, or the process that holds the file, acting on its own account."""
    return Caller(principal=ADMIN, peer="daemon", request_id=request_id, method=Method.INTERNAL)
