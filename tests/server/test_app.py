"""The frame around every request: ids, problems, and nothing that leaks."""

import asyncio
import logging
import socket

import pytest

from flux.errors import FluxError
from flux.server import problems
from flux.server.app import TABLE
from flux.server.bodies import parse
from flux.wire import access, routes
from flux.wire.routes import Route

KEYS = {"type", "title", "status", "detail", "code", "hint", "request_id", "retryable"}


def test_every_route_of_the_table_is_answered():
    """The client's table and the server's are one."""
    named = {route for module in (routes, access) for route in vars(module).values() if isinstance(route, Route)}

    assert {route for route, _ in TABLE} == named


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "no_route"),
        ("GET", "/executions/1/2/3/4", 404, "no_route"),
        ("DELETE", "/executions", 405, "method_not_allowed"),
        ("GET", "/workflows/default/work/run", 405, "method_not_allowed"),
        ("GET", f"/executions/{'0' * 26}", 404, "not_found"),
        ("GET", "/executions/abc", 400, "invalid"),
        ("GET", f"/executions/{'A' * 40}", 404, "not_found"),
        ("GET", "/executions?limit=x", 400, "invalid"),
        ("GET", "/events?until=resting", 400, "invalid"),
        ("GET", "/workflows/default/none", 404, "not_found"),
        ("GET", "/schedules", 404, "no_route"),
        ("GET", "/problems/none", 404, "no_route"),
    ],
)
async def test_every_refusal_is_a_problem(site, method, path, status, code):
    """RFC 9457, ours and the framework's alike, with what to do about it."""
    async with site.session.request(method, path) as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["status"], problem["code"]) == (status, status, code)
    assert problem.keys() >= KEYS
    assert problem["request_id"] == response.headers["X-Request-Id"]
    assert all(problem[key] for key in ("title", "detail", "hint"))


async def test_a_method_that_is_not_possible_names_those_that_are(site):
    """In the header, as HTTP says, and in the document."""
    async with site.session.delete("/workflows") as response:
        problem = await response.json(content_type=None)

    assert response.headers["Allow"] == "GET,POST"
    assert problem["allowed"] == ["GET", "POST"]


async def test_every_answer_has_an_id_of_its_own(site):
    """What the log says about a request can be found by it."""
    ids = set()
    for _ in range(3):
        async with site.session.get("/info") as response:
            ids.add(response.headers["X-Request-Id"])
            assert response.headers["Server"] == "flux"

    assert len(ids) == 3


async def test_a_fault_of_ours_shows_nothing_and_is_logged_whole(site, caplog):
    """The caller gets an id, the log the traceback."""
    site.desk.gate.live.catalog = None

    with caplog.at_level(logging.ERROR, "flux.server"):
        async with site.session.get("/workflows") as response:
            problem = await response.json(content_type=None)

    assert (response.status, problem["detail"]) == (500, "internal error")
    assert problem["request_id"] in caplog.text
    assert "Traceback" in caplog.text
    assert "TypeError" not in str(problem)


async def test_the_page_of_a_problem_says_what_to_do(site):
    """The `type` of a problem is a path that can be opened."""
    async with site.session.get("/executions?limit=x") as response:
        found = (await response.json(content_type=None))["type"]
    async with site.session.get(found) as response:
        text = await response.text()

    assert response.status == 200
    assert "invalid" in text
    assert "Change the request" in text


@pytest.mark.parametrize("code", sorted(problems.KINDS))
def test_every_kind_is_complete(code):
    """A status, a title, a sentence that says what to do."""
    kind = problems.KINDS[code]

    assert 400 <= kind.status < 600
    assert kind.title[0].isupper()
    assert kind.hint.endswith(".")
    assert problems.page(code)


def all_errors():
    """Every class of errors.py."""
    found = [FluxError]
    for cls in found:
        found.extend(cls.__subclasses__())
    return found


@pytest.mark.parametrize("cls", all_errors(), ids=lambda cls: cls.__name__)
def test_every_error_of_ours_has_a_problem(cls):
    """None of them ends as a broken answer; facts that are not for clients stay here."""
    problem = problems.of_error(cls("why", path="/secret", sql="SELECT", execution="E"), "r")

    assert problem["request_id"] == "r"
    assert "/secret" not in str(problem)
    assert "SELECT" not in str(problem)
    if problem["status"] >= 500:
        assert "why" not in str(problem)


@pytest.mark.parametrize(
    "raw",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: Bearer flux_se\x00cret\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /info HTTP/1.1\r\nX: " + b"a" * 10_000 + b"\r\n\r\n",
        b"POST /info HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ],
    ids=["garbage", "a broken header", "TLS", "a long path", "a long header", "a wrong length"],
)
async def test_what_is_not_http_is_answered_and_not_logged(site, raw, caplog):
    """A problem, a closed connection, and no byte of it in any log: it may hold a token."""
    with caplog.at_level(logging.DEBUG):
        reader, writer = await asyncio.open_unix_connection(site.server.socket_path)
        writer.write(raw)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()

    if answer:
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"application/problem+json" in answer
        assert parse(answer.partition(b"\r\n\r\n")[2])["code"] == "malformed_http"
    assert "cret" not in caplog.text
    assert "aaaa" not in caplog.text


async def test_half_a_request_harms_nobody(site):
    """A client that goes away in the middle of its body leaves nothing behind."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(site.server.socket_path))
        client.sendall(
            b"POST /workflows/default/work/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )

    async with site.session.get("/livez") as response:
        assert response.status == 200
    assert not site.desk.gate.live.executions


async def test_a_request_that_says_close_is_closed(site):
    """HTTP/1.0 clients and `Connection: close`."""
    reader, writer = await asyncio.open_unix_connection(site.server.socket_path)
    writer.write(b"GET /livez HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.0 200")


async def test_closing_twice_is_closing_once(site):
    """Whoever stops the daemon need not know how far it came."""
    await site.server.close()
    await site.server.close()

    assert not site.server.socket_path.exists()
