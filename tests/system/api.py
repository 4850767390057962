"""The API of a daemon, asked over its Unix socket as any client would, and the waits that tests need."""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.system.processes import PATIENCE

RESTING = frozenset({"COMPLETED", "FAILED", "CANCELLED", "PAUSED"})

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


class Api:
    """Asks the daemon behind a socket."""

    def __init__(self, path: Path) -> None:
        self.socket = path

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

    def offered_files(self) -> set[str]:
        """The files from which something is offered."""
        return {row["file"] for row in self.workflows_shown()["items"]}

    def workflows_shown(self) -> Json:
        """What the daemon says about workflows."""
        answer = self.get("/workflows")
        assert answer.status == 200, answer.document
        return answer.document

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
        assert answer.document["state"] in RESTING, answer.document
        return answer.document

    def events(self, execution: str) -> list[Json]:
        """Everything that has happened to an execution."""
        found: list[Json] = []
        after: int | None = 0
        while after is not None:
            page = self.get(f"/executions/{execution}/events?limit=1000&after={after}").document
            found += page["items"]
            after = page["next_after"]
        return found

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
