"""Output of user code on its way to the file: it rides along with whatever is committed next.

So what a body printed is there when its outcome is, and printing costs no commit of its own while others
write; when nobody does, a batch is made a second later. Bounded: what cannot be written for so long that
the buffer is full is dropped, with one line that says how much.
"""

import asyncio
from typing import Final

from flux.engine import output
from flux.engine.gate import Committed, Gate
from flux.engine.output import Line, Printed
from flux.executor.peers import Worker
from flux.wire.frames import Log

MAX_LINES: Final = 20_000
LATEST: Final = 1.0  # seconds until a batch is made for it


class Output:
    """Collects output and writes it along."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._lines: list[Line] = []
        self._dropped = 0
        self._armed = False
        gate.at_end_of_batch(lambda tx, live: output.append(tx, live, self._lines))
        gate.on_commit(self._written)

    def add(self, worker: Worker, frame: Log) -> None:
        """Take a piece of output from a worker."""
        if len(self._lines) >= MAX_LINES:
            self._dropped += 1
            return
        self._keep(Line(frame.execution, frame.call, frame.attempt, frame.stream, frame.instant, frame.text))

    def flush(self) -> None:
        """Write what waits, in a batch that is made for it."""
        self._armed = False
        if self._lines:
            self._gate.submit(lambda tx, live: None, self._settle)

    def _keep(self, line: Line) -> None:
        self._lines.append(line)
        if not self._armed:
            self._armed = True
            asyncio.get_running_loop().call_later(LATEST, self.flush)

    def _written(self, committed: Committed) -> None:
        for effect in committed.effects:
            if isinstance(effect, Printed):
                last = self._lines[effect.lines - 1]
                del self._lines[: effect.lines]
                if self._dropped:
                    self._keep(last._replace(stream="stderr", text=f"… {self._dropped} lines were dropped\n"))
                    self._dropped = 0

    def _settle(self, result: object, error: BaseException | None) -> None:
        if error is not None and not self._armed:
            self._armed = True
            asyncio.get_running_loop().call_later(LATEST, self.flush)
