"""Rows of principals and roles."""

from dataclasses import replace

import pytest

from flux.core.principal import ADMIN, Principal, PrincipalType
from flux.errors import StorageError
from flux.store import principals
from flux.store.database import Database

BOT = Principal(
    id="01BOT",
    type=PrincipalType.SERVICE_ACCOUNT,
    subject="bot",
    issuer="flux",
    display_name="A bot",
    roles=("author", "viewer"),
    metadata={"team": "größer"},
    created_at=5,
)


@pytest.fixture
def tx():
    """A transaction on an empty database."""
    return Database.in_memory().begin(now=1_000)


def test_a_principal_comes_back_as_it_was_written(tx):
    """Every field survives, roles sorted."""
    principals.insert(tx, replace(BOT, roles=("viewer", "author")))

    assert principals.get(tx, "01BOT") == BOT
    assert principals.find(tx, "flux", "bot") == BOT


def test_the_same_subject_of_another_issuer_is_somebody_else(tx):
    """Principals are known by (issuer, subject); the pair is there once."""
    principals.insert(tx, BOT)
    principals.insert(tx, replace(BOT, id="01OTHER", issuer="https://idp.example"))

    assert principals.find(tx, "https://idp.example", "bot") != principals.find(tx, "flux", "bot")
    with pytest.raises(StorageError):
        principals.insert(tx, replace(BOT, id="01THIRD"))


def test_roles_are_given_and_taken(tx):
    """Giving a role twice and taking one that is not there change nothing."""
    principals.insert(tx, BOT)
    principals.grant(tx, BOT.id, "operator")
    principals.grant(tx, BOT.id, "operator")
    principals.revoke(tx, BOT.id, "viewer")
    principals.revoke(tx, BOT.id, "viewer")

    assert principals.get(tx, BOT.id) == replace(BOT, roles=("author", "operator"))


def test_disabling_and_visits_are_noted(tx):
    """Both are changes of one column each."""
    principals.insert(tx, BOT)
    principals.set_enabled(tx, BOT.id, enabled=False)
    principals.see(tx, BOT.id)

    assert principals.get(tx, BOT.id) == replace(BOT, enabled=False, last_seen_at=1_000)


def test_everyone_is_listed_oldest_first(tx):
    """Lists are stable."""
    principals.insert(tx, BOT)
    principals.insert(tx, ADMIN)

    assert [one.subject for one in principals.everyone(tx)] == ["admin", "bot"]


def test_custom_roles_are_listed_with_their_permissions(tx):
    """A role without permissions is a role too."""
    principals.add_role(tx, "runner", "may run", ["workflow:a:*:run", "workflow:*:*:read"])
    principals.add_role(tx, "idle", "", [])

    assert principals.custom_roles(tx) == {"idle": (), "runner": ("workflow:*:*:read", "workflow:a:*:run")}


def test_nobody_is_found_where_nobody_is(tx):
    """A missing principal is None, not an error: who asks decides what it means."""
    assert principals.get(tx, "01NOBODY") is None
    assert principals.find(tx, "flux", "nobody") is None
