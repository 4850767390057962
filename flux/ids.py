"""Identifiers: ULIDs, ordered by the millisecond in which they were made.

26 characters of Crockford's base 32: 48 bits of milliseconds since 1970, 80 bits of chance. Ids made
in the same millisecond by one process grow by one, so that they sort in the order of their making; a
forked child begins anew, so that it does not give the next ones of its parent. Source: github.com/ulid/spec.
The instant is an argument: this file reads no clock.
"""

import os
import threading
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 26
_PAIRS: Final = [a + b for a in ALPHABET for b in ALPHABET]
_RANDOM_BITS: Final = 80


class Ulids:
    """A source of ULIDs that never gives one twice and never goes back, even if the clock does."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Begin anew. The lock too: at the moment of a fork another thread may have held it."""
        self._last = 0
        self._lock = threading.Lock()

    def new(self, instant: int) -> str:
        """A new id for `instant` (milliseconds UTC)."""
        with self._lock:
            if instant > self._last >> _RANDOM_BITS:
                self._last = instant << _RANDOM_BITS | int.from_bytes(os.urandom(10), "big")
            else:
                self._last += 1
            value = self._last
        return encode(value)


def encode(value: int) -> str:
    """The 26 characters of a 128-bit number."""
    pairs = [_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)]
    return "".join(pairs)


def is_ulid(text: str) -> bool:
    """Whether `text` could be an id of ours."""
    return len(text) == LENGTH and text[0] in "01234567" and all(c in ALPHABET for c in text)


def instant_of(ulid: str) -> int:
    """The millisecond in which `ulid` was made."""
    value = 0
    for character in ulid[:10]:
        value = value << 5 | ALPHABET.index(character)
    return value


_PROCESS: Final = Ulids()
os.register_at_fork(after_in_child=_PROCESS.forget)


def new_ulid(instant: int) -> str:
    """A new id from the one source of this process."""
    return _PROCESS.new(instant)
