"""Who acts."""

from dataclasses import replace

import pytest

from flux.core.principal import ADMIN, Caller, Method, Principal, PrincipalType, internal_caller
from flux.ids import is_ulid


@pytest.mark.parametrize(
    ("enabled", "banned", "active"),
    [(True, False, True), (False, False, False), (True, True, False), (False, True, False)],
    ids=["enabled", "disabled", "banned", "both"],
)
def test_only_an_enabled_principal_that_is_not_banned_is_active(enabled, banned, active):
    """Either switch alone refuses a principal."""
    assert replace(ADMIN, enabled=enabled, banned=banned).is_active is active


def test_the_built_in_admin_has_the_same_id_in_every_file():
    """The id is a ULID that no clock of ours will ever make, so no other principal gets it."""
    assert is_ulid(ADMIN.id)
    assert ADMIN.id == "0" * 26
    assert ADMIN.roles == ("admin",)


def test_the_daemon_acts_as_the_admin():
    """What the daemon does on its own account is the admin's doing, and the audit can tell it apart."""
    caller = internal_caller("r1")

    assert (caller.principal, caller.method, caller.request_id) == (ADMIN, Method.INTERNAL, "r1")


def test_a_caller_is_as_good_as_its_principal_unless_it_is_narrowed():
    """No narrowing means everything that the principal may do; an API key may bring one."""
    caller = Caller(principal=ADMIN, peer="daemon", request_id="r", method=Method.KEY)

    assert caller.narrowing is None


def test_principals_do_not_share_their_metadata():
    """The default of one record must not be that of all."""
    one, other = (
        Principal(id=id, type=PrincipalType.SERVICE_ACCOUNT, subject=id, issuer="flux", display_name=id) for id in "ab"
    )

    assert one.metadata is not other.metadata
