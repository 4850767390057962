"""The audit as use cases: adding an entry to the chain, and finding out whether the chain still holds.

An entry is written in the transaction of what it tells about, so neither stands without the other. The
newest link is part of the live state: adding reads nothing, and a rollback takes the link back too.

`verify` finds every change inside the table. A cut-off end leaves a shorter chain that holds; it shows
when the newest link is compared with one that was written down elsewhere.
"""

from dataclasses import dataclass

from flux.core.audit import GENESIS, Entry, link
from flux.engine.live import Overlay
from flux.store import audit
from flux.store.database import Reader, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """What a check of the chain found.

    Attributes:
        entries: how many were read, up to and including the broken one.
        head: the newest link that holds.
        broken_at: position of the first entry that does not follow from those before it; None: all do.
        reason: one sentence, for people.
    """

    entries: int
    head: bytes
    broken_at: int | None
    reason: str

    @property
    def holds(self) -> bool:
        """Whether nothing was found to be wrong."""
        return self.broken_at is None


def record(tx: Transaction, live: Overlay, entry: Entry) -> None:
    """Add `entry` at the instant of the transaction."""
    new = link(live.audit_head, tx.now, entry)
    audit.append(tx, entry, new)
    live.audit_head = new


def verify(reader: Reader, *, known: bytes | None = None) -> AuditVerdict:
    """Whether every entry follows from the one before it. Reads the whole table.

    Args:
        known: a link that was once the newest; if no entry has it, the end was cut off before it.
    """
    head, entries, seen = GENESIS, 0, known in (None, GENESIS)
    position = 0
    for found in audit.everything(reader):
        entries += 1
        if found.position != position + 1:
            return _broken(entries, head, found.position, f"entries {position + 1} to {found.position - 1} are missing")
        position = found.position
        if link(head, found.instant, found.entry) != found.link:
            return _broken(entries, head, position, f"entry {position} was changed, or those before it were")
        head = found.link
        seen = seen or head == known
    if not seen:
        return _broken(entries, head, position + 1, f"the entries behind {position} are missing: the table was cut off")
    return AuditVerdict(entries=entries, head=head, broken_at=None, reason=f"all {entries} entries hold")


def _broken(entries: int, head: bytes, position: int, reason: str) -> AuditVerdict:
    return AuditVerdict(entries=entries, head=head, broken_at=position, reason=reason)
