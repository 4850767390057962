"""Principals as use cases: the built-in admin, users of this machine, service accounts.

Two guards hold: nobody grants what he does not hold, and the last active admin keeps being one. Every
change replaces the compiled permissions in its own transaction, so the very next check sees it, and
writes one entry of audit.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from flux.core.audit import Entry, entry_by, note
from flux.core.principal import ADMIN, FLUX, LOCAL, Caller, Method, Principal, PrincipalType
from flux.engine import access, audit
from flux.engine.live import Live, Overlay
from flux.errors import Conflict, Denied, Invalid, NotFound, WrongState
from flux.ids import new_ulid
from flux.store import principals
from flux.store.database import Reader, Transaction

ADMIN_ROLE: Final = "admin"
MAX_METADATA: Final = 50  # entries of at most 1,000 characters: notes, not documents
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_MANAGE: Final = "admin:principals:manage"
_READ: Final = "admin:principals:read"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewServiceAccount:
    """A wish for a service account. `name`: lower case letters, digits, `.`, `_`, `-`; at most 64."""

    name: str
    caller: Caller
    display_name: str = ""
    roles: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)


def install(tx: Transaction, live: Overlay) -> Principal:
    """The built-in admin, made in a new file."""
    found = principals.get(tx, ADMIN.id)
    if found is not None:
        return found
    made = replace(ADMIN, created_at=tx.now)
    principals.insert(tx, made)
    live.permissions = access.load(tx)
    return made


def provision_user(tx: Transaction, live: Overlay, user: str, roles: tuple[str, ...], peer: str) -> Principal:
    """The principal of a user of this machine, made at his first visit. However many come at once, one is made.

    Raises:
        Denied: nobody gave roles to newcomers, so there are none; nothing is left behind.
    """
    subject = f"{LOCAL}:{user}"
    found = principals.find(tx, LOCAL, subject)
    if found is not None:
        return found
    if not roles:
        raise Denied(f"{subject} is not known here, and newcomers get no roles")
    check_roles(live, roles)
    made = Principal(
        id=new_ulid(tx.now),
        type=PrincipalType.USER,
        subject=subject,
        issuer=LOCAL,
        display_name=user,
        roles=tuple(sorted(set(roles))),
        created_at=tx.now,
    )
    _insert(tx, live, made)
    entry = Entry(
        actor=subject,
        actor_id=made.id,
        method=Method.PEER,
        peer=peer,
        action="principal.provision",
        object=f"principal:{subject}",
        after=note(roles=list(made.roles)),
    )
    audit.record(tx, live, entry)
    return made


def create_service_account(tx: Transaction, live: Overlay, wish: NewServiceAccount) -> Principal:
    """A new service account. Needs admin:principals:manage, and all that its roles give.

    Raises:
        Conflict: the name is taken.
        Invalid: the name, the metadata or a role is impossible.
        Denied: the caller may not, or would grant more than he holds.
    """
    access.require(live.permissions, wish.caller, _MANAGE)
    _check_account(wish)
    check_roles(live, wish.roles)
    access.require_holding(live.permissions, wish.caller, permissions_of(live, wish.roles))
    if live.permissions.find(FLUX, wish.name) is not None:
        raise Conflict(f"there is a service account {wish.name} already", principal=wish.name)
    made = Principal(
        id=new_ulid(tx.now),
        type=PrincipalType.SERVICE_ACCOUNT,
        subject=wish.name,
        issuer=FLUX,
        display_name=wish.display_name or wish.name,
        roles=tuple(sorted(set(wish.roles))),
        metadata=dict(wish.metadata),
        created_at=tx.now,
    )
    _insert(tx, live, made)
    after = note(type=made.type, roles=list(made.roles))
    audit.record(tx, live, entry_by(wish.caller, "principal.create", f"principal:{made.subject}", after=after))
    return made


def enable(tx: Transaction, live: Overlay, id: str, caller: Caller) -> Principal:
    """The principal, who may act again. Needs admin:principals:manage, and all that its roles give."""
    access.require(live.permissions, caller, _MANAGE)
    found = get(tx, id)
    access.require_holding(live.permissions, caller, permissions_of(live, found.roles))
    principals.set_enabled(tx, found.id, enabled=True)
    return changed(tx, live, found, caller, "principal.enable")


def disable(tx: Transaction, live: Overlay, id: str, caller: Caller) -> Principal:
    """The principal, refused from its next request and its next begin on. Needs admin:principals:manage.

    Raises:
        WrongState: it is the last active admin.
    """
    access.require(live.permissions, caller, _MANAGE)
    found = get(tx, id)
    keep_an_admin(live, found, "disabled")
    principals.set_enabled(tx, found.id, enabled=False)
    return changed(tx, live, found, caller, "principal.disable")


def note_visit(tx: Transaction, live: Overlay, id: str) -> None:
    """Note that a principal was here at the instant of the transaction."""
    principals.see(tx, id)


def everyone(reader: Reader, live: Live, caller: Caller) -> list[Principal]:
    """All principals, oldest first. Needs admin:principals:read."""
    access.require(live.permissions, caller, _READ)
    return principals.everyone(reader)


def show(reader: Reader, live: Live, text: str, caller: Caller) -> Principal:
    """The principal with this id or subject. Needs admin:principals:read."""
    access.require(live.permissions, caller, _READ)
    return get(reader, text)


def get(reader: Reader, text: str) -> Principal:
    """The principal with this id, or this subject among users of this machine and service accounts.

    Raises:
        NotFound: there is none.
    """
    found = principals.get(reader, text) or principals.find(reader, FLUX, text) or principals.find(reader, LOCAL, text)
    if found is None:
        raise NotFound(f"there is no principal {text}", principal=text)
    return found


def changed(tx: Transaction, live: Overlay, before: Principal, caller: Caller, action: str) -> Principal:
    """The principal as it is after a change: made known to every check, and audited."""
    after = get(tx, before.id)
    live.permissions = access.load(tx)
    entry = entry_by(caller, action, f"principal:{before.subject}", before=_told(before), after=_told(after))
    audit.record(tx, live, entry)
    return after


def check_roles(live: Overlay, roles: Iterable[str]) -> None:
    """Nothing, if every role exists.

    Raises:
        Invalid: one does not; the message names those that do.
    """
    known = live.permissions.roles()
    for role in roles:
        if role not in known:
            raise Invalid(f"there is no role {role!r}; there are: {', '.join(sorted(known))}", role=role)


def permissions_of(live: Overlay, roles: Iterable[str]) -> list[str]:
    """Every permission that these roles give."""
    known = live.permissions.roles()
    return [permission for role in roles for permission in known.get(role, ())]


def keep_an_admin(live: Overlay, found: Principal, verb: str) -> None:
    """Nothing, unless `found` is the last active admin.

    Raises:
        WrongState: it is; without it nobody could ever manage anything again.
    """
    admins = [one.id for one in live.permissions.everyone() if one.is_active and ADMIN_ROLE in one.roles]
    if admins == [found.id]:
        raise WrongState(f"{found.subject} is the last active admin and cannot be {verb}", principal=found.subject)


def _insert(tx: Transaction, live: Overlay, made: Principal) -> None:
    principals.insert(tx, made)
    live.permissions = access.load(tx)


def _check_account(wish: NewServiceAccount) -> None:
    if NAME.fullmatch(wish.name) is None or wish.name == ADMIN.subject:
        raise Invalid(
            f"a service account is named with a-z, 0-9, '.', '_' and '-', at most 64 of them, and not "
            f"{ADMIN.subject!r}; got {wish.name!r}",
        )
    if len(wish.display_name) > 200:
        raise Invalid(f"a display name has at most 200 characters, got {len(wish.display_name)}")
    too_long = [key for key, value in wish.metadata.items() if len(key) + len(value) > 1_000]
    if len(wish.metadata) > MAX_METADATA or too_long:
        raise Invalid(f"metadata are at most {MAX_METADATA} texts of at most 1000 characters each")


def _told(principal: Principal) -> str:
    """What the audit keeps of a principal."""
    return note(roles=list(principal.roles), enabled=principal.enabled, banned=principal.banned)
