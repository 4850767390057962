"""Recorded calls and waits of bodies: what a body that runs again finds of its last run.

A body is not replayed. It runs again from its top, and each call it makes looks here, by id and digest of
its arguments: an outcome that is recorded is given at once. The first call with other arguments than
recorded ends the matter: what the log has of that frame from there on belongs to another course of
events, and is dropped. That is no divergence; bodies may do what they like.
"""

from dataclasses import dataclass, field

from flux.core.decisions import ENDS
from flux.core.events import BEGINS, BY_NUMBER, EventType
from flux.wire.frames import Recorded


@dataclass(slots=True)
class Entry:
    """One recorded call of a body. `facts`: what happened to it, in order."""

    sequence: int
    digest: bytes | None
    facts: list[Recorded] = field(default_factory=list)

    @property
    def has_ended(self) -> bool:
        """Whether its outcome is recorded."""
        return bool(self.facts) and BY_NUMBER[self.facts[-1].type] in ENDS


@dataclass(slots=True)
class Nested:
    """The records of all frames, by id."""

    calls: dict[str, Entry] = field(default_factory=dict)
    pauses: dict[str, int] = field(default_factory=dict)
    answers: dict[str, bytes | None] = field(default_factory=dict)

    def mark(self, event: Recorded, kind: EventType) -> None:
        """Take in a begin, a denial or an opened pause."""
        call = event.call or ""
        if kind is EventType.PAUSE_OPENED:
            self.pauses[call] = event.sequence
        elif kind in BEGINS:
            entry = self.calls.get(call)
            if entry is None or entry.has_ended or entry.digest != event.digest:
                self.calls[call] = Entry(event.sequence, event.digest)
        else:
            self.calls.setdefault(call, Entry(event.sequence, event.digest)).facts.append(event)

    def fact(self, event: Recorded) -> None:
        """Take in an outcome."""
        entry = self.calls.get(event.call or "")
        if entry is not None:
            entry.facts.append(event)

    def abandoned(self, pause: str) -> None:
        """Take in that a pause was given up."""
        self.pauses.pop(pause, None)

    def answer(self, wait: str, payload: bytes | None) -> None:
        """Take in what ended a wait that nobody awaits yet."""
        self.answers[wait] = payload

    def find(self, call: str, frame: str, digest: bytes) -> Entry | None:
        """What is recorded of a call with these arguments; other arguments drop the rest of the frame."""
        entry = self.calls.get(call)
        if entry is None:
            return None
        if entry.digest is not None and entry.digest != digest:
            self._drop(frame, entry.sequence)
            return None
        return entry

    def _drop(self, frame: str, sequence: int) -> None:
        prefix = frame + "/"
        self.calls = {
            call: entry
            for call, entry in self.calls.items()
            if entry.sequence < sequence or not call.startswith(prefix)
        }
        self.pauses = {
            pause: opened for pause, opened in self.pauses.items() if opened < sequence or not pause.startswith(prefix)
        }

    def open_pauses(self, frame: str) -> list[str]:
        """Pauses of a frame that the log has open."""
        prefix = frame + "/"
        return [pause for pause in self.pauses if pause.startswith(prefix) and pause not in self.answers]
