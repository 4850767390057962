"""Handlers of principals, roles and keys: parse, hand over to the engine, show what it gives.

What is allowed, the engine says; a new key is in the one answer that made it and in no other.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from flux.clock import to_rfc3339
from flux.core.keys import ApiKey
from flux.core.permissions import BUILT_IN_ROLES
from flux.core.principal import Principal
from flux.engine import keys, principals, roles
from flux.engine.keys import NewKey
from flux.engine.principals import NewServiceAccount
from flux.engine.roles import NewRole, RoleChange
from flux.server import answers, bodies
from flux.server.services import Desk, desk_of
from flux.wire import access
from flux.wire.access_models import KeysQuery, NewKeyBody, NewPrincipalBody, NewRoleBody, RoleBody, RotateBody
from flux.wire.models import from_body, from_query
from flux.wire.routes import Route


async def list_principals(request: web.Request) -> web.Response:
    """Everybody, oldest first."""
    desk, caller = desk_of(request)
    return answers.document({"items": [_principal(one) for one in desk.gate.read(principals.everyone, caller)]})


async def show_principal(request: web.Request) -> web.Response:
    """One principal, by id or subject."""
    desk, caller = desk_of(request)
    return answers.document(_principal(desk.gate.read(principals.show, request.match_info["id"], caller)))


async def make_principal(request: web.Request) -> web.Response:
    """A new service account."""
    desk, caller = desk_of(request)
    body = from_body(NewPrincipalBody, await bodies.read_json(request))
    wish = NewServiceAccount(
        name=body.name, caller=caller, display_name=body.display_name, roles=body.roles, metadata=body.metadata
    )
    made = await desk.gate.write(principals.create_service_account, wish)
    return answers.document(_principal(made), 201, {"Location": f"/admin/principals/{made.id}"})


async def enable(request: web.Request) -> web.Response:
    """The principal, who may act again."""
    desk, caller = desk_of(request)
    return answers.document(_principal(await desk.gate.write(principals.enable, request.match_info["id"], caller)))


async def disable(request: web.Request) -> web.Response:
    """The principal, refused from now on."""
    desk, caller = desk_of(request)
    return answers.document(_principal(await desk.gate.write(principals.disable, request.match_info["id"], caller)))


async def grant(request: web.Request) -> web.Response:
    """The principal with one role more."""
    desk, caller = desk_of(request)
    body = from_body(RoleBody, await bodies.read_json(request))
    change = RoleChange(principal=request.match_info["id"], role=body.role, caller=caller)
    return answers.document(_principal(await desk.gate.write(roles.grant, change)))


async def revoke(request: web.Request) -> web.Response:
    """The principal with one role less."""
    desk, caller = desk_of(request)
    change = RoleChange(principal=request.match_info["id"], role=request.match_info["role"], caller=caller)
    return answers.document(_principal(await desk.gate.write(roles.revoke, change)))


async def list_roles(request: web.Request) -> web.Response:
    """All roles by name."""
    desk, caller = desk_of(request)
    found = desk.gate.read(roles.everything, caller)
    return answers.document({"items": [_role(name, found[name]) for name in sorted(found)]})


async def make_role(request: web.Request) -> web.Response:
    """A new role."""
    desk, caller = desk_of(request)
    body = from_body(NewRoleBody, await bodies.read_json(request))
    wish = NewRole(name=body.name, permissions=body.permissions, caller=caller, about=body.about)
    return answers.document(_role(body.name, await desk.gate.write(roles.create, wish)), 201)


async def list_keys(request: web.Request) -> web.Response:
    """All keys, or those of one service account."""
    desk, caller = desk_of(request)
    account = from_query(KeysQuery, request.query.items()).account
    return answers.document({"items": [_key(desk, one) for one in desk.gate.read(keys.everything, caller, account)]})


async def make_key(request: web.Request) -> web.Response:
    """A new key, for once with the key itself."""
    desk, caller = desk_of(request)
    body = from_body(NewKeyBody, await bodies.read_json(request))
    wish = NewKey(
        account=body.account,
        caller=caller,
        name=body.name,
        expires_in=None if body.expires_in is None else _milliseconds(body.expires_in),
        permissions=body.permissions,
    )
    issued = await desk.services.authenticator.issue(wish)
    return answers.document({**_key(desk, issued.key), "key": issued.text}, 201)


async def rotate_key(request: web.Request) -> web.Response:
    """The key that takes the place of an old one, for once with the key itself."""
    desk, caller = desk_of(request)
    body = from_body(RotateBody, await bodies.read_json(request) or {})
    id, overlap = request.match_info["id"], _milliseconds(body.overlap)
    issued = await desk.services.authenticator.rotate(id, overlap, caller)
    return answers.document({**_key(desk, issued.key), "key": issued.text}, 201)


async def revoke_key(request: web.Request) -> web.Response:
    """The key, refused from now on."""
    desk, caller = desk_of(request)
    return answers.document(_key(desk, await desk.gate.write(keys.revoke, request.match_info["id"], caller)))


TABLE: Final[tuple[tuple[Route, Callable[[web.Request], Awaitable[web.Response]]], ...]] = (
    (access.PRINCIPALS, list_principals),
    (access.NEW_PRINCIPAL, make_principal),
    (access.PRINCIPAL, show_principal),
    (access.ENABLE, enable),
    (access.DISABLE, disable),
    (access.GRANT, grant),
    (access.REVOKE, revoke),
    (access.ROLES, list_roles),
    (access.NEW_ROLE, make_role),
    (access.KEYS, list_keys),
    (access.NEW_KEY, make_key),
    (access.ROTATE_KEY, rotate_key),
    (access.REVOKE_KEY, revoke_key),
)


def _principal(found: Principal) -> access.PrincipalView:
    return {
        "id": found.id,
        "type": found.type,
        "subject": found.subject,
        "issuer": found.issuer,
        "display_name": found.display_name,
        "enabled": found.enabled,
        "banned": found.banned,
        "roles": list(found.roles),
        "metadata": dict(found.metadata),
        "created_at": to_rfc3339(found.created_at),
        "last_seen_at": _instant(found.last_seen_at),
    }


def _role(name: str, permissions: tuple[str, ...]) -> access.RoleView:
    return {"name": name, "permissions": list(permissions), "built_in": name in BUILT_IN_ROLES}


def _key(desk: Desk, found: ApiKey) -> access.KeyView:
    return {
        "id": found.id,
        "account": desk.named(found.principal),
        "name": found.name,
        "prefix": found.prefix,
        "state": _state(found, desk.now),
        "permissions": None if found.permissions is None else list(found.permissions),
        "created_at": to_rfc3339(found.created_at),
        "expires_at": _instant(found.expires_at),
        "last_used_at": _instant(found.last_used_at),
        "revoked_at": _instant(found.revoked_at),
        "successor": found.successor,
    }


def _state(found: ApiKey, now: int) -> str:
    if found.revoked_at is not None:
        return "revoked"
    if not found.is_good(now):
        return "expired"
    return "replaced" if found.successor is not None else "good"


def _instant(instant: int | None) -> str | None:
    return None if instant is None else to_rfc3339(instant)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
