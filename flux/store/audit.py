"""Table `audit`: entries are added, never changed and never removed; triggers refuse both.

Each row carries the link that ties it to the row before it (`core/audit.py`). The writer knows the newest
link, so adding an entry reads nothing.
"""

from collections.abc import Iterator
from typing import Final

from flux.core.audit import GENESIS, Entry, Record, fields_of
from flux.store.columns import blob, maybe_text, number, text
from flux.store.database import Reader, Row, Transaction

_INSERT: Final = """
    INSERT INTO audit (instant, actor, method, peer, action, object, outcome, request_id, actor_id, before, after, link)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_HEAD: Final = "SELECT link FROM audit ORDER BY position DESC LIMIT 1"
_AFTER: Final = """
    SELECT position, instant, actor, method, peer, action, object, outcome, request_id, actor_id, before, after, link
      FROM audit WHERE position > :after ORDER BY position LIMIT :limit
"""

_PART: Final = 1_000  # rows held at once while the whole table is read


def append(tx: Transaction, entry: Entry, link: bytes) -> None:
    """Add an entry at the instant of the transaction."""
    tx.many(_INSERT, ((tx.now, *fields_of(entry), link),))


def head(reader: Reader) -> bytes:
    """The newest link; GENESIS in an empty table."""
    row = reader.one(_HEAD)
    return GENESIS if row is None else blob(row[0])


def page(reader: Reader, *, after: int = 0, limit: int = 100) -> list[Record]:
    """The entries behind position `after`, oldest first."""
    return [_record(row) for row in reader.all(_AFTER, after=after, limit=limit)]


def everything(reader: Reader) -> Iterator[Record]:
    """Every entry, oldest first, read in parts."""
    after = 0
    while part := page(reader, after=after, limit=_PART):
        yield from part
        after = part[-1].position


def _record(row: Row) -> Record:
    position, instant, actor, method, peer, action, thing, outcome, request_id, actor_id, before, after, link = row
    return Record(
        position=number(position),
        instant=number(instant),
        entry=Entry(
            actor=text(actor),
            actor_id=text(actor_id),
            method=text(method),
            peer=text(peer),
            action=text(action),
            object=text(thing),
            outcome=text(outcome),
            request_id=text(request_id),
            before=maybe_text(before),
            after=maybe_text(after),
        ),
        link=blob(link),
    )
