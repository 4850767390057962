"""The one bridge from asyncio to the store: group commit.

All calls that wait at the end of a loop turn run in one `BEGIN IMMEDIATE … COMMIT`, on the loop's
thread, each in a savepoint and on an overlay of its own. Callers learn their result after COMMIT;
then the listeners are told what was written. A call that fails takes nothing else with it. Where
SQLite ends the whole transaction under a failing call (a full disk does), the batch runs again
without the culprit; so calls touch nothing but `tx` and `live`.

Python in a writer thread starves beside a busy loop (a commit took 3.4 s there, 1 ms here); so there
is no thread. A sync that fails is never tried again: the daemon must stop (`on_fatal`).

Absent: retries, priorities, anything that knows what a call means.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Concatenate, Final, ParamSpec, TypeVar, cast

from flux.clock import Clock
from flux.core.events import Event
from flux.core.execution import Execution
from flux.engine.live import Live, Overlay
from flux.errors import Busy, DiskFull, FluxError, StorageError, StorageFailed
from flux.store.database import Database, Reader, Transaction
from flux.store.processes import epoch

MAX_CALLS: Final = 512  # of one batch; above it the share of one fsync is no longer what costs
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_WAITING: Final = 10_000
CHECKPOINT_PAGES: Final = 4096  # 16 MiB of WAL
IDLE_PAGES: Final = 1024  # 4 MiB
STUCK: Final = 10_000  # milliseconds without a commit while somebody waits
QUIET: Final = 1_000  # milliseconds without a commit

_P = ParamSpec("_P")
_T = TypeVar("_T")
_LOG = logging.getLogger("flux.gate")


@dataclass(frozen=True, slots=True)
class Committed:
    """What one COMMIT made durable: events in the order of the log, executions as they stand after it."""

    position: int
    events: list[tuple[str, Event]]
    changed: dict[str, Execution]
    effects: list[object]


Settle = Callable[[object, BaseException | None], None]
"""Told the result of a call, or its error, once the batch is decided. It must not raise and must not block."""


@dataclass(slots=True, eq=False)
class _Call:
    run: Callable[[Transaction, Overlay], object]
    weight: int
    settle: Settle | None
    result: object = None
    error: BaseException | None = None


class _TransactionLost(Exception):
    """SQLite ended the transaction while `culprit` ran."""

    def __init__(self, culprit: _Call, error: StorageError) -> None:
        super().__init__()
        self.culprit = culprit
        self.error = error


@dataclass(slots=True)
class Counters:
    """How much was written since the start; read by benchmarks and `/stats`."""

    commits: int = 0
    calls: int = 0
    events: int = 0
    failed: int = 0
    last_commit: int = 0  # monotonic milliseconds


@dataclass(slots=True)
class Gate:
    """Group commit over one database."""

    database: Database
    live: Live
    clock: Clock
    epoch: int
    on_fatal: Callable[[StorageError], None]
    counters: Counters = field(default_factory=Counters)
    _waiting: deque[_Call] = field(default_factory=deque)
    _armed: bool = False
    _finishers: list[Callable[[Transaction, Overlay], None]] = field(default_factory=list)
    _listeners: list[Callable[[Committed], None]] = field(default_factory=list)
    _dead: StorageError | None = None

    async def write(
        self,
        use_case: Callable[Concatenate[Transaction, Overlay, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """Run a use case in the next batch; its result, once that is durable.

        Raises:
            Busy: too many calls wait already.
            FluxError: what the use case raised; nothing of it was written.
        """
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()

        def settle(result: object, error: BaseException | None) -> None:
            if future.done():  # its caller has gone; the write stands
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

        self.submit(lambda tx, live: use_case(tx, live, *args, **kwargs), settle)
        return cast(_T, await future)

    def submit(self, run: Callable[[Transaction, Overlay], object], settle: Settle, *, weight: int = 0) -> None:
        """As `write`, without a future between COMMIT and the caller. `weight`: bytes that the call brings."""
        if self._dead is not None:
            settle(None, self._dead)
        elif len(self._waiting) >= MAX_WAITING:
            settle(None, Busy(f"{MAX_WAITING} writes wait already: come back later", retry_after=1))
        else:
            self._waiting.append(_Call(run, weight, settle))
            self._arm(asyncio.get_running_loop())

    def read(self, query: Callable[Concatenate[Reader, Live, _P], _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What a query says, at once: it sees everything that has been committed."""
        return query(self.database.reader, self.live, *args, **kwargs)

    def on_commit(self, listener: Callable[[Committed], None]) -> None:
        """Tell `listener` after each COMMIT. It must not raise and must not block."""
        self._listeners.append(listener)

    def at_end_of_batch(self, finisher: Callable[[Transaction, Overlay], None]) -> None:
        """Run `finisher` as the last call of every batch: what it writes shares the fsync."""
        self._finishers.append(finisher)

    @property
    def is_sound(self) -> bool:
        """Whether nothing waits, or something was committed lately: a watchdog may be told that all is well."""
        return self._dead is None and (not self._waiting or self.clock.monotonic() - self.counters.last_commit < STUCK)

    def tidy(self) -> None:
        """Fold the WAL into the file while nobody writes: overwriting it is faster than growing it."""
        quiet = self.clock.monotonic() - self.counters.last_commit > QUIET
        if quiet and not self._waiting and self.database.wal_pages >= IDLE_PAGES:
            self._checkpoint()

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._armed:
            self._armed = True
            loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._armed = False
        batch = self._take()
        if self._waiting:
            self._arm(asyncio.get_running_loop())
        while batch:
            try:
                self._commit(batch)
            except _TransactionLost as lost:
                if lost.culprit.settle is not None:
                    batch.remove(lost.culprit)
                    _settle([lost.culprit])
                    continue
                self._fail(batch, lost.error)
            except (StorageError, Busy) as exc:
                self._fail(batch, exc)
            return

    def _take(self) -> list[_Call]:
        batch: list[_Call] = []
        weight = 0
        while self._waiting and len(batch) < MAX_CALLS and weight < MAX_BYTES:
            call = self._waiting.popleft()
            weight += call.weight
            batch.append(call)
        return batch

    def _commit(self, batch: list[_Call]) -> None:
        database = self.database
        overlay = Overlay.above(self.live)
        tx = database.begin(self.clock.now())
        try:
            if epoch(tx) != self.epoch:
                raise StorageFailed("another daemon has taken over the database: this one must stop")
            for call in batch:
                self._run(call, tx, overlay)
            for finisher in self._finishers:
                self._run(_Call(finisher, 0, None), tx, overlay)
            overlay.write_totals(tx)
            database.commit()
        except BaseException:
            database.rollback()
            raise
        self._publish(batch, overlay)

    def _run(self, call: _Call, tx: Transaction, batch: Overlay) -> None:
        database = self.database
        overlay = batch.nested()
        database.savepoint()
        try:
            call.result = call.run(tx, overlay)
        except Exception as exc:  # whatever went wrong belongs to this caller; the batch goes on
            call.error = exc
            if isinstance(exc, StorageFailed):
                raise
            if not database.in_transaction:
                error = exc if isinstance(exc, StorageError) else StorageError(f"SQLite ended the transaction: {exc}")
                raise _TransactionLost(call, error) from exc
            database.rollback_to()
            if call.settle is None or not isinstance(exc, FluxError):  # nobody else would ever hear of it
                _LOG.exception("a write failed in a way nobody foresaw")
        else:
            call.error = None
            database.release()
            batch.absorb(overlay)

    def _publish(self, batch: list[_Call], overlay: Overlay) -> None:
        self.live.publish(overlay)
        counters = self.counters
        counters.commits += 1
        counters.calls += len(batch)
        counters.events += len(overlay.appended)
        counters.last_commit = self.clock.monotonic()
        _settle(batch)
        if overlay.changes or overlay.appended or overlay.effects:
            committed = Committed(overlay.numbers.position, overlay.appended, overlay.changes, overlay.effects)
            for listener in self._listeners:
                try:
                    listener(committed)
                except Exception:  # what is committed stands; the other listeners must hear of it
                    _LOG.exception("a listener failed")
        if self.database.wal_pages >= CHECKPOINT_PAGES and not self._waiting:
            self._checkpoint()

    def _checkpoint(self) -> None:
        """Fold the WAL into the file. Everything in it is durable as it is, so a full disk can wait."""
        try:
            self.database.checkpoint()
        except DiskFull as exc:
            _LOG.warning("the write-ahead log cannot be folded into the file, it goes on growing: %s", exc)
        except StorageError as exc:
            self._die(exc)

    def _fail(self, batch: list[_Call], exc: StorageError | Busy) -> None:
        self.counters.failed += 1
        for call in batch:
            call.error = exc
        _settle(batch)
        if isinstance(exc, StorageError) and not isinstance(exc, DiskFull):
            self._die(exc)

    def _die(self, exc: StorageError) -> None:
        self._dead = exc
        self.on_fatal(exc)


def _settle(batch: list[_Call]) -> None:
    for call in batch:
        if call.settle is not None:
            try:
                call.settle(call.result, call.error)
            except Exception:  # the others of the batch must hear how they fared
                _LOG.exception("a caller could not take in its result")
