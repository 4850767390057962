"""What each principal may do right now."""

from dataclasses import replace

import pytest

from flux.core.permissions import Grants
from flux.core.principal import ADMIN
from flux.engine.access import REMEMBERED, Permissions, lacking, load, require, require_holding
from flux.errors import Denied, NotFound
from tests.records import Records, a_caller

BOT = replace(ADMIN, id="01BOT", subject="bot", issuer="flux", roles=("runner", "gone"))
PERMISSIONS = Permissions(
    {ADMIN.id: ADMIN, BOT.id: BOT, "01OFF": replace(ADMIN, id="01OFF", subject="off", enabled=False)},
    {"runner": ("workflow:billing:*:run", "workflow:*:*:read")},
    frozenset({"01E.1"}),
)


@pytest.mark.parametrize(
    ("principal", "permission", "allowed"),
    [
        (ADMIN.id, "admin:keys:manage", True),
        (BOT.id, "workflow:billing:invoice:run", True),
        (BOT.id, "workflow:other:invoice:run", False),
        (BOT.id, "workflow:other:invoice:read", True),
        ("01OFF", "workflow:a:b:read", False),
        ("01NOBODY", "workflow:a:b:read", False),
    ],
    ids=["admin", "by a role", "outside of it", "by the other permission", "disabled", "unknown"],
)
def test_a_principal_may_what_one_of_its_roles_says_while_it_is_active(principal, permission, allowed):
    """Asked twice, since the second answer is a remembered one. A role that is gone gives nothing."""
    assert PERMISSIONS.allows(principal, permission) is allowed
    assert PERMISSIONS.allows(principal, permission) is allowed


def test_what_is_missing_is_listed_in_order():
    """The caller is told everything at once."""
    wanted = ["workflow:b:x:run", "workflow:billing:x:run", "workflow:a:x:run"]

    assert PERMISSIONS.missing(BOT.id, wanted) == ["workflow:b:x:run", "workflow:a:x:run"]


def test_principals_are_found_by_id_and_by_subject():
    """The daemon knows them without a look into the file."""
    assert PERMISSIONS.principal(BOT.id) is BOT
    assert PERMISSIONS.find("flux", "bot") is BOT
    assert PERMISSIONS.find("local", "bot") is None
    with pytest.raises(NotFound):
        PERMISSIONS.principal("01NOBODY")


def test_revoked_tokens_are_known():
    """By the id that their grant has."""
    assert PERMISSIONS.is_revoked("01E.1")
    assert not PERMISSIONS.is_revoked("01E.2")


def test_an_api_key_narrows_what_its_principal_may():
    """Never widens it: both must say yes."""
    narrowed = a_caller(BOT, narrowing=Grants(["workflow:billing:invoice:*", "admin:*"]))
    wanted = ["workflow:billing:invoice:run", "workflow:billing:other:run", "admin:keys:read"]

    assert lacking(PERMISSIONS, narrowed, wanted) == ["workflow:billing:other:run", "admin:keys:read"]
    assert lacking(PERMISSIONS, a_caller(BOT), wanted) == ["admin:keys:read"]


def test_a_denial_names_who_lacks_what():
    """403 with the list."""
    with pytest.raises(Denied, match="bot lacks the permission admin:keys:read") as denied:
        require(PERMISSIONS, a_caller(BOT), "workflow:a:b:read", "admin:keys:read")

    assert denied.value.facts["missing_permissions"] == ["admin:keys:read"]
    require(PERMISSIONS, a_caller(BOT), "workflow:a:b:read")


def test_holding_a_pattern_needs_a_grant_that_covers_all_of_it():
    """One permission out of a pattern is not the pattern; a narrowed key holds only what it is good for."""
    require_holding(PERMISSIONS, a_caller(BOT), ["workflow:billing:*:run"])
    for caller, pattern in [
        (a_caller(BOT), "workflow:*:*:run"),
        (a_caller(ADMIN, narrowing=Grants(["workflow:a:b:run"])), "workflow:a:*:run"),
    ]:
        with pytest.raises(Denied, match="cannot grant what it does not hold"):
            require_holding(PERMISSIONS, caller, [pattern])


def test_a_loaded_generation_says_what_the_tables_say():
    """Compiled permissions are a copy, never a second truth."""
    records = Records()
    made = records.a_manager("execution:*:read")
    records.a_service_account("viewer")

    loaded = load(records.reader)

    assert {one.subject for one in loaded.everyone()} == {"admin", "bot", "manager"}
    assert loaded.allows(made.id, "execution:01E:read")
    assert not loaded.allows(made.id, "workflow:a:b:read")


def test_answers_stay_right_when_there_are_more_than_can_be_remembered():
    """Permissions hold names that callers choose, so there may be any number of them."""
    permissions = Permissions({BOT.id: BOT}, {"runner": ("a:*",)})

    assert all(permissions.allows(BOT.id, f"a:{number}") for number in range(REMEMBERED + 10))
    assert not permissions.allows(BOT.id, "b:0")
    assert permissions.allows(BOT.id, "a:0")
