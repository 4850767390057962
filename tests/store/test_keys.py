"""Rows of API keys."""

from dataclasses import replace

import pytest

from flux.core.keys import ApiKey
from flux.errors import StorageError
from flux.store import keys, principals
from flux.store.database import Database
from tests.store.test_principals import BOT

KEY = ApiKey(
    id="01K1",
    principal=BOT.id,
    name="ci",
    prefix="flux_AAAAAAAA",
    hash=b"h" * 32,
    permissions=("workflow:*:*:read",),
    created_at=1,
    created_by="01ADMIN",
    expires_at=900,
)


@pytest.fixture
def tx():
    """A transaction on a database that knows one service account."""
    tx = Database.in_memory().begin(now=500)
    principals.insert(tx, BOT)
    return tx


def test_a_key_comes_back_as_it_was_written(tx):
    """No narrowing and an empty narrowing are different things."""
    for key in (
        KEY,
        replace(KEY, id="01K2", permissions=None, expires_at=None),
        replace(KEY, id="01K3", permissions=()),
    ):
        keys.insert(tx, key)

        assert keys.get(tx, key.id) == key


def test_a_prefix_finds_all_keys_that_share_it_with_their_principal(tx):
    """Chance may make two keys begin alike; both must be compared."""
    keys.insert(tx, KEY)
    keys.insert(tx, replace(KEY, id="01K2", hash=b"i" * 32))
    keys.insert(tx, replace(KEY, id="01K3", prefix="flux_BBBBBBBB"))

    found = keys.with_prefix(tx, KEY.prefix)

    assert {(key.id, owner) for key, owner in found} == {("01K1", BOT), ("01K2", BOT)}


def test_the_first_revocation_counts(tx):
    """Revoking again does not make a key look as if it had lived longer."""
    keys.insert(tx, KEY)
    keys.revoke(tx, KEY.id)
    tx.now = 800
    keys.revoke(tx, KEY.id)

    assert keys.get(tx, KEY.id) == replace(KEY, revoked_at=500)


def test_use_and_succession_are_noted(tx):
    """When it was last used, what replaced it, and when it ends for that."""
    keys.insert(tx, KEY)
    keys.use(tx, KEY.id)
    keys.succeed(tx, KEY.id, "01K9", 600)

    assert keys.get(tx, KEY.id) == replace(KEY, last_used_at=500, successor="01K9", expires_at=600)


def test_keys_are_listed_oldest_first_all_or_of_one_principal(tx):
    """Revoked ones are listed too: the list is what an audit looks at."""
    principals.insert(tx, replace(BOT, id="01TWO", subject="two"))
    keys.insert(tx, replace(KEY, id="01K2", principal="01TWO"))
    keys.insert(tx, KEY)
    keys.revoke(tx, KEY.id)

    assert [key.id for key in keys.everything(tx)] == ["01K1", "01K2"]
    assert [key.id for key in keys.everything(tx, BOT.id)] == ["01K1"]


def test_a_key_of_nobody_cannot_be_written(tx):
    """A key belongs to a principal that exists."""
    with pytest.raises(StorageError):
        keys.insert(tx, replace(KEY, principal="01NOBODY"))
