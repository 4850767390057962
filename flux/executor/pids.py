"""Processes by their numbers: pidfds, start times, orphans, survivors of an earlier daemon.

A pid alone names nobody, since it is given again. What names a process is a pidfd, or the pid with the time of its
start in clock ticks since boot. Everything here kills by pidfd and looks at the start time first.

The daemon is a subreaper: what its launcher leaves behind becomes its child. `reap_orphans` reaps only
dead processes of a launcher's session, so that nobody who waits for a child of his own loses its exit code.
"""

import contextlib
import ctypes
import os
import select
import signal
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from flux.clock import SYSTEM

_PR_SET_CHILD_SUBREAPER: Final = 36
_GROUP_FIELD: Final = 2  # of /proc/PID/stat, counted from the field after the command's name
_SESSION_FIELD: Final = 3
_START_FIELD: Final = 19
_DEAD: Final = (b"Z", b"X")


def become_subreaper(is_wanted: bool = True) -> None:
    """Have orphans of this process's descendants become its children; or, if not wanted, init's again."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, int(is_wanted), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


def start_of(pid: int) -> int | None:
    """When process `pid` started, in clock ticks since boot; None if there is none."""
    fields = _stat(pid)
    return None if fields is None else int(fields[_START_FIELD])


def kill(pidfd: int) -> None:
    """Kill a process that may be dead already."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def reap(pid: int, pidfd: int) -> None:
    """Reap a dead process if it is our child, and end what is left of its process group."""
    try:
        if os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return
    except ChildProcessError:
        return  # somebody else's child, and reaped by him
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)  # not reaped yet: the group's number is still its own
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)


def kill_survivors(processes: Iterable[tuple[int, int]], patience: int = 10_000) -> list[int]:
    """Kill the processes (pid, start time) that still live, and wait until they are gone.

    With them go the programs that bodies had started: what is left of the process groups that they led. A group
    keeps its number as long as it has a member; so a group is theirs if its leader is, or is gone.

    Blocks; for use before anything else runs. Processes that have another start time are not touched.

    Args:
        patience: milliseconds to wait for all of them.

    Returns:
        The pids that are still there: killed, but held up inside the kernel.
    """
    noted, until = dict(processes), SYSTEM.monotonic() + patience
    while noted and (living := _living(noted)):
        try:
            for pidfd in living:
                kill(pidfd)
            late = _await_end(living, until)
            for pidfd in living.keys() - late:
                reap(living[pidfd], pidfd)
        finally:
            for pidfd in living:
                os.close(pidfd)
        if late:
            return sorted(living[pidfd] for pidfd in late)
    return []


def _living(noted: Mapping[int, int]) -> dict[int, int]:
    """pidfd -> pid of those noted that live, and of the living members of the groups that they led."""
    found: dict[int, int] = {}
    for pid in (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()):
        fields = _stat(pid)
        if fields is None or fields[0] in _DEAD:
            continue
        leader = int(fields[_GROUP_FIELD])
        if pid not in noted and (leader not in noted or start_of(leader) not in (None, noted[leader])):
            continue
        pidfd = _open(pid, noted.get(pid, int(fields[_START_FIELD])))
        if pidfd is not None:
            found[pidfd] = pid
    return found


def _await_end(pidfds: Iterable[int], until: int) -> set[int]:
    """Those of `pidfds` whose processes have not ended by then."""
    poll, left = select.poll(), set(pidfds)
    for pidfd in left:
        poll.register(pidfd, select.POLLIN)
    while left and (rest := until - SYSTEM.monotonic()) > 0:
        for pidfd, _ in poll.poll(rest):
            left.discard(pidfd)
            poll.unregister(pidfd)
    return left


def reap_orphans(sessions: Collection[int]) -> list[int]:
    """Reap the dead children of this process that belong to one of `sessions`; their pids."""
    reaped = []
    for pid in _children():
        fields = _stat(pid)
        if fields is None or int(fields[_SESSION_FIELD]) not in sessions or pid in sessions:
            continue
        with contextlib.suppress(ChildProcessError):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)
                reaped.append(pid)
    return reaped


def _open(pid: int, start: int) -> int | None:
    """A pidfd of the process that started then; None if it is gone."""
    try:
        pidfd = os.pidfd_open(pid)
    except (ProcessLookupError, OSError):
        return None
    if start_of(pid) == start:  # looked at after the pidfd was taken: it cannot become another process any more
        return pidfd
    os.close(pidfd)
    return None


def _stat(pid: int) -> list[bytes] | None:
    """The fields of /proc/PID/stat after the command's name; None if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _children() -> Iterator[int]:
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield from map(int, (thread / "children").read_text().split())
