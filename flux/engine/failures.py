"""Failed attempts to show who one is: how many there were lately, from one peer and at one key.

A right credential is never refused for the failures of others, not even of the same address: verifying
one costs less than refusing it, and the 256 bits of a key cannot be tried out. What the limit bounds is
what failures cost us: beyond it they are answered late and with "too many", and of their audit only every
doubling is kept.

Memory is bounded: the counts that are oldest are forgotten first.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

LIMIT: Final = 10
WINDOW: Final = 60_000
REMEMBERED: Final = 10_000  # peers, and as many prefixes


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to do about one failure.

    Attributes:
        count: failures in this window, this one included; the higher of peer and prefix.
        is_over: whether the limit is exceeded.
        is_told: whether the audit gets an entry.
        retry_after: milliseconds until the window ends.
    """

    count: int
    is_over: bool
    is_told: bool
    retry_after: int


class Failures:
    """Counts per peer and per key prefix, in windows that begin with a first failure."""

    def __init__(self, limit: int = LIMIT, window: int = WINDOW) -> None:
        self._limit = limit
        self._window = window
        self._peers: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._prefixes: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def note(self, peer: str, prefix: str, now: int) -> Verdict:
        """Count one failure. `prefix`: of the key that was shown, empty if none was."""
        began, count = self._count(self._peers, peer, now)
        if prefix:
            other_began, other = self._count(self._prefixes, prefix, now)
            began, count = (other_began, other) if other > count else (began, count)
        return Verdict(
            count=count,
            is_over=count > self._limit,
            is_told=count <= self._limit or (count % self._limit == 0 and (count // self._limit).bit_count() == 1),
            retry_after=began + self._window - now,
        )

    def _count(self, counts: OrderedDict[str, tuple[int, int]], who: str, now: int) -> tuple[int, int]:
        began, count = counts.pop(who, (now, 0))
        if not began <= now < began + self._window:  # over, or the clock was set back
            began, count = now, 0
        counts[who] = (began, count + 1)
        if len(counts) > REMEMBERED:
            counts.popitem(last=False)
        return counts[who]
