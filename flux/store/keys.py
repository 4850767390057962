"""Table `api_keys`: what proves a key, to whom it belongs, and until when it is good.

The key itself stands nowhere: `prefix` finds it, `hash` is compared. A revoked key keeps its row.
"""

import json
from typing import Final

from flux.core.keys import ApiKey
from flux.core.principal import Principal
from flux.store import principals
from flux.store.columns import blob, maybe_number, maybe_text, number, text
from flux.store.database import Reader, Row, Transaction

_SELECT: Final = """
    SELECT id, principal, name, prefix, hash, permissions, created, creator, expires, used, revoked, successor
      FROM api_keys
"""
_INSERT: Final = """
    INSERT INTO api_keys (id, principal, name, prefix, hash, permissions, created, creator, expires)
    VALUES (:id, :principal, :name, :prefix, :hash, :permissions, :created, :creator, :expires)
"""
_BY_ID: Final = f"{_SELECT} WHERE id = :id"
_BY_PREFIX: Final = f"{_SELECT} WHERE prefix = :prefix"
_ALL: Final = f"{_SELECT} WHERE :principal IS NULL OR principal = :principal ORDER BY id"
_USE: Final = "UPDATE api_keys SET used = :used WHERE id = :id"
_REVOKE: Final = "UPDATE api_keys SET revoked = coalesce(revoked, :revoked) WHERE id = :id"
_SUCCEED: Final = "UPDATE api_keys SET successor = :successor, expires = :expires WHERE id = :id"


def insert(tx: Transaction, new: ApiKey) -> None:
    """Write a new key."""
    tx.execute(
        _INSERT,
        id=new.id,
        principal=new.principal,
        name=new.name,
        prefix=new.prefix,
        hash=new.hash,
        permissions=None if new.permissions is None else json.dumps(new.permissions),
        created=new.created_at,
        creator=new.created_by,
        expires=new.expires_at,
    )


def get(reader: Reader, id: str) -> ApiKey | None:
    """The key with this id, or None."""
    row = reader.one(_BY_ID, id=id)
    return None if row is None else _record(row)


def with_prefix(reader: Reader, prefix: str) -> list[tuple[ApiKey, Principal]]:
    """Every key that begins so, with its principal as it is now: one, unless chance made two alike."""
    found = [_record(row) for row in reader.all(_BY_PREFIX, prefix=prefix)]
    owners = [principals.get(reader, key.principal) for key in found]
    return [(key, owner) for key, owner in zip(found, owners, strict=True) if owner is not None]


def everything(reader: Reader, principal: str | None = None) -> list[ApiKey]:
    """All keys, or those of one principal, oldest first; revoked and expired ones too."""
    return [_record(row) for row in reader.all(_ALL, principal=principal)]


def use(tx: Transaction, id: str) -> None:
    """Note that a key was used at the instant of the transaction."""
    tx.execute(_USE, id=id, used=tx.now)


def revoke(tx: Transaction, id: str) -> None:
    """Refuse a key from the instant of the transaction on; the first revocation counts."""
    tx.execute(_REVOKE, id=id, revoked=tx.now)


def succeed(tx: Transaction, id: str, successor: str, expires_at: int) -> None:
    """Note which key replaces this one, and when this one ends."""
    tx.execute(_SUCCEED, id=id, successor=successor, expires=expires_at)


def _record(row: Row) -> ApiKey:
    identity, principal, name, prefix, digest, permissions, created, creator, expires, used, revoked, successor = row
    return ApiKey(
        id=text(identity),
        principal=text(principal),
        name=text(name),
        prefix=text(prefix),
        hash=blob(digest),
        permissions=None if permissions is None else tuple(json.loads(text(permissions))),
        created_at=number(created),
        created_by=text(creator),
        expires_at=maybe_number(expires),
        last_used_at=maybe_number(used),
        revoked_at=maybe_number(revoked),
        successor=maybe_text(successor),
    )
