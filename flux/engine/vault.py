"""The master key, what is derived from it, and what is sealed under it.

One master key of 32 bytes; HKDF-SHA-256 derives a key for each purpose, once, at start. Keys that must
outlive a change of the master key (that of the API key hashes) are random and stored sealed by it, so
that changing it means wrapping them again, no more. Sealing is AES-256-GCM; the associated data names
the place of a value, so that a sealed value moved to another place does not open.

A file that has been sealed is never opened with another key: the canary says so at start, in words.
No key appears in a representation, a log or an error.
"""

import os
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from flux.engine import master
from flux.errors import InvalidConfiguration, StorageError
from flux.store import vault
from flux.store.database import Transaction
from flux.store.vault import Sealed

_FORMAT: Final = b"\x01"  # first byte of a sealed value: AES-256-GCM, nonce of 12 bytes, tag of 16
_NONCE: Final = 12
_CANARY: Final = "canary"
_CANARY_TEXT: Final = b"flux: the master key fits"
_KEY_HASH: Final = "key-hash"
_TOKENS: Final = "execution-token"


class Vault:
    """The keys that follow from one master key."""

    __slots__ = ("_cipher", "_master", "key_id")

    def __init__(self, master: bytes) -> None:
        self._master = master
        self._cipher = AESGCM(self.subkey("seal"))
        self.key_id = self.subkey("key-id")[:8].hex()  # says which master key, and nothing about it

    def subkey(self, purpose: str) -> bytes:
        """The 32 bytes for one purpose. Source: RFC 5869, with no salt, since the master key is uniform."""
        info = b"flux/1/" + purpose.encode()
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._master)

    def seal(self, value: bytes, place: str) -> Sealed:
        """`value`, readable only under this master key and only at `place`: `table/row/version`."""
        nonce = os.urandom(_NONCE)
        return Sealed(self.key_id, _FORMAT + nonce + self._cipher.encrypt(nonce, value, self._bound(place)))

    def open(self, sealed: Sealed, place: str) -> bytes:
        """The value that was sealed at `place`.

        Raises:
            StorageError: it was sealed under another key or at another place, or it has been changed.
        """
        blob = sealed.value
        if sealed.key_id != self.key_id or blob[:1] != _FORMAT:
            raise StorageError(f"{place} is sealed under key {sealed.key_id}, this is key {self.key_id}")
        try:
            return self._cipher.decrypt(blob[1 : 1 + _NONCE], blob[1 + _NONCE :], self._bound(place))
        except InvalidTag:
            raise StorageError(f"{place} does not open: it was changed, or moved there from another place") from None

    def _bound(self, place: str) -> bytes:
        return f"{self.key_id}/{place}".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocked:
    """What a daemon holds after its start.

    Attributes:
        pepper: keys the hashes of API keys.
        token_secret: signs execution tokens; changes with the master key.
        warning: a sentence for the log if the master key was made just now.
    """

    vault: Vault
    pepper: bytes = field(repr=False)
    token_secret: bytes = field(repr=False)
    warning: str | None = None


def unlock(tx: Transaction, sources: master.Sources) -> Unlocked:
    """The keys of this file. The first time, its canary and its own keys are made and sealed.

    Raises:
        InvalidConfiguration: there is no master key though the file was sealed, or it does not fit.
    """
    canary = vault.get(tx, _CANARY)
    found = master.find(sources, create=canary is None)
    opened = Vault(found.key)
    if canary is None:
        vault.put(tx, _CANARY, opened.seal(_CANARY_TEXT, _place(_CANARY)))
        vault.put(tx, _KEY_HASH, opened.seal(os.urandom(32), _place(_KEY_HASH)))
    else:
        _refuse_wrong_key(opened, canary, found.path)
    return Unlocked(
        vault=opened,
        pepper=_open_own(tx, opened, _KEY_HASH),
        token_secret=opened.subkey(_TOKENS),
        warning=found.warning,
    )


def _refuse_wrong_key(opened: Vault, canary: Sealed, path: object) -> None:
    if canary.key_id != opened.key_id:
        raise InvalidConfiguration(
            f"the master key in {path} does not fit this database: it was sealed with key {canary.key_id}, "
            f"this is key {opened.key_id}; bring back the old one",
            file=str(path),
        )
    opened.open(canary, _place(_CANARY))


def _open_own(tx: Transaction, opened: Vault, name: str) -> bytes:
    sealed = vault.get(tx, name)
    if sealed is None:
        raise StorageError(f"the sealed value {name} is missing from the database: it was edited")
    return opened.open(sealed, _place(name))


def _place(name: str) -> str:
    return f"vault/{name}/1"
