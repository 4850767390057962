"""Timers of executions as whoever rings for them must know: effects of commits, and closing all timers of one.

A timer that nobody disarmed would do no harm, since it fires into nothing; but it would be kept in memory
until then, which for a timer of an execution that ended may be a year.
"""

from dataclasses import dataclass

from flux.core.execution import Execution
from flux.engine.live import Overlay
from flux.store import timers
from flux.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Armed:
    """Effect: a timer is open from now on."""

    execution: str
    call: str
    due: int


@dataclass(frozen=True, slots=True)
class Disarmed:
    """Effect: a timer was closed before it was due."""

    execution: str
    call: str


def disarm_all(tx: Transaction, live: Overlay, execution: Execution) -> None:
    """Close every timer of an execution that ends."""
    open_ones = [call for call, wait in execution.waits.items() if wait.kind == "timer"]
    if open_ones:
        timers.close_all(tx, execution.key)
    for call in open_ones:
        live.effect(Disarmed(execution.id, call))
