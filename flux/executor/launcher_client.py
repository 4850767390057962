"""The daemon's side of one launcher: start it, ask it for processes, notice when it is dead or silent.

Every process the launcher tells of is held by a pidfd until its end is told. When the launcher dies, stops
answering or breaks the protocol, all of its processes are killed by pidfd and gone before `on_lost` is
called; a launcher is never used again after that.

Silence is counted in turns of the daemon's own timer, so a daemon that was held up itself, or a machine
that slept, does not take its launcher for dead. Durations are int milliseconds.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import flux
from flux.errors import ProtocolError, Unreachable
from flux.executor import pids
from flux.wire import control
from flux.wire.control import MAX_MESSAGE, Control, Settings

_MAX_DESCRIPTORS: Final = 8
_SILENCE: Final = 5  # pings without an answer

OnProcess = Callable[[int, int, str, bool], None]
"""Told of each process: pid, start time, kind, whether it lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process that the launcher made, and the descriptors that came with it."""

    pid: int
    start: int
    kind: str
    pidfd: int
    descriptors: tuple[int, ...]


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """What of the daemon's environment its workers get, and what they need to find the product.

    Nothing of ours (`FLUX_…` holds the database's path and may hold secrets), nothing of systemd's that
    is meant for the daemon alone.
    """
    kept = {name: value for name, value in given.items() if not name.startswith("FLUX_") and name not in _DAEMONS_OWN}
    return {**kept, "PYTHONPATH": os.pathsep.join(_import_path()), "PYTHONHASHSEED": "0"}


_DAEMONS_OWN: Final = frozenset(
    {
        "CACHE_DIRECTORY", "CONFIGURATION_DIRECTORY", "CREDENTIALS_DIRECTORY", "INVOCATION_ID", "JOURNAL_STREAM",
        "LISTEN_FDNAMES", "LISTEN_FDS", "LISTEN_PID", "LOGS_DIRECTORY", "MAINPID", "MANAGERPID", "NOTIFY_SOCKET",
        "PYTHONPATH", "PYTHONSTARTUP", "RUNTIME_DIRECTORY", "STATE_DIRECTORY", "WATCHDOG_PID", "WATCHDOG_USEC",
    }
)  # fmt: skip


def _import_path() -> list[str]:
    """The folder that holds `flux`, and those of its dependencies: in a single-file bundle no interpreter knows them."""
    home = Path(flux.__file__).resolve().parent.parent
    neighbours = {Path(module.__file__).resolve().parent.parent for module in (msgspec,) if module.__file__}
    return [str(home), *(str(folder) for folder in sorted(neighbours - {home}))]


class LauncherClient:
    """One launcher process, from its start to its end.

    Args:
        on_ended: told when a process is dead and reaped, of a worker with its task processes.
        on_lost: told why the launcher is of no use any more, when all its processes are gone.
    """

    def __init__(
        self,
        python: str,
        settings: Settings,
        environ: Mapping[str, str],
        ping: int,
        *,
        on_process: OnProcess,
        on_ended: Callable[[control.Ended], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._python = python
        self._settings = settings
        self._environ = environ
        self._ping = ping
        self._on_process = on_process
        self._on_ended = on_ended
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._requests = count(1)
        self._answers: dict[int, asyncio.Future[tuple[Control, list[int]]]] = {}
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._children: dict[int, Child] = {}
        self._unanswered = 0
        self._waiting: list[bytes] = []
        self._is_open = False
        self._burial: asyncio.Task[None] | None = None
        self.pid = 0
