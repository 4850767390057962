"""A house: a real daemon in a folder of its own, started, asked, killed and started again.

The daemon is the command `flux serve` in another process; everything the tests learn of it comes over its
Unix socket, from `/proc`, or from files that workflows write. All its processes carry a mark in their
environment, so that `close` can show that none of them is left, whoever has become its parent.
"""

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

from tests.system.api import Api, Json
from tests.system.processes import PATIENCE, Process, carrying, children, process, until

FLOWS = Path(__file__).parent / "flows"
_ROOT = Path(__file__).parents[2]


class House(Api):
    """One daemon, its folder, its processes. `settings`: those of the section `executor`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.workflows = folder / "workflows"
        self.workflows.mkdir()
        super().__init__(folder / "flux.sock")
        self._mark = f"HOUSE={secrets.token_hex(8)}"
        self._settings = {f"FLUX_EXECUTOR__{name.upper()}": value for name, value in settings.items()}
        self._daemon: subprocess.Popen[bytes] | None = None

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Start the daemon; returns when it says that it is ready, and answers."""
        with (self.folder / "log").open("ab") as log:
            self._daemon = subprocess.Popen(
                [
                    sys.executable, "-P", "-m", "flux.cli", "serve", "--parent", str(os.getpid()),
                    "--state", str(self.folder / "state"), "--workflows", str(self.workflows),
                    "--socket", str(self.socket),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self._environment(),
            )  # fmt: skip
        until(lambda: self._is_ready() or not self.is_running, f"the daemon is ready:\n{self.log()}")
        assert self.is_running, f"the daemon ended at once:\n{self.log()}"

    def _is_ready(self) -> bool:
        try:
            return self.get("/readyz").status == 200
        except (FileNotFoundError, ConnectionError):
            return False

    def _environment(self) -> dict[str, str]:
        name, _, mark = self._mark.partition("=")
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(_ROOT),
            name: mark,
            **self._settings,
        }

    def log(self) -> str:
        """What the daemon has logged."""
        return (self.folder / "log").read_text(errors="replace")

    @property
    def daemon(self) -> Process:
        """The daemon's process."""
        assert self._daemon is not None
        return process(self._daemon.pid)

    @property
    def is_running(self) -> bool:
        """Whether the daemon runs."""
        return self._daemon is not None and self._daemon.poll() is None

    def kill(self) -> None:
        """End the daemon with SIGKILL, and reap it."""
        self.end(signal.SIGKILL)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send the daemon a signal that ends it; its exit code."""
        assert self._daemon is not None
        self._daemon.send_signal(number)
        return self._daemon.wait(PATIENCE / 1000)

    def close(self) -> None:
        """End the daemon, and see that nothing of it is left."""
        if self.is_running:
            self.kill()
        try:
            until(lambda: not carrying(self._mark), "no process of the daemon is left", 10_000)
        finally:
            for one in carrying(self._mark):
                one.kill()

    # ------------------------------------------------------------------ processes

    @property
    def launcher(self) -> Process:
        """The launcher: the daemon's only child."""
        (launcher,) = children(self.daemon)
        return launcher

    def workers(self) -> dict[str, Process]:
        """The workers by name."""
        return {row["worker"]: process(row["pid"]) for row in self.get("/stats").document["workers"]}

    def worker_of(self, execution: str) -> Process:
        """The worker on which an execution is loaded."""
        return self.workers()[self.show(execution)["worker"]]

    # ------------------------------------------------------------------ files

    def drop(self, name: str, text: str) -> Path:
        """Write a file into the watched folder, as `cp` would."""
        path = self.workflows / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def offer(self, *names: str) -> None:
        """Drop workflow files of these tests; returns when all are offered."""
        for name in names:
            self.drop(f"{name}.py", (FLOWS / f"{name}.py").read_text("utf-8"))
        paths = {str(self.workflows / f"{name}.py") for name in names}
        until(lambda: paths <= self.offered_files(), f"{names} are offered; {self.load_errors()}")

    def load_errors(self) -> dict[str, Json]:
        """Why files do not load, by the name of the file."""
        return {Path(row["file"]).name: row for row in self.workflows_shown()["load_errors"]}
