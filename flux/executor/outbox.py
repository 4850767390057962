"""From the bell to the pipes: grants with their history, inputs, orders to forget.

Told of every commit. What a batch granted is sent with a history that is read after the commit, so it
holds every event of the batch; inputs of that batch are part of it and are not sent again.
"""

from typing import Final

from flux.core.events import NUMBERS, Event, is_input
from flux.core.execution import Execution
from flux.engine import queries
from flux.engine.gate import Committed, Gate
from flux.engine.grants import Forgotten, Granted
from flux.executor.peers import Worker, Workers
from flux.wire.frames import SPLIT_AT, Forget, Grant, History, Input, Source, pack_events

_PER_EVENT: Final = 64  # bytes of a recorded event beside its payload, roughly


class Outbox:
    """Sends to workers what commits decided."""

    def __init__(self, gate: Gate, workers: Workers) -> None:
        self._gate = gate
        self._workers = workers

    def send(self, committed: Committed) -> None:
        """Send everything that this commit means for workers."""
        granted = set()
        for effect in committed.effects:
            if isinstance(effect, Granted):
                granted.add(effect.execution)
                self._grant(effect, committed.changed[effect.execution])
            elif isinstance(effect, Forgotten):
                worker = self._workers.get(effect.worker)
                if worker is not None:
                    worker.peer.send(Forget(effect.execution, effect.fence))
        for identity, event in committed.events:
            if identity not in granted and is_input(event):
                self._input(committed.changed[identity], event)

    def _input(self, execution: Execution, event: Event) -> None:
        worker = self._workers.get(execution.worker) if execution.worker is not None else None
        if worker is not None:
            worker.peer.send(
                Input(
                    execution=execution.id,
                    fence=execution.fence,
                    sequence=event.sequence,
                    type=NUMBERS[event.type],
                    call=event.call,
                    instant=event.instant,
                    payload=event.payload,
                )
            )

    def _grant(self, granted: Granted, execution: Execution) -> None:
        worker = self._workers.get(granted.worker)
        if worker is None:
            return  # it died between placing and now; its death takes the grant back
        self._source(worker, execution.version)
        worker.peer.send(
            Grant(
                execution=execution.id,
                fence=granted.fence,
                token=granted.token,
                namespace=execution.namespace,
                workflow=execution.name,
                digest=execution.version,
                instant=execution.updated,
                created=execution.created,
                principal=execution.principal,
            )
        )
        self._history(worker, granted)

    def _source(self, worker: Worker, digest: str) -> None:
        if digest not in worker.sources:
            source = self._gate.read(queries.pinned, digest)
            worker.sources.add(digest)
            worker.peer.send(Source(digest, source.entry, source.root, dict(source.files)))

    def _history(self, worker: Worker, granted: Granted) -> None:
        rows = self._gate.read(queries.history, granted.key)
        part: list[tuple[object, ...]] = []
        size = 0
        for row in rows:
            payload = row[10]
            size += _PER_EVENT + (len(payload) if isinstance(payload, bytes) else 0)
            part.append(row)
            if size >= SPLIT_AT:
                worker.peer.send(History(granted.execution, granted.fence, False, pack_events(part)))
                part, size = [], 0
        worker.peer.send(History(granted.execution, granted.fence, True, pack_events(part)))
