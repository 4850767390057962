"""One entry of the audit, and the chain that ties each entry to the one before it.

The link of an entry is the SHA-256 of the link before it, the instant and every field. Whoever changes,
removes or swaps entries has to change all links after them; the newest link, written down elsewhere,
shows even that, and shows a cut-off end too.
"""

import hashlib
import json
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from flux.core.principal import Caller

GENESIS: Final = bytes(32)  # the link before the first entry

OK: Final = "ok"
DENIED: Final = "denied"
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Who did what to which thing, and how it ended.

    Attributes:
        actor: the subject of the principal; empty where nobody is known, `fluxd` for the daemon itself.
        method: how the actor showed who it is.
        peer: where the request came from.
        action: what was done, `thing.verb`: `workflow.run`, `key.create`.
        object: to what, `thing:name`: `workflow:billing/invoice`.
        outcome: "ok", "denied" or "failed".
        request_id: ties it to the answer that the client got.
        actor_id: the id of the principal; empty where there is none.
        before, after: small JSON texts, or None. They never hold a secret or a value of a user.
    """

    actor: str
    method: str
    peer: str
    action: str
    object: str
    outcome: str = OK
    request_id: str = ""
    actor_id: str = ""
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An entry as it stands in the table."""

    position: int
    instant: int
    entry: Entry
    link: bytes


fields_of: Final = attrgetter(*Entry.__dataclass_fields__)
"""The values of an entry in the order of its declaration, which is the order in which they are hashed."""

_encode: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_sha256: Final = hashlib.sha256


def link(previous: bytes, instant: int, entry: Entry) -> bytes:
    """The 32 bytes that tie `entry`, written at `instant`, to the entry whose link is `previous`.

    The fields are hashed as one JSON list, so that no text can be moved from one field to its neighbour.
    """
    return _sha256(previous + _encode((instant, fields_of(entry))).encode("ascii")).digest()


def entry_by(
    caller: Caller, action: str, object: str, *, outcome: str = OK, before: str | None = None, after: str | None = None
) -> Entry:
    """The entry for what `caller` did or tried."""
    principal = caller.principal
    return Entry(
        actor=principal.subject,
        actor_id=principal.id,
        method=caller.method,
        peer=caller.peer,
        action=action,
        object=object,
        outcome=outcome,
        request_id=caller.request_id,
        before=before,
        after=after,
    )


def note(**facts: object) -> str:
    """Small JSON for `before` and `after`."""
    return _encode(facts)
