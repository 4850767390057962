"""Waits of one execution: pauses and timers that are open, and who goes on when the daemon ends one.

A wait is told to the daemon only when the execution is live; until then it is kept, and `reopen` tells
all that are still open. Pauses stand in the log and timers do not: a pause that the log has open is not
told again.
"""

from collections.abc import Callable
from dataclasses import dataclass

from flux.wire.frames import Waiting
from flux.worker.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Wait:
    """An open wait: what the daemon is told of it, and what happens with the payload that ends it."""

    told: Waiting
    end: Callable[[bytes | None], None]


class Waits:
    """The open waits of one execution, by id."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._open: dict[str, Wait] = {}
        self._known: set[str] = set()
        self._closed: set[str] = set()
        self._is_live = False

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, wait: str) -> bool:
        return wait in self._open

    def open(self, told: Waiting, end: Callable[[bytes | None], None]) -> None:
        """Open a wait; `end` is called once, with what ends it."""
        self._open[told.call] = Wait(told, end)
        if self._is_live and told.call not in self._known:
            self._outbox.wait(told)

    def close(self, wait: str) -> None:
        """Give a wait up."""
        entry = self._open.pop(wait, None)
        if entry is None:
            return
        if self._is_live:
            self._outbox.wait(_closing(entry.told))
        else:
            self._closed.add(wait)

    def take(self, wait: str) -> Callable[[bytes | None], None] | None:
        """What is to be called for a wait that the daemon has ended; None if it is not open here."""
        entry = self._open.pop(wait, None)
        self._outbox.forget_wait(wait)
        return None if entry is None else entry.end

    def recorded(self, pause: str) -> None:
        """The log has this pause open: the daemon need not be told, but must be when it is given up."""
        self._known.add(pause)
        self._outbox.knows_wait(pause)

    def is_recorded(self, pause: str) -> bool:
        """Whether the log has this pause."""
        return pause in self._known

    def of(self, parent: str) -> list[str]:
        """The open waits that the body of `parent` has opened."""
        return [wait for wait, entry in self._open.items() if entry.told.parent == parent]

    def give_up(self, pause: str) -> None:
        """Close a pause that the log has open and nobody awaits any more."""
        self.recorded(pause)
        self._open.pop(pause, None)
        self._outbox.wait(Waiting(pause, "pause", False))

    def go_live(self) -> None:
        """Tell the daemon of every open wait that it may not know, and of what was given up on the way here."""
        self._is_live = True
        for wait in self._closed:
            self._outbox.knows_wait(wait)
            self._outbox.wait(Waiting(wait, "timer" if wait not in self._known else "pause", False))
        self._closed.clear()
        for entry in self._open.values():
            if entry.told.call not in self._known:
                self._outbox.wait(entry.told)

    def settled(self) -> None:
        """A later fact stands in the log: what was given up before it has been told."""
        self._closed.clear()


def _closing(told: Waiting) -> Waiting:
    return Waiting(told.call, told.kind, False, 0, told.parent)
