"""The blocking client for those who say who may what: principals, roles and API keys.

Apart from `SyncClient`, since few programs manage access and all of them run workflows.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlencode

from flux.client import calls
from flux.client.blocking import SyncClient
from flux.client.calls import Call
from flux.wire import access
from flux.wire.access import IssuedKey, KeyList, KeyView, PrincipalList, PrincipalView, RoleList, RoleView
from flux.wire.routes import Route
from flux.wire.shapes import Json

__all__ = ["AccessClient", "IssuedKey", "KeyView", "PrincipalView", "RoleView"]


class AccessClient(SyncClient):
    """A client that can also manage access, if its principal may."""

    def principals(self) -> list[PrincipalView]:
        """Everybody who may act, oldest first."""
        call: Call[PrincipalList] = _call(access.PRINCIPALS)
        return self._ask(call)["items"]

    def principal(self, principal: str) -> PrincipalView:
        """One principal, by id or subject."""
        call: Call[PrincipalView] = _call(access.PRINCIPAL, id=principal)
        return self._ask(call)

    def make_service_account(
        self, name: str, *, display_name: str = "", roles: Iterable[str] = (), metadata: Mapping[str, str] | None = None
    ) -> PrincipalView:
        """A new service account with these roles."""
        body = {"name": name, "display_name": display_name, "roles": list(roles), "metadata": dict(metadata or {})}
        call: Call[PrincipalView] = _call(access.NEW_PRINCIPAL, body)
        return self._ask(call)

    def enable(self, principal: str) -> PrincipalView:
        """The principal, who may act again."""
        call: Call[PrincipalView] = _call(access.ENABLE, id=principal)
        return self._ask(call)

    def disable(self, principal: str) -> PrincipalView:
        """The principal, refused from its next request on."""
        call: Call[PrincipalView] = _call(access.DISABLE, id=principal)
        return self._ask(call)

    def grant(self, principal: str, role: str) -> PrincipalView:
        """The principal with one role more."""
        call: Call[PrincipalView] = _call(access.GRANT, {"role": role}, id=principal)
        return self._ask(call)

    def revoke(self, principal: str, role: str) -> PrincipalView:
        """The principal with one role less."""
        call: Call[PrincipalView] = _call(access.REVOKE, id=principal, role=role)
        return self._ask(call)

    def roles(self) -> list[RoleView]:
        """All roles by name."""
        call: Call[RoleList] = _call(access.ROLES)
        return self._ask(call)["items"]

    def make_role(self, name: str, permissions: Iterable[str], *, about: str = "") -> RoleView:
        """A new role with these permissions."""
        body = {"name": name, "permissions": list(permissions), "about": about}
        call: Call[RoleView] = _call(access.NEW_ROLE, body)
        return self._ask(call)

    def keys(self, account: str | None = None) -> list[KeyView]:
        """All API keys, or those of one service account, oldest first."""
        query = {} if account is None else {"account": account}
        call: Call[KeyList] = _call(access.KEYS, query=query)
        return self._ask(call)["items"]

    def make_key(
        self,
        account: str,
        *,
        name: str = "",
        expires_in: float | str | None = None,
        permissions: Iterable[str] | None = None,
    ) -> IssuedKey:
        """A new API key; only this answer holds it. `expires_in`: seconds, or a text like `30d`."""
        body: dict[str, Json] = {"account": account, "name": name, "expires_in": expires_in}
        if permissions is not None:
            body["permissions"] = list(permissions)
        call: Call[IssuedKey] = _call(access.NEW_KEY, body)
        return self._ask(call)

    def rotate_key(self, id: str, *, overlap: float | str = 0) -> IssuedKey:
        """A key in the place of another, which still opens for `overlap` seconds."""
        call: Call[IssuedKey] = _call(access.ROTATE_KEY, {"overlap": overlap}, id=id)
        return self._ask(call)

    def revoke_key(self, id: str) -> KeyView:
        """The key, refused from its next use on."""
        call: Call[KeyView] = _call(access.REVOKE_KEY, id=id)
        return self._ask(call)


def _call(route: Route, body: Json = None, *, query: Mapping[str, str] | None = None, **segments: str) -> Call[Json]:
    path = route.path.format(**{name: quote(value, safe="") for name, value in segments.items()})
    return Call(
        method=route.method,
        path=f"{path}?{urlencode(query)}" if query else path,
        body=None if body is None else calls.encode(body),
        headers={} if body is None else {"Content-Type": "application/json"},
    )
