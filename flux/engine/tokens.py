"""Execution tokens: what a worker shows to prove that a grant is its own.

A JWT signed with HS256, minted at each grant and good for that execution under that fence only. The
secret follows from the master key. Verifying takes nothing on trust. The header is compared byte by byte
with the one header that we write, so that no algorithm, key or extension named by a token is ever looked
at, and nothing is decoded before the signature holds; then every claim must be there, with its type and
its value, no other may be, and instants are compared with the daemon's. What can change after the mint
(fence, principal, revocation) is checked against live state by whoever verifies.

Claims count in seconds, as RFC 7519 says; everything else here in int milliseconds.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final

from jwt.algorithms import HMACAlgorithm
from jwt.utils import base64url_decode, base64url_encode

from flux.core.audit import entry_by
from flux.core.principal import Caller, Principal
from flux.engine import access, audit
from flux.engine.live import Overlay
from flux.errors import Unauthenticated
from flux.store import tokens
from flux.store.database import Transaction

ISSUER: Final = "fluxd"
AUDIENCE: Final = "flux-callback"
SCOPE: Final = "execution"
TYPE: Final = "execution+jwt"  # a token of ours for another use would say something else
TTL: Final = 300_000  # renewed by heartbeats; a worker that cannot send one for so long is lost
LEEWAY: Final = 30  # seconds by which the machine's clock may have stepped back since the mint
MAX_LENGTH: Final = 4_096

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionToken:
    """What a verified token says.

    Attributes:
        attempt: the fencing token of the grant.
        expires_at: the first instant at which it is refused.
    """

    subject: str
    principal_issuer: str
    execution: str
    attempt: int
    jti: str
    expires_at: int


class Tokens:
    """Mints and verifies execution tokens with one secret."""

    __slots__ = ("_header", "_hmac", "_secret")

    def __init__(self, secret: bytes, key_id: str) -> None:
        self._hmac = HMACAlgorithm(HMACAlgorithm.SHA256)
        self._secret = self._hmac.prepare_key(secret)
        self._header = base64url_encode(_encode({"alg": "HS256", "kid": key_id, "typ": TYPE}).encode())

    def mint(self, principal: Principal, execution: str, fence: int, now: int, *, ttl: int = TTL) -> str:
        """A token for one grant of an execution of this principal."""
        seconds = now // 1000
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": principal.subject,
            "principal_issuer": principal.issuer,
            "execution_id": execution,
            "attempt": fence,
            "scope": SCOPE,
            "iat": seconds,
            "nbf": seconds,
            "exp": -(-(now + ttl) // 1000),
            "jti": jti(execution, fence),
        }
        signed = self._header + b"." + base64url_encode(_encode(claims).encode())
        return (signed + b"." + self._signature(signed)).decode("ascii")

    def verify(self, token: str, now: int) -> ExecutionToken:
        """What `token` says, all of it checked but what only live state knows.

        Raises:
            Unauthenticated: `facts["reason"]` says why, for the audit; the message does not.
        """
        try:
            parts = token.encode("ascii").split(b".")
        except UnicodeEncodeError:
            raise _refused("form") from None
        if len(parts) != 3 or len(token) > MAX_LENGTH:
            raise _refused("form")
        header, payload, signature = parts
        if header != self._header:
            raise _refused("header")
        if not compare_digest(self._signature(header + b"." + payload), signature):
            raise _refused("signature")
        try:
            claims = json.loads(base64url_decode(payload))
        except ValueError:
            raise _refused("payload") from None
        return _checked(claims, now)

    def _signature(self, signed: bytes) -> bytes:
        return base64url_encode(self._hmac.sign(signed, self._secret))


def jti(execution: str, fence: int) -> str:
    """The id of the token of a grant: there is one a grant, so that the grant names it."""
    return f"{execution}.{fence}"


def revoke(tx: Transaction, live: Overlay, revoked: str, caller: Caller) -> None:
    """Refuse the token with this `jti` from now on. Needs admin:principals:manage, as disabling its holder does."""
    access.require(live.permissions, caller, "admin:principals:manage")
    tokens.revoke(tx, revoked)
    live.permissions = access.load(tx)
    audit.record(tx, live, entry_by(caller, "token.revoke", f"token:{revoked}"))


def _checked(claims: object, now: int) -> ExecutionToken:
    if not isinstance(claims, dict) or claims.keys() != _CLAIMS.keys():
        raise _refused("claims")
    for name, is_right in _CLAIMS.items():
        if not is_right(claims[name]):
            raise _refused(name)
    seconds = now // 1000
    _check_instants(claims, seconds)
    token = ExecutionToken(
        subject=claims["sub"],
        principal_issuer=claims["principal_issuer"],
        execution=claims["execution_id"],
        attempt=claims["attempt"],
        jti=claims["jti"],
        expires_at=claims["exp"] * 1000,
    )
    if token.jti != jti(token.execution, token.attempt):
        raise _refused("jti")
    return token


def _check_instants(claims: Mapping[str, int], seconds: int) -> None:
    if seconds >= claims["exp"]:
        raise _refused("exp")
    if claims["nbf"] > seconds + LEEWAY:
        raise _refused("nbf")
    if claims["iat"] > seconds + LEEWAY:
        raise _refused("iat")


def _refused(reason: str) -> Unauthenticated:
    return Unauthenticated("the execution token is not valid", reason=reason)


def _is(expected: str) -> Callable[[object], bool]:
    return lambda value: value == expected


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_number(value: object) -> bool:
    return type(value) is int and value >= 0  # a bool is an int for isinstance


_CLAIMS: Final[Mapping[str, Callable[[object], bool]]] = {
    "iss": _is(ISSUER),
    "aud": _is(AUDIENCE),
    "sub": _is_text,
    "principal_issuer": _is_text,
    "execution_id": _is_text,
    "attempt": _is_number,
    "scope": _is(SCOPE),
    "iat": _is_number,
    "nbf": _is_number,
    "exp": _is_number,
    "jti": _is_text,
}
