"""Output of user code on its way to the file: one write a second at most.

Lines are collected for a second and written in one call that shares its commit with others. Bounded: what
cannot be written for so long that the buffer is full is dropped, with one line that says how much.
"""

import asyncio
from typing import Final

from flux.engine import output
from flux.engine.gate import Gate
from flux.engine.output import Line
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

    def add(self, worker: Worker, frame: Log) -> None:
        """Take a piece of output from a worker."""
        if len(self._lines) >= MAX_LINES:
            self._dropped += 1
            return
        self._lines.append(Line(frame.execution, frame.call, frame.attempt, frame.stream, frame.instant, frame.text))
        self._arm()

    def _arm(self) -> None:
        if not self._armed:
            self._armed = True
            asyncio.get_running_loop().call_later(LATEST, self.flush)

    def flush(self) -> None:
        """Write what waits, in the next batch."""
        self._armed = False
        lines, self._lines = self._lines, []
        if not lines:
            return
        if self._dropped:
            last = lines[-1]
            lines.append(last._replace(stream="stderr", text=f"… {self._dropped} lines were dropped\n"))
            self._dropped = 0

        def settle(result: object, error: BaseException | None) -> None:
            if error is not None:
                self._lines = (lines + self._lines)[:MAX_LINES]
                self._arm()

        self._gate.submit(lambda tx, live: output.append(tx, live, lines), settle)
