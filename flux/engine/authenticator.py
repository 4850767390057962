"""Who is calling: from the user behind a Unix socket, or from an API key, to a `Caller`.

Nothing about an identity is remembered between two requests: a key and its principal are read from the
file each time, a user's principal from the permissions of the moment. So nothing outlives a revocation,
an expiry or a disabling by even one request.

Whoever fails learns nothing but that: one message for every reason, which the audit alone names.
"""

from dataclasses import dataclass
from typing import Final, NoReturn

from flux.core.audit import DENIED, FAILED, Entry, entry_by, note
from flux.core.keys import prefix_of
from flux.core.permissions import Grants
from flux.core.principal import ADMIN, LOCAL, Caller, Method, Principal
from flux.engine import audit, keys, principals
from flux.engine.failures import Failures
from flux.engine.gate import Gate
from flux.engine.keys import IssuedKey, NewKey
from flux.engine.live import Overlay
from flux.errors import Busy, Denied, StorageError, Unauthenticated
from flux.store.database import Transaction

VIEWER: Final = ("viewer",)
SEEN_EVERY: Final = 60_000  # finer would be a commit for each request
MESSAGE: Final = "who is calling could not be established: send the credentials of an active principal"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalUser:
    """The process at the other end of a Unix socket, as the kernel names it. `name`: of its user."""

    uid: int
    pid: int
    name: str

    def __str__(self) -> str:
        return f"uid {self.uid} pid {self.pid}"


class Authenticator:
    """Turns credentials into callers."""

    def __init__(
        self,
        gate: Gate,
        pepper: bytes,
        *,
        own_uid: int,
        newcomer_roles: tuple[str, ...] = VIEWER,
        failures: Failures | None = None,
    ) -> None:
        self._gate = gate
        self._pepper = pepper
        self._admins = frozenset({0, own_uid})
        self._newcomer_roles = newcomer_roles
        self._failures = failures or Failures()
        self._denials = Failures()
        self._seen: dict[str, int] = {}

    async def by_user(self, user: LocalUser, request_id: str) -> Caller:
        """The caller behind a Unix socket: the admin for root and our own user, else a principal of its own.

        Whoever asks has made sure that the process is none that runs user code for us.

        Raises:
            Unauthenticated: the principal is disabled, or newcomers get no roles.
        """
        principal = await self._principal_of(user, request_id)
        if not principal.is_active:
            await self.refuse(f"{principal.subject} is disabled", str(user), request_id)
        await self._note_seen(principal.id, None)
        return Caller(principal=principal, peer=str(user), request_id=request_id, method=Method.PEER)

    async def by_key(self, text: str, peer: str, request_id: str) -> Caller:
        """The caller who shows this API key.

        Raises:
            Unauthenticated: it is no key, or one that is revoked or expired, or its principal is disabled.
            Busy: the same, once too often.
        """
        found = self._gate.read(keys.owner, self._pepper, text)
        if found is None:
            await self.refuse("unknown key", peer, request_id, prefix=_shown(text))
        key, principal = found
        if not key.is_good(self._gate.clock.now()):
            reason = "revoked key" if key.revoked_at is not None else "expired key"
            await self.refuse(reason, peer, request_id, prefix=key.prefix)
        if not principal.is_active:
            await self.refuse(f"{principal.subject} is disabled", peer, request_id, prefix=key.prefix)
        await self._note_seen(principal.id, key.id)
        return Caller(
            principal=principal,
            peer=peer,
            request_id=request_id,
            method=Method.KEY,
            narrowing=None if key.permissions is None else Grants(key.permissions),
            credential=key.id,
        )

    async def issue(self, wish: NewKey) -> IssuedKey:
        """A new key. Only here, since only who verifies keys knows what their hashes are keyed with."""
        return await self._gate.write(keys.create, self._pepper, wish)

    async def rotate(self, id: str, overlap: int, caller: Caller) -> IssuedKey:
        """A new key in the place of the one with this id, which still opens for `overlap` milliseconds."""
        return await self._gate.write(keys.rotate, self._pepper, id, overlap, caller)

    async def refuse(self, reason: str, peer: str, request_id: str, *, prefix: str = "") -> NoReturn:
        """Refuse an attempt. The audit learns the reason, the caller does not.

        Raises:
            Busy: there were too many from this peer or at this key.
            Unauthenticated: otherwise.
        """
        verdict = self._failures.note(_address(peer), prefix, self._gate.clock.now())
        if verdict.is_told:
            entry = Entry(
                actor="",
                method="",
                peer=peer,
                action="auth.fail",
                object=f"key:{prefix}" if prefix else "",
                outcome=FAILED,
                request_id=request_id,
                after=note(reason=reason, count=verdict.count),
            )
            await self._gate.write(audit.record, entry)
        if verdict.is_over:
            raise Busy("too many failed attempts: come back later", retry_after=-(-verdict.retry_after // 1000))
        raise Unauthenticated(MESSAGE)

    async def note_denied(self, caller: Caller, what: str, denied: Denied) -> None:
        """Put into the audit that a caller tried something it may not. Of many alike, every doubling is kept."""
        verdict = self._denials.note(f"{caller.principal.id} {what}", "", self._gate.clock.now())
        if not verdict.is_told:
            return
        after = note(missing_permissions=denied.facts.get("missing_permissions", []), count=verdict.count)
        await self._gate.write(audit.record, entry_by(caller, "request", what[:500], outcome=DENIED, after=after))

    async def _principal_of(self, user: LocalUser, request_id: str) -> Principal:
        permissions = self._gate.live.permissions
        if user.uid in self._admins:
            return permissions.principal(ADMIN.id)
        found = permissions.find(LOCAL, f"{LOCAL}:{user.name}")
        if found is not None:
            return found
        try:
            return await self._gate.write(principals.provision_user, user.name, self._newcomer_roles, str(user))
        except Denied:
            await self.refuse("newcomers get no roles", str(user), request_id)

    async def _note_seen(self, principal: str, key: str | None) -> None:
        """Note the visit in the file, at most once a minute. A disk that is full must not lock anybody out."""
        now = self._gate.clock.now()
        who = key or principal
        if 0 <= now - self._seen.get(who, -SEEN_EVERY) < SEEN_EVERY:
            return
        self._seen[who] = now
        try:
            await self._gate.write(_note_visit, principal, key)
        except (StorageError, Busy):
            self._seen.pop(who, None)


def _note_visit(tx: Transaction, live: Overlay, principal: str, key: str | None) -> None:
    principals.note_visit(tx, live, principal)
    if key is not None:
        keys.note_use(tx, live, key)


def _shown(text: str) -> str:
    """What of a wrong key may be written down: what would be its prefix, if it looks like a key at all."""
    prefix = prefix_of(text)
    return prefix if prefix.startswith("flux_") and prefix.isascii() and prefix.isprintable() else ""


def _address(peer: str) -> str:
    """What failures are counted by: a user for a Unix socket, whatever process it uses; else the address."""
    return peer.partition(" pid ")[0]
