"""What each principal may do right now, compiled from the tables so that the hot path reads none.

A `Permissions` never changes. Whoever changes principals, roles or revoked tokens puts a new one into
the overlay of the change: it holds within that transaction at once, for everybody else from its commit
on, and disappears with a rollback. So one object is one generation, and no identity is cached beside it.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from flux.core.permissions import BUILT_IN_ROLES, Grants
from flux.core.principal import Caller, Principal
from flux.errors import Denied, NotFound
from flux.store import principals, tokens
from flux.store.database import Reader

_NOTHING: Final = Grants(())
REMEMBERED: Final = 50_000  # answers kept; a daemon asks for a few permissions over and over


class Permissions:
    """Principals, their grants, and the tokens that were revoked, as they stand in one generation."""

    __slots__ = ("_answers", "_by_subject", "_grants", "_principals", "_revoked", "_roles")

    def __init__(
        self,
        everyone: Mapping[str, Principal],
        custom_roles: Mapping[str, tuple[str, ...]],
        revoked: frozenset[str] = frozenset(),
    ) -> None:
        self._principals = everyone
        self._by_subject = {(one.issuer, one.subject): one for one in everyone.values()}
        self._roles = {**custom_roles, **BUILT_IN_ROLES}
        self._revoked = revoked
        self._grants: dict[tuple[str, ...], Grants] = {}
        self._answers: dict[tuple[str, str], bool] = {}

    def allows(self, principal: str, permission: str) -> bool:
        """Whether the principal with this id is active and has `permission` by one of its roles."""
        question = (principal, permission)
        answer = self._answers.get(question)
        if answer is None:
            answer = self.enabled(principal) and self.grants(principal).allows(permission)
            if len(self._answers) >= REMEMBERED:
                self._answers.clear()
            self._answers[question] = answer
        return answer

    def missing(self, principal: str, permissions: Iterable[str]) -> list[str]:
        """Those of `permissions` that the principal lacks, in their order."""
        return [wanted for wanted in permissions if not self.allows(principal, wanted)]

    def enabled(self, principal: str) -> bool:
        """Whether the principal exists and may act at all."""
        found = self._principals.get(principal)
        return found is not None and found.is_active

    def grants(self, principal: str) -> Grants:
        """Everything that the roles of a principal give it, active or not."""
        found = self._principals.get(principal)
        if found is None:
            return _NOTHING
        grants = self._grants.get(found.roles)
        if grants is None:
            # A role that is gone gives nothing.
            grants = Grants(permission for role in found.roles for permission in self._roles.get(role, ()))
            self._grants[found.roles] = grants
        return grants

    def roles(self) -> Mapping[str, tuple[str, ...]]:
        """Name -> permissions of every role there is."""
        return self._roles

    def principal(self, id: str) -> Principal:
        """The principal with this id. Its `last_seen_at` may be old.

        Raises:
            NotFound: there is none.
        """
        try:
            return self._principals[id]
        except KeyError:
            raise NotFound(f"there is no principal {id}", principal=id) from None

    def find(self, issuer: str, subject: str) -> Principal | None:
        """The principal whom `issuer` knows as `subject`, or None."""
        return self._by_subject.get((issuer, subject))

    def everyone(self) -> Iterable[Principal]:
        """All principals."""
        return self._principals.values()

    def is_revoked(self, jti: str) -> bool:
        """Whether the execution token with this id was revoked."""
        return jti in self._revoked


def load(reader: Reader) -> Permissions:
    """What the tables say now."""
    everyone = {one.id: one for one in principals.everyone(reader)}
    return Permissions(everyone, principals.custom_roles(reader), tokens.revoked(reader))


def lacking(permissions: Permissions, caller: Caller, wanted: Iterable[str]) -> list[str]:
    """Those of `wanted` that the caller lacks: by its roles, or since its API key is good for less."""
    principal, narrowing = caller.principal.id, caller.narrowing
    if narrowing is None:
        return permissions.missing(principal, wanted)
    return [one for one in wanted if not (permissions.allows(principal, one) and narrowing.allows(one))]


def require(permissions: Permissions, caller: Caller, *wanted: str) -> None:
    """Nothing, if the caller has every permission of `wanted`.

    Raises:
        Denied: `facts["missing_permissions"]` lists the others.
    """
    missing = lacking(permissions, caller, wanted)
    if missing:
        raise Denied(
            f"{caller.principal.subject} lacks the permission {', '.join(missing)}",
            principal=caller.principal.subject,
            missing_permissions=missing,
        )


def require_holding(permissions: Permissions, caller: Caller, patterns: Iterable[str]) -> None:
    """Nothing, if the caller holds all that `patterns` would give: nobody grants what he does not hold.

    Raises:
        Denied: `facts["missing_permissions"]` lists the patterns that reach further than the caller's.
    """
    held, narrowing = permissions.grants(caller.principal.id), caller.narrowing
    beyond = [
        pattern
        for pattern in patterns
        if not (held.covers(pattern) and (narrowing is None or narrowing.covers(pattern)))
    ]
    if beyond:
        raise Denied(
            f"{caller.principal.subject} cannot grant what it does not hold: {', '.join(beyond)}",
            principal=caller.principal.subject,
            missing_permissions=beyond,
        )
