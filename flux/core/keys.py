"""API keys: how one is written, and what is known of it.

    flux_  +  43 characters (256 random bits, base64url)  +  6 characters (CRC-32 of all before, base64url)

The checksum lets a scanner for leaked secrets know a key from noise, and refuses a mistyped one before
anything is looked up. It protects nothing. The first `PREFIX_LENGTH` characters are the key's prefix:
stored and shown in clear; the 208 random bits behind them are enough by themselves.
"""

import re
import zlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

SECRET_BYTES: Final = 32
PREFIX_LENGTH: Final = 13  # "flux_" and 8 of the 43

_SHAPE: Final = re.compile(r"flux_[A-Za-z0-9_-]{49}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is known of one API key; the key itself is not.

    Attributes:
        principal: id of the service account it belongs to.
        hash: keyed; compared with that of a key that is shown.
        permissions: what it is good for at most; None: all that its principal may do.
        created_by: id of the principal who made it.
        expires_at: the first instant at which it is refused.
        successor: id of the key that replaced it, or None.
    """

    id: str
    principal: str
    name: str
    prefix: str
    hash: bytes
    permissions: tuple[str, ...] | None
    created_at: int
    created_by: str
    expires_at: int | None
    last_used_at: int | None = None
    revoked_at: int | None = None
    successor: str | None = None

    def is_good(self, now: int) -> bool:
        """Whether it opens anything at this instant."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def compose(secret: bytes) -> str:
    """The key that carries these random bytes."""
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a key carries {SECRET_BYTES} bytes, got {len(secret)}")
    body = "flux_" + _base64url(secret)
    return body + _checksum(body)


def is_well_formed(key: str) -> bool:
    """Whether `key` could have come from `compose`."""
    return _SHAPE.fullmatch(key) is not None and key[-6:] == _checksum(key[:-6])


def prefix_of(key: str) -> str:
    """What of a key is no secret."""
    return key[:PREFIX_LENGTH]


def _checksum(body: str) -> str:
    return _base64url(zlib.crc32(body.encode("ascii")).to_bytes(4, "big"))


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")
