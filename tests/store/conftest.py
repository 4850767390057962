"""A database in memory, and a transaction on it."""

import pytest

from flux.store.database import Database, Transaction


@pytest.fixture
def database() -> Database:
    """An empty database."""
    return Database.in_memory()


@pytest.fixture
def tx(database: Database) -> Transaction:
    """A transaction on it, at the instant 1000."""
    return database.begin(now=1_000)
