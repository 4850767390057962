"""The example `poller.py`, against a service on the loopback."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from examples.poller import poller

Service = Callable[..., str]


@pytest.fixture
def service() -> Iterator[Service]:
    """Starts a service that gives the answers it is told to, the last one for ever, and gives its address."""
    servers: list[ThreadingHTTPServer] = []

    def start(*answers: tuple[int, object]) -> str:
        left = list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, answer = left.pop(0) if len(left) > 1 else left[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, format: str, *args: object) -> None:
                """Not into the output of the tests."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/jobs/7"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_it_asks_until_the_job_is_done(service: Service) -> None:
    """With a durable sleep in between; a service that is down for a moment does not matter."""
    url = service(
        (200, {"state": "running"}), (503, {}), (200, {"state": "running"}), (200, {"state": "done", "result": 7})
    )

    context = poller.run({"url": url, "every": 0.05})

    assert context.output == {"asked": 3, "result": 7}


def test_a_failed_job_fails_the_execution(service: Service) -> None:
    """With what the service says about it."""
    context = poller.run({"url": service((200, {"state": "failed", "result": "out of paper"}))})

    assert context.has_failed
    assert "out of paper" in context.to_json()


def test_patience_has_an_end(service: Service) -> None:
    """By the workflow's own clock, which is the same on every replay."""
    context = poller.run({"url": service((200, {"state": "running"})), "every": 0.02, "patience": 0.05})

    assert context.has_failed
    assert "is still 'running'" in context.to_json()
