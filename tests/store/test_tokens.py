"""Rows of revoked execution tokens."""

from flux.store import tokens
from flux.store.database import Database


def test_revoked_tokens_are_remembered_once():
    """Revoking again is no error: the operator may not know that somebody was faster."""
    tx = Database.in_memory().begin(now=7)
    tokens.revoke(tx, "01E.1")
    tokens.revoke(tx, "01E.1")
    tokens.revoke(tx, "01E.2")

    assert tokens.revoked(tx) == {"01E.1", "01E.2"}
