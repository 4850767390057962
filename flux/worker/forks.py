"""Forks: the one way in which the launcher makes a process, and learns how it ended.

A child is told apart from a later process of its pid by a pidfd, taken while it cannot have been reaped.
It never returns into the launcher's code: `body` runs, then the process ends. What the launcher holds
(sockets, pidfds) is closed in it first, whatever it is.
"""

import contextlib
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NoReturn

from flux.worker import guard


@dataclass(slots=True)
class Child:
    """A process that the launcher made and has not reaped.

    `worker`: of a task process, the number of the worker that it serves.
    """

    pid: int
    pidfd: int
    start: int
    kind: str
    worker: int = 0

    def is_dead(self) -> bool:
        """Whether it has ended and waits to be reaped."""
        return os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


@dataclass(frozen=True, slots=True)
class End:
    """How a process ended: by a signal (its name) or by itself; `peak_memory` in bytes."""

    signal: str | None
    exit_code: int | None
    peak_memory: int


def fork(kind: str, memory: int, keep: Collection[int], body: Callable[[], None]) -> Child:
    """A new process that runs `body` with the descriptors `keep`, and ends.

    Raises:
        OSError: the system has no room for one.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be_child(kind, parent, memory, keep, body)
    with contextlib.suppress(OSError):  # the child does it too: whoever comes first
        os.setpgid(pid, pid)
    return Child(pid=pid, pidfd=os.pidfd_open(pid), start=guard.start_of(pid), kind=kind)


def _be_child(kind: str, parent: int, memory: int, keep: Collection[int], body: Callable[[], None]) -> NoReturn:
    code = 1
    try:
        guard.die_with(parent)
        guard.call_itself(f"flux-{kind}")
        guard.lead_group()
        guard.close_others(keep)
        guard.default_signals()
        guard.limit(memory)
        gc.enable()
        body()
        code = 0
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    except BaseException:  # the last frame of the process: there is nobody above who could know more
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def reap(child: Child) -> End:
    """How `child`, which is dead, ended. Also ends what is left of its process group.

    The group is ended before the reaping: as long as its leader is not reaped, its number is nobody else's.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    _, status, usage = os.wait4(child.pid, 0)
    os.close(child.pidfd)
    code = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return End(
        signal=_signal_name(-code) if code < 0 else None,
        exit_code=code if code >= 0 else None,
        peak_memory=usage.ru_maxrss * unit,
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"  # a real-time signal has no name
