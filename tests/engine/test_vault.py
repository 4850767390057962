"""The master key at start, and what is sealed under it."""

import pytest

from flux.engine.master import Sources
from flux.engine.vault import Unlocked, Vault, unlock
from flux.errors import InvalidConfiguration, StorageError
from flux.store.database import Database
from flux.store.vault import Sealed
from tests.records import NOW

KEY = bytes(range(32))


def unlocked(database: Database, sources: Sources) -> Unlocked:
    """What a daemon gets when it starts."""
    tx = database.begin(NOW)
    try:
        result = unlock(tx, sources)
    except BaseException:
        database.rollback()
        raise
    database.commit()
    return result


@pytest.fixture
def sources(tmp_path):
    """An empty state folder."""
    return Sources(state=tmp_path / "master.key")


def test_the_first_start_makes_a_key_and_says_so_once(sources):
    """The second start finds the same one and is silent."""
    database = Database.in_memory()

    first, second = unlocked(database, sources), unlocked(database, sources)

    assert first.warning is not None
    assert str(sources.state) in first.warning
    assert second.warning is None
    assert (first.pepper, first.token_secret) == (second.pepper, second.token_secret)
    assert sources.state.stat().st_mode & 0o777 == 0o600


def test_another_master_key_is_an_error_in_words(sources):
    """Never garbage, and never a file sealed twice."""
    database = Database.in_memory()
    unlocked(database, sources)
    sources.state.write_text("ff" * 32)

    with pytest.raises(InvalidConfiguration, match="does not fit this database") as wrong:
        unlocked(database, sources)

    assert "ff" * 32 not in str(wrong.value)


def test_a_lost_master_key_is_not_replaced(sources):
    """A new one would hide that the right one is gone."""
    database = Database.in_memory()
    unlocked(database, sources)
    sources.state.unlink()

    with pytest.raises(InvalidConfiguration, match="is missing"):
        unlocked(database, sources)

    assert not sources.state.exists()


def test_two_files_under_one_master_key_have_keys_of_their_own(sources):
    """A hash of one file is of no use in another; tokens are told apart by their executions."""
    one, other = unlocked(Database.in_memory(), sources), unlocked(Database.in_memory(), sources)

    assert one.pepper != other.pepper
    assert one.token_secret == other.token_secret


def test_a_changed_seal_is_noticed_at_start(sources):
    """Whoever edits the file cannot give us a key of his own for the hashes."""
    database = Database.in_memory()
    unlocked(database, sources)
    tx = database.begin(NOW)
    tx.execute("UPDATE vault SET sealed = (SELECT sealed FROM vault WHERE name = 'canary') WHERE name = 'key-hash'")
    database.commit()

    with pytest.raises(StorageError, match="moved there from another place"):
        unlocked(database, sources)


@pytest.mark.parametrize("name", ["canary", "key-hash"])
def test_a_removed_seal_is_noticed_at_start(sources, name):
    """Without the canary the file looks new: then its other values are in the way of a second sealing."""
    database = Database.in_memory()
    unlocked(database, sources)
    tx = database.begin(NOW)
    tx.execute("DELETE FROM vault WHERE name = :name", name=name)
    database.commit()

    with pytest.raises(StorageError):
        unlocked(database, sources)


def test_a_sealed_value_opens_only_at_its_place():
    """The associated data bind table, row and version."""
    vault = Vault(KEY)
    sealed = vault.seal(b"value", "secrets/a/1")

    assert vault.open(sealed, "secrets/a/1") == b"value"
    with pytest.raises(StorageError):
        vault.open(sealed, "secrets/b/1")
    with pytest.raises(StorageError):
        vault.open(sealed, "secrets/a/2")


@pytest.mark.parametrize("at", [0, 1, 12, 13, -1])
def test_a_flipped_bit_does_not_open(at):
    """Format, nonce, text and tag are all covered."""
    vault = Vault(KEY)
    sealed = vault.seal(b"value", "x")
    changed = bytearray(sealed.value)
    changed[at] ^= 1

    with pytest.raises(StorageError):
        vault.open(Sealed(sealed.key_id, bytes(changed)), "x")


def test_another_vault_does_not_open_it_and_says_which_key_would():
    """The id of the key stands beside every value."""
    sealed = Vault(KEY).seal(b"value", "x")

    with pytest.raises(StorageError, match=sealed.key_id):
        Vault(b"k" * 32).open(sealed, "x")


def test_the_same_value_sealed_twice_looks_different():
    """Nobody sees that two secrets are the same."""
    vault = Vault(KEY)

    assert vault.seal(b"value", "x") != vault.seal(b"value", "x")
    assert b"value" not in vault.seal(b"value", "x").value


def test_keys_for_different_purposes_have_nothing_in_common():
    """And none of them is the master key. These numbers may never change: files depend on them."""
    vault = Vault(KEY)

    assert len({vault.subkey("a"), vault.subkey("b"), KEY}) == 3
    assert vault.key_id == "b0ffd77b374c7174"


def test_nothing_that_opens_anything_is_shown(sources):
    """Representations end up in logs."""
    keys = unlocked(Database.in_memory(), sources)

    assert keys.pepper.hex() not in repr(keys)
    assert repr(keys.pepper) not in repr(keys)
    assert repr(keys.token_secret) not in repr(keys)
