"""Timers that are due, and waking what they belong to.

A timer that was closed, or whose execution has ended, fires into nothing: that is no error, since the
wish to close it may still be under way when its instant comes.
"""

from collections.abc import Sequence
from typing import Final

from flux.core.events import EventType
from flux.core.execution import ASLEEP, Execution
from flux.engine.grants import Forgotten
from flux.engine.live import Live, Overlay
from flux.engine.log import Log
from flux.errors import NotFound
from flux.store import timers
from flux.store.database import Reader, Transaction
from flux.store.timers import Timer

_T: Final = EventType


def fire(tx: Transaction, live: Overlay, execution_id: str, call: str) -> bool:
    """Write that a timer fired and wake its execution; False if there is nothing to fire any more."""
    try:
        execution = live.execution(tx, execution_id)
    except NotFound:
        return False
    wait = execution.waits.get(call)
    if wait is None or wait.kind != "timer" or execution.is_final:
        return False
    timers.close(tx, execution.key, call)
    log = Log(tx, live, execution)
    log.add(_T.TIMER_FIRED, call=call, instant=max(tx.now, wait.due))
    wake(live, log, _T.WORKFLOW_WOKEN)
    log.write()
    return True


def fire_all(tx: Transaction, live: Overlay, keys: Sequence[tuple[str, str]]) -> None:
    """Fire several timers, (execution, call) each."""
    for execution, call in keys:
        fire(tx, live, execution, call)


def everything(reader: Reader, live: Live) -> list[Timer]:
    """All open timers of the file."""
    return timers.everything(reader)


def wake(live: Overlay, log: Log, kind: EventType, actor: str | None = None) -> None:
    """If the execution sleeps, note that it goes on: where it is loaded if a slot is free, else by a new grant."""
    execution: Execution = log.execution
    if execution.state not in ASLEEP:
        return
    worker = execution.worker
    if worker is not None and not live.has_slot(worker):
        live.effect(Forgotten(execution=execution.id, worker=worker, fence=execution.fence))
        worker = None
    log.add(kind, worker=worker, actor=actor)
