"""Processes as `/proc` shows them: who lives, whose child it is, and how to stop or end it for good.

A process is named by its pid and the time of its start, since pids are given again. A zombie does not
live: nothing of it can have an effect any more.
"""

import os
import select
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flux.clock import SYSTEM

PATIENCE = 60_000  # milliseconds; far more than anything takes on a crowded machine
_LOOK = 10  # milliseconds between two looks at what cannot be awaited


@dataclass(frozen=True, slots=True, order=True)
class Process:
    """One process. `start`: clock ticks since boot."""

    pid: int
    start: int

    @property
    def is_alive(self) -> bool:
        """Whether it can still have an effect."""
        fields = _fields(self.pid)
        return fields is not None and int(fields[19]) == self.start and fields[0] not in (b"Z", b"X")

    @property
    def is_stopped(self) -> bool:
        """Whether it is stopped by a signal."""
        fields = _fields(self.pid)
        return fields is not None and fields[0] == b"T"

    def kill(self) -> None:
        """End it. That it is gone already is no error."""
        self._send(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it, as a debugger or a suspended machine does; returns when it stands still."""
        self._send(signal.SIGSTOP)
        until(lambda: self.is_stopped or not self.is_alive, f"process {self.pid} stands still")

    def go_on(self) -> None:
        """Let it go on."""
        self._send(signal.SIGCONT)

    def gone(self) -> None:
        """Return when it does not live any more."""
        until(lambda: not self.is_alive, f"process {self.pid} is gone")

    def _send(self, number: int) -> None:
        if self.is_alive:
            os.kill(self.pid, number)


def process(pid: int) -> Process:
    """The process that has this pid now."""
    fields = _fields(pid)
    assert fields is not None, f"there is no process {pid}"
    return Process(pid, int(fields[19]))


def children(parent: Process) -> list[Process]:
    """The living children of a process."""
    found = []
    for thread in Path(f"/proc/{parent.pid}/task").iterdir():
        for pid in (thread / "children").read_text().split():
            fields = _fields(int(pid))
            if fields is not None and fields[0] not in (b"Z", b"X"):
                found.append(Process(int(pid), int(fields[19])))
    return sorted(found)


def carrying(mark: str) -> list[Process]:
    """Every living process whose environment holds `mark`."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(process(int(folder.name)))
        except (OSError, AssertionError):
            continue  # it ended while we looked, or is another user's
    return [one for one in found if one.is_alive]


def until(is_so: Callable[[], object], what: str, patience: int = PATIENCE) -> None:
    """Return when `is_so`; for what sends no event. Fails after `patience` ms, saying what was awaited."""
    end = SYSTEM.monotonic() + patience
    while not is_so():
        assert SYSTEM.monotonic() < end, f"not within {patience / 1000:g} s: {what}"
        select.select([], [], [], _LOOK / 1000)


def _fields(pid: int) -> list[bytes] | None:
    """The fields of /proc/PID/stat from the state on; None if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
