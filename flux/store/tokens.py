"""Table `revoked_tokens`: execution tokens that died before their grant did, by `jti`."""

from typing import Final

from flux.store.columns import text
from flux.store.database import Reader, Transaction

_REVOKE: Final = "INSERT INTO revoked_tokens (jti, revoked) VALUES (:jti, :revoked) ON CONFLICT DO NOTHING"
_ALL: Final = "SELECT jti FROM revoked_tokens"


def revoke(tx: Transaction, jti: str) -> None:
    """Refuse the token from the instant of the transaction on."""
    tx.execute(_REVOKE, jti=jti, revoked=tx.now)


def revoked(reader: Reader) -> frozenset[str]:
    """The `jti` of every revoked token."""
    return frozenset(text(row[0]) for row in reader.all(_ALL))
