"""The daemon under test: a real process on a folder of its own, with the settings that a user gets.

The folder lies on a real disk, since a sync to memory costs nothing and says nothing. Settings of this
machine and of this user are kept away from it.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.bench.connection import Connection, Refused, request

ROOT: Final = Path(__file__).parent.parent.parent
_WORKFLOWS: Final = Path(__file__).with_name("workflows.py")
_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
_LOOK_EVERY: Final = 0.002  # seconds
_START: Final = 60.0
_STOP: Final = 20.0


class Daemon:
    """A running daemon. `ready_after`: seconds from its exec to its first good answer."""

    def __init__(self, folder: Path, *, slots: int | None = None) -> None:
        self.folder = folder
        self._log = (folder / "log").open("ab")
        started = time.perf_counter()
        arguments = ["--state", folder / "state", "--workflows", folder / "workflows", "--socket", self.socket]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flux.cli", "serve", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=_environment(folder, slots),
            cwd=folder,
        )
        self._await(started)
        self.ready_after = time.perf_counter() - started

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / "flux.sock"

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def database(self) -> Path:
        """Its file."""
        return self.folder / "state" / "flux.db"

    def connect(self) -> Connection:
        """A connection to it, once the workflows are loaded."""
        connection = Connection(self.socket)
        deadline = time.perf_counter() + _START
        while not connection.get("/workflows")["items"]:
            self._check(deadline)
            time.sleep(_LOOK_EVERY)
        return connection

    def kill(self) -> None:
        """End it as a power cut would, as far as a process can."""
        self._process.kill()
        self._process.wait()
        self._log.close()

    def stop(self) -> None:
        """End it in peace; what it has written is then in the file and not beside it."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()

    def _await(self, started: float) -> None:
        while True:
            self._check(started + _START)
            try:
                connection = Connection(self.socket)
                connection.ask(request("GET", "/readyz"))
            except (OSError, Refused):
                time.sleep(_LOOK_EVERY)
            else:
                connection.close()
                return

    def _check(self, deadline: float) -> None:
        if self._process.poll() is not None or time.perf_counter() > deadline:
            self.stop()
            text = (self.folder / "log").read_text(errors="replace")
            raise RuntimeError(f"the daemon under test did not come up:\n{text[-4000:]}")


@contextmanager
def daemon(folder: Path, *, slots: int | None = None) -> Iterator[Daemon]:
    """A daemon on `folder` for as long as the block runs. `slots`: of a worker, if not as many as by default."""
    found = Daemon(folder, slots=slots)
    try:
        yield found
    finally:
        found.stop()


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """A new folder on a real disk with the workflows of the benchmarks in it; gone after the block."""
    folder = Path(tempfile.mkdtemp(prefix="flux-bench-", dir=real_disk()))
    try:
        (folder / "workflows").mkdir()
        shutil.copy(_WORKFLOWS, folder / "workflows" / "bench.py")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def real_disk() -> Path:
    """A folder for temporary files that is not in memory."""
    for folder in (Path("/var/tmp"), Path(tempfile.gettempdir()), ROOT):
        if folder.is_dir() and os.access(folder, os.W_OK) and file_system(folder) not in _IN_MEMORY:
            return folder
    raise RuntimeError("no folder for temporary files lies on a disk: /var/tmp would be the place")


def file_system(folder: Path) -> str:
    """The kind of file system that holds `folder`; empty where the system does not say."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    found = [line.split()[1:3] for line in mounts.read_text().splitlines()]
    holding = [(where, kind) for where, kind in found if folder.resolve().is_relative_to(where)]
    return max(holding, key=lambda one: len(one[0]), default=("", ""))[1]


def _environment(folder: Path, slots: int | None) -> Mapping[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("FLUX_", "XDG_"))}
    own = {"PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(folder / "settings")}
    return {**kept, **own} if slots is None else {**kept, **own, "FLUX_EXECUTOR__SLOTS": str(slots)}
