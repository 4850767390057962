"""A house: a real daemon in a folder of its own, started, asked, killed and started again.

The daemon is the command `flux serve` in another process; everything the tests learn of it comes over its
Unix socket, from `/proc`, or from files that workflows write. All its processes carry a mark in their
environment, so that `close` can show that none of them is left, whoever has become its parent.
"""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.system.processes import PATIENCE, Process, carrying, children, process, until

FLOWS = Path(__file__).parent / "flows"
RESTING = frozenset({"COMPLETED", "FAILED", "CANCELLED", "PAUSED"})
_ROOT = Path(__file__).parents[2]

Json = Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What the daemon answered."""

    status: int
    document: Json
    headers: Mapping[str, str]


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=2 * PATIENCE / 1000)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class House:
    """One daemon, its folder, its processes. `settings`: `section.key` without the section `executor`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.workflows = folder / "workflows"
        self.workflows.mkdir()
        self.socket = folder / "flux.sock"
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

    def task_processes(self) -> list[Process]:
        """Children of the launcher that are no workers (and no inspectors, when none is at work)."""
        workers = self.workers().values()
        return [one for one in children(self.launcher) if one not in workers]

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
        until(lambda: paths <= self._offered(), f"{names} are offered; {self.load_errors()}")

    def _offered(self) -> set[str]:
        return {row["file"] for row in self.get("/workflows").document["items"]}

    def load_errors(self) -> dict[str, Json]:
        """Why files do not load, by the name of the file."""
        return {Path(row["file"]).name: row for row in self.get("/workflows").document["load_errors"]}

    # ------------------------------------------------------------------ the API

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """What the daemon answers."""
        connection = _Connection(self.socket)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
            response = connection.getresponse()
            raw = response.read()
            document = json.loads(raw) if "json" in (response.getheader("Content-Type") or "") else raw
            return Answer(response.status, document, dict(response.getheaders()))
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        """What the daemon answers to GET."""
        return self.request("GET", path, headers={"Accept": "application/json"})

    def post(self, path: str, value: Json = None) -> Answer:
        """What the daemon answers to a value that is sent."""
        return self.request("POST", path, json.dumps(value).encode())

    def submit(self, workflow: str, value: Json = None) -> str:
        """The id of a new execution of `default/WORKFLOW`."""
        answer = self.post(f"/workflows/default/{workflow}/run", value)
        assert answer.status == 202, answer.document
        return str(answer.document["execution_id"])

    def run(self, workflow: str, value: Json = None) -> Json:
        """A new execution of `default/WORKFLOW`, at rest."""
        return self.rest(self.submit(workflow, value))

    def show(self, execution: str) -> Json:
        """An execution as it stands."""
        answer = self.get(f"/executions/{execution}")
        assert answer.status == 200, answer.document
        return answer.document

    def rest(self, execution: str) -> Json:
        """An execution at rest."""
        answer = self.get(f"/executions/{execution}?wait={PATIENCE / 1000:g}")
        assert answer.document["state"] in RESTING, f"{answer.document}\n{self.log()[-3000:]}"
        return answer.document

    def events(self, execution: str) -> list[Json]:
        """Everything that has happened to an execution."""
        answer = self.get(f"/executions/{execution}/events?limit=1000")
        assert answer.document["next_after"] is None
        return list(answer.document["items"])

    def until_event(self, execution: str, kind: str, name: str | None = None, times: int = 1) -> Json:
        """The n-th event of a type (about `name`, if given), as the stream tells it; waits for it."""
        connection = _Connection(self.socket)
        left = times
        try:
            connection.request("GET", f"/executions/{execution}/events", headers={"Accept": "application/x-ndjson"})
            for message in _lines(connection.getresponse()):
                event = message["data"]
                left -= event.get("type") == kind and name in (None, event.get("name"))
                if not left:
                    return event
        finally:
            connection.close()
        raise AssertionError(f"the stream of {execution} has ended: {self.events(execution)}")


def _lines(response: http.client.HTTPResponse) -> Iterator[Json]:
    """The messages of a stream; empty lines are heartbeats."""
    while line := response.readline():
        if line.strip():
            yield json.loads(line)
