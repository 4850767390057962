"""The chain of the audit: it grows with each change, and shows every other one."""

import pytest

from flux.core.audit import GENESIS, Entry
from flux.engine import audit
from flux.errors import NotFound
from flux.store import audit as rows
from tests.records import Records

ENTRY = Entry(actor="ada", method="peer", peer="uid 7", action="workflow.run", object="workflow:a/b")


@pytest.fixture
def records():
    """A database whose audit holds six entries."""
    records = Records()
    for number in range(6):
        records.now += 1
        records.write(audit.record, Entry(**{**_fields(ENTRY), "request_id": f"r{number}"}))
    return records


def _fields(entry: Entry) -> dict[str, str]:
    return {name: getattr(entry, name) for name in ("actor", "method", "peer", "action", "object")}


def edited(records: Records, *statements: str) -> audit.AuditVerdict:
    """What the check says after somebody edited the file."""
    records.alter("DROP TRIGGER audit_is_never_changed")
    records.alter("DROP TRIGGER audit_is_never_shortened")
    for statement in statements:
        records.alter(statement)
    return audit.verify(records.reader)


def test_an_untouched_chain_holds(records):
    """The verdict says how many entries, and which link is the newest."""
    verdict = audit.verify(records.reader)

    assert verdict.holds
    assert (verdict.entries, verdict.head) == (6, records.live.audit_head)
    assert verdict.reason == "all 6 entries hold"


def test_an_empty_audit_holds():
    """Its head is the genesis."""
    verdict = audit.verify(Records().reader)

    assert (verdict.holds, verdict.entries, verdict.head) == (True, 0, GENESIS)


@pytest.mark.parametrize(
    ("statements", "broken_at"),
    [
        (["UPDATE audit SET actor = 'eve' WHERE position = 3"], 3),
        (["UPDATE audit SET object = object || ' ' WHERE position = 1"], 1),
        (["UPDATE audit SET instant = instant + 1 WHERE position = 6"], 6),
        (["UPDATE audit SET before = '' WHERE position = 4"], 4),
        (["UPDATE audit SET link = zeroblob(32) WHERE position = 2"], 2),
        (["DELETE FROM audit WHERE position = 3"], 4),
        (["DELETE FROM audit WHERE position = 1"], 2),
        (["DELETE FROM audit WHERE position < 6"], 6),
        (
            [
                "UPDATE audit SET position = 99 WHERE position = 2",
                "UPDATE audit SET position = 2 WHERE position = 5",
                "UPDATE audit SET position = 5 WHERE position = 99",
            ],
            2,
        ),
        (
            [
                "UPDATE audit SET position = position + 100 WHERE position > 3",
                """INSERT INTO audit SELECT 4, instant, 'eve', method, peer, action, object, outcome, request_id,
                                            actor_id, before, after, link FROM audit WHERE position = 3""",
                "UPDATE audit SET position = position - 99 WHERE position > 100",
            ],
            4,
        ),
    ],
    ids=[
        "changed field", "one space more", "changed instant", "empty for nothing", "changed link", "removed",
        "removed first", "all but the last removed", "swapped", "put in between",
    ],
)  # fmt: skip
def test_whatever_was_edited_is_found_at_its_place(records, statements, broken_at):
    """The position of the first entry that does not follow from those before it."""
    verdict = edited(records, *statements)

    assert not verdict.holds
    assert verdict.broken_at == broken_at


@pytest.mark.parametrize("byte", range(0, 32, 5))
def test_a_flipped_bit_in_a_link_is_found(records, byte):
    """Links are part of what is checked."""
    link = bytearray(rows.page(records.reader, after=2, limit=1)[0].link)
    link[byte] ^= 1

    verdict = edited(records, f"UPDATE audit SET link = x'{link.hex()}' WHERE position = 3")

    assert verdict.broken_at == 3


def test_a_cut_off_end_shows_when_a_later_head_is_known(records):
    """The table alone cannot know what followed; whoever wrote down the head can."""
    head = records.live.audit_head

    shorter = edited(records, "DELETE FROM audit WHERE position > 4")
    compared = audit.verify(records.reader, known=head)

    assert shorter.holds
    assert (compared.holds, compared.broken_at) == (False, 5)
    assert "cut off" in compared.reason


def test_an_older_head_is_found_in_a_chain_that_has_grown(records):
    """Heads are printed from time to time; all of them must still be there."""
    old = rows.page(records.reader, after=1, limit=1)[0].link

    assert audit.verify(records.reader, known=old).holds
    assert audit.verify(records.reader, known=GENESIS).holds


def test_what_is_rolled_back_takes_its_link_with_it(records):
    """The head in memory and the newest row never part."""
    with pytest.raises(NotFound):
        records.write(_record_then_fail)
    records.write(audit.record, ENTRY)

    assert audit.verify(records.reader).entries == 7
    assert rows.head(records.reader) == records.live.audit_head


def _record_then_fail(tx, live):
    audit.record(tx, live, ENTRY)
    raise NotFound("nothing")


def test_a_daemon_that_starts_goes_on_with_the_chain(records):
    """The head is read once, at start."""
    again = Records(records.database)
    again.write(audit.record, ENTRY)

    assert audit.verify(again.reader).entries == 7
