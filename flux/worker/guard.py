"""What each process of ours does to itself before it does anything else.

It dies with its parent, has a process group of its own, holds no descriptor that it was not given, and
stays within its limits. The death signal follows the parent *thread*, so a parent forks from its main one.

Memory is bytes. Linux only in `die_with`; elsewhere a lost parent shows as the end of a socket.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_START_FIELD: Final = 19  # of /proc/PID/stat, counted from the field after the command's name


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends; end at once if it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def call_itself(name: str) -> None:
    """Show this process as `name` in `ps -o comm` and `top`; its command line stays the launcher's."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def lead_group() -> None:
    """Make this process the leader of a group of its own, so that what it starts can be ended with it."""
    with contextlib.suppress(PermissionError):  # it leads a session already
        os.setpgid(0, 0)


def limit(memory: int) -> None:
    """Refuse this process more address space than `memory`, 0 for no limit, and leave no core files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory:
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        allowed = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
        resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))


def close_others(keep: Collection[int]) -> None:
    """Close every descriptor but 0, 1, 2 and those in `keep`."""
    spared = sorted({0, 1, 2, *keep})
    for before, after in pairwise(spared):
        os.closerange(before + 1, after)
    os.closerange(spared[-1] + 1, os.sysconf("SC_OPEN_MAX"))


def default_signals() -> None:
    """Forget the handlers that the parent had."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN if number is signal.SIGPIPE else signal.SIG_DFL)
    signal.set_wakeup_fd(-1)


def open_output() -> None:
    """Make `sys.stdout` and `sys.stderr` anew, line by line, on what descriptors 1 and 2 are now.

    The ones of the parent remember whether its own output was a file.
    """
    sys.stdout, sys.stderr = (
        open(descriptor, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
        for descriptor in (1, 2)
    )


def start_of(pid: int) -> int:
    """When process `pid` started, in clock ticks since boot; it tells the process from a later one of that pid.

    Raises:
        ProcessLookupError: there is none.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError as exc:
        raise ProcessLookupError(pid) from exc
    return int(stat.rpartition(b")")[2].split()[_START_FIELD])
