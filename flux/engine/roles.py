"""Roles as use cases: making one, giving it to a principal, taking it away.

Nobody grants what he does not hold, and the last active admin keeps the role `admin`. Built-in roles are
part of the code: nothing here changes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flux.core.audit import entry_by, note
from flux.core.permissions import BUILT_IN_ROLES, Permission
from flux.core.principal import Caller, Principal
from flux.engine import access, audit, principals
from flux.engine.live import Live, Overlay
from flux.errors import Conflict, Invalid
from flux.store import principals as rows
from flux.store.database import Reader, Transaction

_MANAGE: Final = "admin:roles:manage"
_READ: Final = "admin:roles:read"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRole:
    """A wish for a role with these permissions."""

    name: str
    permissions: tuple[str, ...]
    caller: Caller
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChange:
    """A wish to give a role to a principal (its id or subject), or to take it away."""

    principal: str
    role: str
    caller: Caller


def create(tx: Transaction, live: Overlay, wish: NewRole) -> tuple[str, ...]:
    """The permissions of a new role, each once. Needs admin:roles:manage, and all that the role gives.

    Raises:
        Conflict: the name is taken, or is that of a built-in role.
        Invalid: the name or a permission is malformed.
        Denied: the caller may not, or would grant more than he holds.
    """
    access.require(live.permissions, wish.caller, _MANAGE)
    if principals.NAME.fullmatch(wish.name) is None:
        raise Invalid(f"a role is named with a-z, 0-9, '.', '_' and '-', at most 64 of them; got {wish.name!r}")
    permissions = tuple(sorted(set(wish.permissions)))
    for permission in permissions:
        Permission.parse(permission)
    access.require_holding(live.permissions, wish.caller, permissions)
    if wish.name in live.permissions.roles():
        kind = "a built-in role" if wish.name in BUILT_IN_ROLES else "a role"
        raise Conflict(f"there is {kind} {wish.name} already", role=wish.name)
    rows.add_role(tx, wish.name, wish.about, permissions)
    live.permissions = access.load(tx)
    after = note(permissions=list(permissions))
    audit.record(tx, live, entry_by(wish.caller, "role.create", f"role:{wish.name}", after=after))
    return permissions


def everything(reader: Reader, live: Live, caller: Caller) -> Mapping[str, tuple[str, ...]]:
    """Name -> permissions of every role there is. Needs admin:roles:read."""
    access.require(live.permissions, caller, _READ)
    return {**rows.custom_roles(reader), **BUILT_IN_ROLES}


def grant(tx: Transaction, live: Overlay, wish: RoleChange) -> Principal:
    """The principal with the role. Needs admin:roles:manage, and all that the role gives."""
    access.require(live.permissions, wish.caller, _MANAGE)
    found = principals.get(tx, wish.principal)
    principals.check_roles(live, (wish.role,))
    access.require_holding(live.permissions, wish.caller, principals.permissions_of(live, (wish.role,)))
    if wish.role in found.roles:
        return found
    rows.grant(tx, found.id, wish.role)
    return principals.changed(tx, live, found, wish.caller, "role.grant")


def revoke(tx: Transaction, live: Overlay, wish: RoleChange) -> Principal:
    """The principal without the role. Needs admin:roles:manage.

    Raises:
        WrongState: it is the last active admin.
    """
    access.require(live.permissions, wish.caller, _MANAGE)
    found = principals.get(tx, wish.principal)
    if wish.role not in found.roles:
        return found
    if wish.role == principals.ADMIN_ROLE:
        principals.keep_an_admin(live, found, "demoted")
    rows.revoke(tx, found.id, wish.role)
    return principals.changed(tx, live, found, wish.caller, "role.revoke")
