"""Rows of the audit."""

import pytest

from flux.core.audit import GENESIS, Entry
from flux.errors import StorageError
from flux.store import audit
from flux.store.database import Database

ENTRY = Entry(
    actor="ada",
    actor_id="01ADA",
    method="key",
    peer="127.0.0.1",
    action="key.create",
    object="key:bot/01K",
    outcome="ok",
    request_id="01R",
    before=None,
    after='{"name":"ci"}',
)


@pytest.fixture
def tx():
    """A transaction on an empty database."""
    return Database.in_memory().begin(now=1_000)


def test_an_entry_comes_back_as_it_was_written(tx):
    """With its position, counted from 1, the instant of the transaction, and its link."""
    audit.append(tx, ENTRY, b"1" * 32)

    (found,) = audit.page(tx)

    assert (found.position, found.instant, found.entry, found.link) == (1, 1_000, ENTRY, b"1" * 32)


def test_the_head_is_the_newest_link(tx):
    """An empty table has the genesis for a head."""
    assert audit.head(tx) == GENESIS

    audit.append(tx, ENTRY, b"1" * 32)
    audit.append(tx, ENTRY, b"2" * 32)

    assert audit.head(tx) == b"2" * 32


@pytest.mark.parametrize(
    "sql",
    ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit", "DELETE FROM audit WHERE position = 1"],
)
def test_entries_can_neither_be_changed_nor_removed(tx, sql):
    """The table is append-only, for every statement that goes through SQLite."""
    audit.append(tx, ENTRY, b"1" * 32)

    with pytest.raises(StorageError, match="the audit is never"):
        tx.execute(sql)

    assert audit.head(tx) == b"1" * 32


def test_a_long_table_is_read_in_parts_and_whole(tx):
    """Reading everything holds a part at a time and misses nothing at the seams."""
    for _ in range(2_001):
        audit.append(tx, ENTRY, b"1" * 32)

    assert [found.position for found in audit.everything(tx)] == list(range(1, 2_002))
    assert [found.position for found in audit.page(tx, after=1_999, limit=1)] == [2_000]
