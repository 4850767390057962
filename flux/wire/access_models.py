"""What clients send about principals, roles and keys, as models. The engine judges the values."""

from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from flux.wire.models import Request, seconds

_MOST: Final = 36_525 * 86_400  # seconds; a hundred years is for ever


def _duration(value: object) -> object:
    """Seconds as a number, or a text like `90s`."""
    return seconds(value) if isinstance(value, str) else value


Duration = Annotated[float, BeforeValidator(_duration), Field(le=_MOST, allow_inf_nan=False)]
Name = Annotated[str, Field(max_length=200)]
Permissions = Annotated[tuple[Annotated[str, Field(max_length=1_024)], ...], Field(max_length=100)]


class NewPrincipalBody(Request):
    """A service account to be made."""

    name: Name
    display_name: Name = ""
    roles: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    metadata: Annotated[dict[str, str], Field(max_length=50, default_factory=dict)]


class RoleBody(Request):
    """The role to be given."""

    role: Name


class NewRoleBody(Request):
    """A role to be made."""

    name: Name
    permissions: Permissions
    about: Annotated[str, Field(max_length=1_000)] = ""


class KeysQuery(Request):
    """Whose keys a list shows."""

    account: Name | None = None


class NewKeyBody(Request):
    """An API key to be made. Without `expires_in` it is good until it is revoked."""

    account: Name
    name: Name = ""
    expires_in: Duration | None = None
    permissions: Permissions | None = None


class RotateBody(Request):
    """For how long the old key still works beside the new one."""

    overlap: Duration = 0.0
