"""The chain that ties each entry of the audit to the one before it."""

from dataclasses import fields, replace

import pytest

from flux.core.audit import GENESIS, Entry, entry_by, link, note
from flux.core.principal import internal_caller

ENTRY = Entry(actor="ada", method="peer", peer="uid 7", action="workflow.run", object="workflow:a/b")


@pytest.mark.parametrize("name", [field.name for field in fields(Entry)])
def test_a_change_of_any_field_changes_the_link(name):
    """No part of an entry can be edited without breaking the chain."""
    assert link(GENESIS, 1, ENTRY) != link(GENESIS, 1, replace(ENTRY, **{name: "other"}))


def test_the_link_depends_on_the_instant_and_on_the_link_before():
    """An entry can be moved neither in time nor in order."""
    links = {link(GENESIS, 1, ENTRY), link(GENESIS, 2, ENTRY), link(b"\x01" * 32, 1, ENTRY)}

    assert len(links) == 3


def test_text_cannot_be_moved_from_one_field_to_its_neighbour():
    """Fields are hashed with their borders: `a` and `bc` are not `ab` and `c`."""
    one = replace(ENTRY, action="a", object="bc")
    other = replace(ENTRY, action="ab", object="c")

    assert link(GENESIS, 1, one) != link(GENESIS, 1, other)


def test_nothing_and_empty_text_are_different():
    """`before` that was not recorded is not the same as an empty one."""
    assert link(GENESIS, 1, replace(ENTRY, before=None)) != link(GENESIS, 1, replace(ENTRY, before=""))


def test_the_chain_is_the_same_in_every_version():
    """Chains in old files must hold for ever: this number may not change."""
    assert link(GENESIS, 1_700_000_000_000, ENTRY).hex() == (
        "4ff344dc10edc1706619d1466fed6e007b587b9e0ce25c9c98d22a9601792899"
    )


def test_an_entry_tells_who_the_caller_was():
    """Actor, method, peer and request id come from the caller, so no use case can forget them."""
    entry = entry_by(internal_caller("r9"), "key.create", "key:bot/1", after=note(name="ci"))

    assert (entry.actor, entry.method, entry.peer, entry.request_id) == ("admin", "internal", "daemon", "r9")
    assert entry.after == '{"name":"ci"}'
