"""Who may what, over HTTP: the routes of principals, roles and keys, and the shapes of their answers.

As in `routes.py` and `shapes.py`: names and types, nothing else. Instants are RFC 3339 in UTC.
"""

from typing import Final, TypedDict

from flux.wire.routes import Route

_PRINCIPAL: Final = "/admin/principals/{id}"
_KEY: Final = "/admin/keys/{id}"

PRINCIPALS: Final = Route(method="GET", path="/admin/principals", summary="Everybody who may act, oldest first")
NEW_PRINCIPAL: Final = Route(method="POST", path="/admin/principals", summary="Make a service account")
PRINCIPAL: Final = Route(method="GET", path=_PRINCIPAL, summary="One principal, by id or subject")
ENABLE: Final = Route(method="POST", path=f"{_PRINCIPAL}/enable", summary="Let a principal act again")
DISABLE: Final = Route(method="POST", path=f"{_PRINCIPAL}/disable", summary="Refuse a principal from now on")
GRANT: Final = Route(method="POST", path=f"{_PRINCIPAL}/roles", summary="Give a role to a principal")
REVOKE: Final = Route(method="DELETE", path=f"{_PRINCIPAL}/roles/{{role}}", summary="Take a role from a principal")
ROLES: Final = Route(method="GET", path="/admin/roles", summary="All roles and what they allow")
NEW_ROLE: Final = Route(method="POST", path="/admin/roles", summary="Make a role")
KEYS: Final = Route(method="GET", path="/admin/keys", summary="API keys, oldest first, without the keys themselves")
NEW_KEY: Final = Route(method="POST", path="/admin/keys", summary="Make an API key; only this answer holds it")
ROTATE_KEY: Final = Route(method="POST", path=f"{_KEY}/rotate", summary="Replace an API key; both work for a while")
REVOKE_KEY: Final = Route(method="POST", path=f"{_KEY}/revoke", summary="Refuse an API key from now on")


class PrincipalView(TypedDict):
    """One principal. `banned`: disabled for good, also for an identity provider that vouches for it."""

    id: str
    type: str
    subject: str
    issuer: str
    display_name: str
    enabled: bool
    banned: bool
    roles: list[str]
    metadata: dict[str, str]
    created_at: str
    last_seen_at: str | None


class PrincipalList(TypedDict):
    """All principals."""

    items: list[PrincipalView]


class RoleView(TypedDict):
    """One role. Built-in ones are never changed."""

    name: str
    permissions: list[str]
    built_in: bool


class RoleList(TypedDict):
    """All roles."""

    items: list[RoleView]


class KeyView(TypedDict):
    """One API key. `permissions` null: it is good for all that its account may do.

    `state`: "good", "expired", "revoked", or "replaced" for one that has a successor and still works.
    """

    id: str
    account: str
    name: str
    prefix: str
    state: str
    permissions: list[str] | None
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None
    successor: str | None


class KeyList(TypedDict):
    """API keys."""

    items: list[KeyView]


class IssuedKey(KeyView):
    """A new API key. `key` is shown this once and kept nowhere."""

    key: str
