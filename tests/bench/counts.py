"""How much was written for a piece of work: commits and calls as the daemon counts them, syncs as strace does.

A claim of speed without the number of syncs is no claim.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.connection import Connection
from tests.bench.daemon import Daemon
from tests.bench.limit import common


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Per task, and per commit. `syncs`: None where nobody could count them."""

    commits: float
    calls: float
    syncs: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A piece of work: seconds it took, its tasks, and what was written for it."""

    seconds: float
    tasks: int
    counts: Counts


def timed(daemon: Daemon, connection: Connection, work: Callable[[], int], *, syncs: bool) -> Done:
    """Do `work`, which returns how many tasks that were, and a second time under strace if `syncs`."""
    before = _written(connection)
    started = time.perf_counter()
    tasks = work()
    seconds = time.perf_counter() - started
    commits, calls = (after - old for after, old in zip(_written(connection), before, strict=True))
    counted = _syncs(daemon, work) if syncs else None
    return Done(
        seconds=seconds,
        tasks=tasks,
        counts=Counts(commits=commits / tasks, calls=calls / max(commits, 1), syncs=counted),
    )


def _written(connection: Connection) -> tuple[int, int]:
    """Commits and calls of the gate since the daemon's start."""
    written = connection.get("/stats")["written"]
    assert isinstance(written, dict)
    return int(written["commits"]), int(written["calls"])


def _syncs(daemon: Daemon, work: Callable[[], int]) -> float | None:
    """Syncs a task of all processes of the daemon; None without strace, or where it may not look."""
    if shutil.which("strace") is None:
        return None
    common.WORK = daemon.folder
    try:
        with common.Syncs(daemon.pid) as found:
            tasks = work()
    except OSError:
        return None
    return float(found.count) / tasks
