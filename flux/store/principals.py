"""Tables `principals`, `principal_roles`, `roles` and `role_permissions`.

A principal's roles are names; those of built-in roles have no row in `roles`. Nothing here checks who may
do what, nor that a role exists: the engine does.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from flux.core.principal import Principal, PrincipalType
from flux.store.columns import maybe_number, number, text
from flux.store.database import Reader, Row, Transaction

_SELECT: Final = """
    SELECT p.id, p.type, p.subject, p.issuer, p.display_name, p.enabled, p.banned, p.metadata, p.created, p.seen,
           (SELECT json_group_array(role) FROM
               (SELECT role FROM principal_roles WHERE principal = p.id ORDER BY role))
      FROM principals AS p
"""
_BY_ID: Final = f"{_SELECT} WHERE p.id = :id"
_BY_SUBJECT: Final = f"{_SELECT} WHERE p.issuer = :issuer AND p.subject = :subject"
_ALL: Final = f"{_SELECT} ORDER BY p.created, p.id"
_INSERT: Final = """
    INSERT INTO principals (id, type, subject, issuer, display_name, enabled, banned, metadata, created, seen)
    VALUES (:id, :type, :subject, :issuer, :display_name, :enabled, :banned, :metadata, :created, :seen)
"""
_ENABLE: Final = "UPDATE principals SET enabled = :enabled WHERE id = :id"
_SEE: Final = "UPDATE principals SET seen = :seen WHERE id = :id"
_GRANT: Final = "INSERT INTO principal_roles (principal, role) VALUES (:principal, :role) ON CONFLICT DO NOTHING"
_REVOKE: Final = "DELETE FROM principal_roles WHERE principal = :principal AND role = :role"
_ADD_ROLE: Final = "INSERT INTO roles (name, about, created) VALUES (:name, :about, :created)"
_ADD_PERMISSION: Final = "INSERT INTO role_permissions (role, permission) VALUES (?, ?)"
_ROLES: Final = """
    SELECT r.name, (SELECT json_group_array(permission) FROM
               (SELECT permission FROM role_permissions WHERE role = r.name ORDER BY permission))
      FROM roles AS r ORDER BY r.name
"""


def insert(tx: Transaction, new: Principal) -> None:
    """Write a new principal and its roles."""
    tx.execute(
        _INSERT,
        id=new.id,
        type=new.type,
        subject=new.subject,
        issuer=new.issuer,
        display_name=new.display_name,
        enabled=new.enabled,
        banned=new.banned,
        metadata=json.dumps(dict(new.metadata), ensure_ascii=False),
        created=new.created_at,
        seen=new.last_seen_at,
    )
    for role in new.roles:
        grant(tx, new.id, role)


def get(reader: Reader, id: str) -> Principal | None:
    """The principal with this id, or None."""
    row = reader.one(_BY_ID, id=id)
    return None if row is None else _record(row)


def find(reader: Reader, issuer: str, subject: str) -> Principal | None:
    """The principal whom `issuer` knows as `subject`, or None."""
    row = reader.one(_BY_SUBJECT, issuer=issuer, subject=subject)
    return None if row is None else _record(row)


def everyone(reader: Reader) -> list[Principal]:
    """All principals, oldest first."""
    return [_record(row) for row in reader.all(_ALL)]


def set_enabled(tx: Transaction, id: str, *, enabled: bool) -> None:
    """Let a principal act again, or refuse it from now on."""
    tx.execute(_ENABLE, id=id, enabled=enabled)


def see(tx: Transaction, id: str) -> None:
    """Note that a principal was here at the instant of the transaction."""
    tx.execute(_SEE, id=id, seen=tx.now)


def grant(tx: Transaction, principal: str, role: str) -> None:
    """Give a role; one that it has already stays."""
    tx.execute(_GRANT, principal=principal, role=role)


def revoke(tx: Transaction, principal: str, role: str) -> None:
    """Take a role away; one that it has not is no error."""
    tx.execute(_REVOKE, principal=principal, role=role)


def add_role(tx: Transaction, name: str, about: str, permissions: Iterable[str]) -> None:
    """Write a role that somebody made, with its permissions."""
    tx.execute(_ADD_ROLE, name=name, about=about, created=tx.now)
    tx.many(_ADD_PERMISSION, [(name, permission) for permission in permissions])


def custom_roles(reader: Reader) -> Mapping[str, tuple[str, ...]]:
    """Name -> permissions of every role that somebody made."""
    return {text(name): tuple(json.loads(text(permissions))) for name, permissions in reader.all(_ROLES)}


def _record(row: Row) -> Principal:
    identity, kind, subject, issuer, display_name, enabled, banned, metadata, created, seen, roles = row
    return Principal(
        id=text(identity),
        type=PrincipalType(text(kind)),
        subject=text(subject),
        issuer=text(issuer),
        display_name=text(display_name),
        enabled=bool(number(enabled)),
        banned=bool(number(banned)),
        roles=tuple(json.loads(text(roles))),
        metadata=json.loads(text(metadata)),
        created_at=number(created),
        last_seen_at=maybe_number(seen),
    )
