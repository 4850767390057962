"""API keys as use cases: making, replacing, revoking one, and finding out whose it is.

A key is 256 random bits, so its hash needs to be keyed, not slow: HMAC-SHA-256 under a key of the file
that is itself sealed. The key is given out once, by the call that makes it. Whoever gets a key gets what
its service account may do, so the maker must hold all of that, or all that the key is narrowed to.

Expiry and overlap are int milliseconds.
"""

import hmac
import os
from dataclasses import dataclass, field
from typing import Final

from flux.core.audit import entry_by, note
from flux.core.keys import SECRET_BYTES, ApiKey, compose, is_well_formed, prefix_of
from flux.core.permissions import Permission
from flux.core.principal import Caller, Principal, PrincipalType
from flux.engine import access, audit, principals
from flux.engine.live import Live, Overlay
from flux.errors import Conflict, Invalid, NotFound, WrongState
from flux.ids import new_ulid
from flux.store import keys
from flux.store.database import Reader, Transaction

MAX_OVERLAP: Final = 30 * 86_400_000  # a rotation that takes longer is two keys
MAX_NAME: Final = 100
MAX_PERMISSIONS: Final = 100
_MANAGE: Final = "admin:keys:manage"
_READ: Final = "admin:keys:read"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A wish for a key.

    Attributes:
        account: id or name of the service account.
        name: what it is for; for people.
        expires_in: milliseconds from now; None: it is good until it is revoked.
        permissions: what it is good for at most; None: all that the account may do.
    """

    account: str
    caller: Caller
    name: str = ""
    expires_in: int | None = None
    permissions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A new key. `text` is the key itself, to be shown once and kept nowhere."""

    key: ApiKey
    text: str = field(repr=False)


def create(tx: Transaction, live: Overlay, pepper: bytes, wish: NewKey) -> IssuedKey:
    """A new key of a service account. Needs admin:keys:manage, and all that the key is good for.

    Raises:
        NotFound: there is no such principal.
        Invalid: it is no service account, or the expiry or a permission is impossible.
        Denied: the caller may not, or would give out more than he holds.
    """
    access.require(live.permissions, wish.caller, _MANAGE)
    account = principals.get(tx, wish.account)
    if account.type is not PrincipalType.SERVICE_ACCOUNT:
        raise Invalid(f"{account.subject} is no service account: only those have API keys", principal=account.subject)
    _check_wish(wish)
    expires_at = None if wish.expires_in is None else tx.now + wish.expires_in
    issued = _issue(tx, live, pepper, wish, account, expires_at)
    audit.record(tx, live, entry_by(wish.caller, "key.create", _object(account, issued.key), after=_told(issued.key)))
    return issued


def rotate(tx: Transaction, live: Overlay, pepper: bytes, id: str, overlap: int, caller: Caller) -> IssuedKey:
    """A new key in the place of an old one, good for the same things and as long as that was made for.

    The old one is refused after `overlap` milliseconds, or at its own expiry if that comes first.

    Raises:
        NotFound: there is no such key.
        WrongState: it is revoked or expired, or has a successor already.
        Invalid: the overlap is not 0..MAX_OVERLAP.
    """
    access.require(live.permissions, caller, _MANAGE)
    if not 0 <= overlap <= MAX_OVERLAP:
        raise Invalid(f"the overlap must be 0..{MAX_OVERLAP} ms, got {overlap}")
    old = _get(tx, id)
    if not old.is_good(tx.now) or old.successor is not None:
        raise WrongState(f"key {id} is revoked, expired or replaced already: create a new one", key=id)
    account = principals.get(tx, old.principal)
    lifetime = None if old.expires_at is None else old.expires_at - old.created_at
    wish = NewKey(account=account.id, caller=caller, name=old.name, permissions=old.permissions)
    issued = _issue(tx, live, pepper, wish, account, None if lifetime is None else tx.now + lifetime)
    ends = tx.now + overlap
    keys.succeed(tx, old.id, issued.key.id, ends if old.expires_at is None else min(ends, old.expires_at))
    entry = entry_by(caller, "key.rotate", _object(account, issued.key), before=_told(old), after=_told(issued.key))
    audit.record(tx, live, entry)
    return issued


def revoke(tx: Transaction, live: Overlay, id: str, caller: Caller) -> ApiKey:
    """The key, refused from its very next use on. Revoking it twice changes nothing. Needs admin:keys:manage."""
    access.require(live.permissions, caller, _MANAGE)
    old = _get(tx, id)
    if old.revoked_at is not None:
        return old
    keys.revoke(tx, id)
    account = principals.get(tx, old.principal)
    audit.record(tx, live, entry_by(caller, "key.revoke", _object(account, old), before=_told(old)))
    return _get(tx, id)


def everything(reader: Reader, live: Live, caller: Caller, account: str | None = None) -> list[ApiKey]:
    """All keys, or those of one service account, oldest first. Needs admin:keys:read."""
    access.require(live.permissions, caller, _READ)
    return keys.everything(reader, None if account is None else principals.get(reader, account).id)


def owner(reader: Reader, live: Live, pepper: bytes, text: str) -> tuple[ApiKey, Principal] | None:
    """The key that `text` is, good or not, and its principal as it is now; None if it is no key of ours.

    Takes as long for a wrong key as for a right one.
    """
    if not is_well_formed(text):
        return None
    shown = _hash(pepper, text)
    found = None
    for key, principal in keys.with_prefix(reader, prefix_of(text)):
        if hmac.compare_digest(shown, key.hash):
            found = (key, principal)
    return found


def note_use(tx: Transaction, live: Overlay, id: str) -> None:
    """Note that a key was used at the instant of the transaction."""
    keys.use(tx, id)


def _issue(
    tx: Transaction, live: Overlay, pepper: bytes, wish: NewKey, account: Principal, expires_at: int | None
) -> IssuedKey:
    good_for = principals.permissions_of(live, account.roles) if wish.permissions is None else wish.permissions
    access.require_holding(live.permissions, wish.caller, good_for)
    text = compose(os.urandom(SECRET_BYTES))
    if keys.with_prefix(tx, prefix_of(text)):
        raise Conflict("chance made two keys begin alike: try again", key=prefix_of(text))
    key = ApiKey(
        id=new_ulid(tx.now),
        principal=account.id,
        name=wish.name,
        prefix=prefix_of(text),
        hash=_hash(pepper, text),
        permissions=wish.permissions,
        created_at=tx.now,
        created_by=wish.caller.principal.id,
        expires_at=expires_at,
    )
    keys.insert(tx, key)
    return IssuedKey(key=key, text=text)


def _check_wish(wish: NewKey) -> None:
    if wish.expires_in is not None and wish.expires_in <= 0:
        raise Invalid(f"a key must expire later than now, got an expiry in {wish.expires_in} ms")
    if len(wish.name) > MAX_NAME:
        raise Invalid(f"the name of a key has at most {MAX_NAME} characters, got {len(wish.name)}")
    if wish.permissions is None:
        return
    if not 0 < len(wish.permissions) <= MAX_PERMISSIONS:
        raise Invalid(f"a key is narrowed to 1..{MAX_PERMISSIONS} permissions, got {len(wish.permissions)}")
    for permission in wish.permissions:
        Permission.parse(permission)


def _get(reader: Reader, id: str) -> ApiKey:
    found = keys.get(reader, id)
    if found is None:
        raise NotFound(f"there is no key {id}", key=id)
    return found


def _hash(pepper: bytes, text: str) -> bytes:
    return hmac.digest(pepper, text.encode("ascii"), "sha256")


def _object(account: Principal, key: ApiKey) -> str:
    return f"key:{account.subject}/{key.id}"


def _told(key: ApiKey) -> str:
    """What the audit keeps of a key: nothing that opens anything."""
    permissions = None if key.permissions is None else list(key.permissions)
    return note(prefix=key.prefix, name=key.name, permissions=permissions, expires_at=key.expires_at)
