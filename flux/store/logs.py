"""Table `logs`: what user code printed and logged, in the order in which it arrived."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from flux.store.database import Reader, Transaction

_APPEND: Final = "INSERT INTO logs (execution, call, attempt, stream, instant, text) VALUES (?, ?, ?, ?, ?, ?)"
_OF: Final = """
    SELECT id, call, attempt, stream, instant, text FROM logs
     WHERE execution = :execution AND id > :after ORDER BY id LIMIT :limit
"""


class Line(NamedTuple):
    """One captured piece of output. `call` None: printed by the workflow itself."""

    id: int
    call: str | None
    attempt: int
    stream: str
    instant: int
    text: str


def append(tx: Transaction, rows: Sequence[tuple[int, str | None, int, str, int, str]]) -> None:
    """Write (execution, call, attempt, stream, instant, text) rows."""
    tx.many(_APPEND, rows)


def of(reader: Reader, execution: int, *, after: int = 0, limit: int = -1) -> list[Line]:
    """Lines of one execution with an id above `after`, oldest first."""
    return [Line(*row) for row in reader.all(_OF, execution=execution, after=after, limit=limit)]  # type: ignore[arg-type]  # column types are STRICT
