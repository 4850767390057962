"""Rows of sealed values."""

import pytest

from flux.errors import StorageError
from flux.store import vault
from flux.store.database import Database
from flux.store.vault import Sealed


def test_a_sealed_value_comes_back_under_its_name():
    """With the id of the key that opens it."""
    tx = Database.in_memory().begin(now=0)
    vault.put(tx, "canary", Sealed("k1", b"\x01sealed"))

    assert vault.get(tx, "canary") == Sealed("k1", b"\x01sealed")
    assert vault.get(tx, "other") is None


def test_a_value_is_never_overwritten_by_accident():
    """A second canary would make a wrong key look right."""
    tx = Database.in_memory().begin(now=0)
    vault.put(tx, "canary", Sealed("k1", b"one"))

    with pytest.raises(StorageError):
        vault.put(tx, "canary", Sealed("k2", b"two"))
