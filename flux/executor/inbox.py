"""Frames of workers: reports to the gate and their acknowledgements back, heartbeats, output.

A worker that breaks the protocol is handed to `punish` with what it did; nothing of the frame is kept. Nothing
is taken from a worker whose lease is over, be it that the frame had been lying in the pipe all the while.
While the disk is full, reports wait here in their order and are tried again; workers wait for their
acknowledgements, so nothing runs ahead and nothing is lost.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from flux.engine import grants, reports
from flux.engine.gate import Gate
from flux.engine.reports import Answer
from flux.engine.tokens import Tokens
from flux.errors import Busy, DiskFull, FluxError, ProtocolError, ReportGap, StaleLease, StorageFailed
from flux.executor.hangs import Hangs
from flux.executor.output import Output
from flux.executor.peers import Worker
from flux.wire.frames import PROTOCOL, Ack, Forget, FromWorker, Heartbeat, Hello, Log, Released, Report, from_worker

RETRY: Final = 0.5  # seconds between two tries while the disk is full
_LOG: Final = logging.getLogger("flux.executor")

Punish = Callable[[Worker, FluxError], None]


class Inbox:
    """Takes what workers send."""

    def __init__(self, gate: Gate, tokens: Tokens, output: Output, hangs: Hangs, *, punish: Punish) -> None:
        self._gate = gate
        self._tokens = tokens
        self._output = output
        self._hangs = hangs
        self._punish = punish
        self._stalled: deque[tuple[Worker, Report, int]] = deque()

    def receive(self, worker: Worker, bodies: Sequence[bytes]) -> None:
        """Handle everything that arrived from a worker in one turn."""
        for body in bodies:
            if worker.lost or self._hangs.is_over(worker):
                return
            try:
                self._handle(worker, from_worker(body), len(body))
            except ProtocolError as exc:
                self._punish(worker, exc)

    def _handle(self, worker: Worker, frame: FromWorker, size: int) -> None:
        match frame:
            case Report():
                self.report(worker, frame, size)
            case Heartbeat():
                self._hangs.heard(worker, frame)
            case Log():
                self._output.add(worker, frame)
            case Released():
                self.released(worker, frame)
            case Hello():
                if frame.protocol != PROTOCOL or frame.worker != worker.id:
                    raise ProtocolError(f"worker {worker.id} introduces itself as {frame.worker}, {frame.protocol}")

    def report(self, worker: Worker, report: Report, size: int) -> None:
        """Take a report to the gate, behind those that wait for a free disk."""
        if self._stalled:
            self._stalled.append((worker, report, size))
            return
        self._submit(worker, report, size)

    def _submit(self, worker: Worker, report: Report, size: int) -> None:
        name, tokens = worker.id, self._tokens

        def settle(result: object, error: BaseException | None) -> None:
            if isinstance(result, Answer) and error is None:
                self._acknowledge(worker, report, result)
            elif error is not None:
                self._refuse(worker, report, size, error)

        self._gate.submit(lambda tx, live: reports.accept(tx, live, tokens, name, report), settle, weight=size)

    def _acknowledge(self, worker: Worker, report: Report, answer: Answer) -> None:
        self._hangs.begun(report, answer.denied)
        worker.peer.send(
            Ack(
                report.execution,
                report.fence,
                answer.n,
                answer.sequence,
                answer.handle,
                answer.denied,
                answer.refused,
                self._gate.clock.now(),
            )
        )

    def _refuse(self, worker: Worker, report: Report, size: int, error: BaseException) -> None:
        if isinstance(error, StaleLease):
            worker.peer.send(Forget(report.execution, report.fence))
        elif isinstance(error, DiskFull | StorageFailed | Busy) or self._follows_a_stalled_one(error, report):
            if not self._stalled:
                asyncio.get_running_loop().call_later(RETRY, self._retry)
            self._stalled.append((worker, report, size))
        elif isinstance(error, FluxError):
            self._punish(worker, error)
        else:
            _LOG.error("a report of %s could not be written", report.execution, exc_info=error)
            self._punish(worker, ProtocolError(f"a report of {report.execution} could not be written"))

    def _follows_a_stalled_one(self, error: BaseException, report: Report) -> bool:
        """Whether a gap is there only because the report before this one could not be written yet."""
        if not isinstance(error, ReportGap):
            return False
        return any(waits.execution == report.execution and waits.n < report.n for _, waits, _ in self._stalled)

    def _retry(self) -> None:
        waiting, self._stalled = self._stalled, deque()
        for worker, report, size in waiting:
            if not worker.lost:
                self._submit(worker, report, size)

    def released(self, worker: Worker, frame: Released) -> None:
        """A worker has unloaded an execution."""
        name = worker.id

        def settle(result: object, error: BaseException | None) -> None:
            if error is not None and not worker.lost:
                asyncio.get_running_loop().call_later(RETRY, self.released, worker, frame)

        self._gate.submit(lambda tx, live: grants.released(tx, live, name, frame.execution, frame.fence), settle)
