"""Table `vault`: small values sealed under the master key, by name. What they mean is the engine's."""

from typing import Final, NamedTuple

from flux.store.columns import blob, text
from flux.store.database import Reader, Transaction

_PUT: Final = "INSERT INTO vault (name, key_id, sealed) VALUES (:name, :key_id, :sealed)"
_GET: Final = "SELECT key_id, sealed FROM vault WHERE name = :name"


class Sealed(NamedTuple):
    """A sealed value, and the id of the master key that opens it."""

    key_id: str
    value: bytes


def put(tx: Transaction, name: str, new: Sealed) -> None:
    """Write a value that is not there yet."""
    tx.execute(_PUT, name=name, key_id=new.key_id, sealed=new.value)


def get(reader: Reader, name: str) -> Sealed | None:
    """The value of that name, or None."""
    row = reader.one(_GET, name=name)
    return None if row is None else Sealed(text(row[0]), blob(row[1]))
