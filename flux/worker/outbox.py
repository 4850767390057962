"""What one execution has to tell the daemon and has not told yet.

Facts leave in the order in which the workflow received them, begins after them, in one report for each
turn of the loop; a report above `SPLIT_AT` bytes leaves in several, in the same order. A begin that is
withdrawn before it left never existed, and so does a wait that was opened and closed in between.

The first report of a grant carries its token, and none follows before its acknowledgement has brought
the handle that stands in for it.
"""

from collections import deque
from typing import Final, Protocol

from flux.wire.frames import SPLIT_AT, Begin, End, Fact, Idle, Report, Waiting

_OVERHEAD: Final = 200  # bytes of a fact or begin besides its payload, roughly


class Starter(Protocol):
    """Who wants to begin a body."""

    def allowed(self) -> None:
        """The begin is durable: the body may start."""
        ...


class Outbox:
    """The reports of one grant: what stands in the next, and which are not acknowledged."""

    def __init__(self, execution: str, fence: int, token: str) -> None:
        self._execution = execution
        self._fence = fence
        self._token: str | None = token
        self._handle = 0
        self._n = 0
        self._facts: list[Fact] = []
        self._begins: dict[Starter, Begin] = {}
        self._waits: dict[str, Waiting] = {}
        self._told_waits: set[str] = set()
        self._unacknowledged: deque[tuple[int, tuple[Starter, ...]]] = deque()

    # ------------------------------------------------------------------ in

    def fact(self, fact: Fact) -> None:
        """Note an outcome."""
        self._facts.append(fact)

    def begin(self, starter: Starter, begin: Begin) -> None:
        """Ask for a body to be allowed."""
        self._begins[starter] = begin

    def withdraw(self, starter: Starter) -> bool:
        """Whether what `starter` asked for had not left yet. It never will, then."""
        return self._begins.pop(starter, None) is not None

    def drop_begins(self) -> None:
        """Withdraw all that was asked for: the execution ends."""
        self._begins.clear()

    def wait(self, waiting: Waiting) -> None:
        """Note that a wait was opened or closed."""
        if not waiting.open and waiting.call not in self._told_waits:
            self._waits.pop(waiting.call, None)
            return
        self._waits[waiting.call] = waiting

    def knows_wait(self, call: str) -> None:
        """The daemon has this wait already, from an earlier grant."""
        self._told_waits.add(call)

    def forget_wait(self, call: str) -> None:
        """The daemon has ended this wait."""
        self._told_waits.discard(call)
        self._waits.pop(call, None)

    # ------------------------------------------------------------------ out

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self._facts or self._begins or self._waits)

    @property
    def is_busy(self) -> bool:
        """Whether it holds what only a running execution can tell: facts, begins, new pauses."""
        return bool(self._facts or self._begins) or any(
            wait.open and wait.kind == "pause" for wait in self._waits.values()
        )

    @property
    def asks(self) -> bool:
        """Whether a body was asked for that has not been answered."""
        return bool(self._begins) or any(starters for _, starters in self._unacknowledged)

    @property
    def is_acknowledged(self) -> bool:
        """Whether everything that was told is durable."""
        return not self._unacknowledged

    @property
    def may_send(self) -> bool:
        """Whether a report may leave now."""
        return self._token is None or self._n == 0

    @property
    def last(self) -> int:
        """The number of the last report."""
        return self._n

    def reports(self, idle: Idle | None, end: End | None) -> list[Report]:
        """Everything there is to tell, as frames that now must be sent; `idle` or `end` stand in the last."""
        for waiting in self._waits.values():
            (self._told_waits.add if waiting.open else self._told_waits.discard)(waiting.call)
        parts = _split(self._facts, self._begins, self._waits)
        self._facts, self._begins, self._waits = [], {}, {}
        last = parts.pop()
        return [*[self._report(part, None, None) for part in parts], self._report(last, idle, end)]

    def alarm(self, now: int) -> Report:
        """A report that has the daemon send an input at once: a timer which is due already."""
        part = _Part()
        part.waits.append(Waiting(f"~wake#{self._fence}.{self._n + 1}", "timer", True, now))
        return self._report(part, None, None)

    def _report(self, part: "_Part", idle: Idle | None, end: End | None) -> Report:
        self._n += 1
        self._unacknowledged.append((self._n, tuple(part.starters)))
        return Report(
            self._execution,
            self._fence,
            self._handle,
            self._n,
            tuple(part.facts),
            tuple(part.begins),
            tuple(part.waits),
            idle,
            end,
            self._token,
        )

    def acknowledged(self, n: int, handle: int, denied: tuple[int, ...]) -> list[Starter]:
        """Who may start now that report `n` is durable. The denied hear of it by an input."""
        self._token = None
        self._handle = handle
        allowed: list[Starter] = []
        while self._unacknowledged and self._unacknowledged[0][0] <= n:
            number, starters = self._unacknowledged.popleft()
            refused = denied if number == n else ()
            allowed += [starter for index, starter in enumerate(starters) if index not in refused]
        return allowed


class _Part:
    """What goes into one report."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.starters: list[Starter] = []
        self.begins: list[Begin] = []
        self.waits: list[Waiting] = []
        self.size = 0

    def takes(self, payload: bytes | None) -> bool:
        """Whether there is room for this payload; if so, it is taken."""
        more = _OVERHEAD + (0 if payload is None else len(payload))
        if self.size and self.size + more > SPLIT_AT:
            return False
        self.size += more
        return True


def _split(facts: list[Fact], begins: dict[Starter, Begin], waits: dict[str, Waiting]) -> list[_Part]:
    """Facts, then begins, then waits, in parts of at most SPLIT_AT bytes; a larger one is a part of its own.

    Facts of one call that follow from each other stay together: they are accepted together.
    """
    parts = [_Part()]
    call = ""

    def part_for(payload: bytes | None) -> _Part:
        if not parts[-1].takes(payload):
            parts.append(_Part())
            parts[-1].takes(payload)
        return parts[-1]

    for fact in facts:
        part = parts[-1] if fact.call == call else part_for(fact.payload)
        part.facts.append(fact)
        call = fact.call
    for starter, begin in begins.items():
        part = part_for(begin.args)
        part.starters.append(starter)
        part.begins.append(begin)
    for waiting in waits.values():
        part_for(waiting.payload).waits.append(waiting)
    return parts
