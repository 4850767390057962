"""The door of the API: real requests over real sockets."""

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
import time
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web

from flux.clock import SystemClock
from flux.engine import keys, principals
from flux.engine.access import require
from flux.engine.authenticator import Authenticator
from flux.engine.failures import LIMIT
from flux.engine.keys import NewKey
from flux.engine.principals import NewServiceAccount
from flux.errors import FluxError
from flux.server import problems
from flux.server.auth import CALLER, REQUEST_ID, Door, Porter
from flux.server.discretion import be_discreet
from flux.store import audit
from flux.store.database import Database
from tests.engine.desk import Desk
from tests.records import THE_ADMIN

PEPPER = b"p" * 32
DELAY = 0.05


@web.middleware
async def frame(request, handler):
    """Errors of ours become problems, as in the application."""
    try:
        return await handler(request)
    except FluxError as exc:
        return problems.response(problems.of_error(exc, request.get(REQUEST_ID, "none")))


async def whoami(request):
    """Says what the door found out."""
    caller = request[CALLER]
    return web.json_response(
        {"subject": caller.principal.subject, "method": caller.method, "peer": caller.peer, "id": caller.request_id}
    )


async def secret(request):
    """Needs a permission that viewers lack."""
    require(request.app[DESK].gate.live.permissions, request[CALLER], "admin:audit:read")
    return web.json_response({})


async def alive(request):
    """Needs nobody."""
    return web.Response(text="alive")


DESK = web.AppKey("desk", Desk)


@dataclass
class House:
    """A running server: its engine, a Unix socket, a TCP port, and clients for both."""

    desk: Desk
    path: str
    port: int
    unix: aiohttp.ClientSession
    tcp: aiohttp.ClientSession

    def url(self, path="/whoami"):
        """Over TCP."""
        return f"http://127.0.0.1:{self.port}{path}"

    async def key(self, **options):
        """A key of the service account `bot`, a viewer."""
        if self.desk.gate.live.permissions.find("flux", "bot") is None:
            wish = NewServiceAccount(name="bot", caller=THE_ADMIN, roles=("viewer",))
            await self.desk.gate.write(principals.create_service_account, wish)
        return await self.desk.gate.write(keys.create, PEPPER, NewKey(account="bot", caller=THE_ADMIN, **options))

    def reasons(self):
        """What the audit says about refusals."""
        found = [found.entry for found in audit.everything(self.desk.database.reader)]
        return [entry.after for entry in found if entry.action == "auth.fail"]


@contextlib.asynccontextmanager
async def a_house(folder, **door):
    """A server with this door, on a database in memory."""
    desk = Desk.over(Database.in_memory())
    desk.gate.clock = SystemClock()
    authenticator = Authenticator(desk.gate, PEPPER, own_uid=os.getuid())
    porter = Porter(authenticator, Door(delay=DELAY, **door))
    app = web.Application(middlewares=[frame, porter.middleware])
    app[DESK] = desk
    app.router.add_get("/whoami", whoami)
    app.router.add_get("/secret", secret)
    app.router.add_get("/livez", alive)
    runner = web.AppRunner(app)
    await runner.setup()
    path = str(folder / "s")
    await web.UnixSite(runner, path).start()
    tcp = web.TCPSite(runner, "127.0.0.1", 0)
    await tcp.start()
    port = runner.addresses[1][1]
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(path), base_url="http://flux") as unix,
        aiohttp.ClientSession() as client,
    ):
        yield House(desk, path, port, unix, client)
    await runner.cleanup()


@pytest.fixture
async def house(tmp_path):
    """A server with the default door."""
    async with a_house(tmp_path) as house:
        yield house


def bearer(text):
    """The header for a key."""
    return {"Authorization": f"Bearer {text}"}


async def test_our_own_user_is_the_admin_on_the_unix_socket(house):
    """Zero configuration; each request has an id of its own."""
    async with house.unix.get("/whoami") as one, house.unix.get("/whoami") as other:
        first, second = await one.json(), await other.json()

    assert (first["subject"], first["method"]) == ("admin", "peer")
    assert first["peer"] == f"uid {os.getuid()} pid {os.getpid()}"
    assert first["id"] != second["id"]


async def test_nobody_is_anybody_on_tcp_without_a_key(house):
    """An address is no identity."""
    async with house.tcp.get(house.url()) as response:
        found = await response.json()

    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert found["code"] == "unauthenticated"


async def test_a_key_opens_both_sockets(house):
    """Where a credential is shown, it counts, and not the user behind the socket."""
    issued = await house.key()

    async with house.tcp.get(house.url(), headers=bearer(issued.text)) as response:
        over_tcp = await response.json()
    async with house.unix.get("/whoami", headers={"Authorization": f"bearer   {issued.text}"}) as response:
        over_unix = await response.json()

    assert (over_tcp["subject"], over_tcp["method"], over_tcp["peer"]) == ("bot", "key", "127.0.0.1")
    assert over_unix["subject"] == "bot"


async def test_every_failure_has_the_same_body(house):
    """But for the request id: who guesses learns nothing from the answer."""
    issued, revoked = await house.key(), await house.key()
    await house.desk.gate.write(keys.revoke, revoked.key.id, THE_ADMIN)
    bodies = []
    for value in (
        f"Bearer {issued.text[:-1]}",
        f"Bearer {revoked.text}",
        f"Basic {issued.text}",
        "Bearer",
        "Bearer ",
        issued.text,
    ):
        async with house.tcp.get(house.url(), headers={"Authorization": value}) as response:
            assert response.status == 401
            bodies.append({**await response.json(), "request_id": ""})

    assert all(body == bodies[0] for body in bodies)
    assert len(set(house.reasons())) > 2


async def test_two_authorization_headers_are_none(house):
    """A proxy and we might believe different ones."""
    issued = await house.key()
    headers = [("Authorization", f"Bearer {issued.text}"), ("Authorization", "Bearer other")]

    async with house.tcp.get(house.url(), headers=headers) as response:
        assert response.status == 401


async def test_a_revoked_key_fails_at_its_next_request_on_the_same_connection(house):
    """No identity is kept with a connection."""
    issued = await house.key()
    async with house.tcp.get(house.url(), headers=bearer(issued.text)) as response:
        assert response.status == 200

    await house.desk.gate.write(keys.revoke, issued.key.id, THE_ADMIN)

    async with house.tcp.get(house.url(), headers=bearer(issued.text)) as response:
        assert response.status == 401


async def test_a_disabled_principal_fails_at_its_next_request_on_the_same_connection(house):
    """The user of a socket is found out once, whether he may act each time."""
    wish = NewServiceAccount(name="second", caller=THE_ADMIN, roles=("admin",))
    await house.desk.gate.write(principals.create_service_account, wish)
    async with house.unix.get("/whoami") as response:
        assert response.status == 200

    await house.desk.gate.write(principals.disable, "admin", THE_ADMIN)

    async with house.unix.get("/whoami") as response:
        assert response.status == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:8377", 200),
        ("[::1]:8377", 200),
        ("LOCALHOST:1", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.", 403),
        ("", 403),
    ],
)
async def test_only_our_own_host_names_are_answered_on_tcp(house, host, status):
    """A page that has bound its own name to 127.0.0.1 must not reach us (DNS rebinding)."""
    issued = await house.key()

    async with house.tcp.get(house.url(), headers={**bearer(issued.text), "Host": host}) as response:
        assert response.status == status


async def test_other_names_can_be_added(tmp_path):
    """A daemon behind a proxy has a public name."""
    async with a_house(tmp_path, hosts=frozenset({"flux.example"})) as house:
        issued = await house.key()
        async with house.tcp.get(house.url(), headers={**bearer(issued.text), "Host": "flux.example"}) as response:
            assert response.status == 200
        async with house.tcp.get(house.url(), headers=bearer(issued.text)) as response:
            assert response.status == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "nonsense"])
async def test_pages_of_other_origins_are_refused(house, origin):
    """A browser sends what the user has without asking him; it also says whose page it was."""
    issued = await house.key()

    async with house.tcp.get(house.url(), headers={**bearer(issued.text), "Origin": origin}) as response:
        assert response.status == 403
    async with house.unix.get("/whoami", headers={"Origin": origin}) as response:
        assert response.status == 403


async def test_our_own_origin_and_listed_ones_are_let_in(tmp_path):
    """Our own page, and those that somebody has named."""
    async with a_house(tmp_path, origins=frozenset({"https://console.example"})) as house:
        issued = await house.key()
        for origin in (f"http://127.0.0.1:{house.port}", "https://console.example"):
            async with house.tcp.get(house.url(), headers={**bearer(issued.text), "Origin": origin}) as response:
                assert response.status == 200


async def test_whether_we_live_may_be_asked_by_anybody(house):
    """Whoever watches the daemon has no key; but foreign host names are refused there too."""
    async with house.tcp.get(house.url("/livez")) as response:
        assert response.status == 200
    async with house.tcp.get(house.url("/livez"), headers={"Host": "evil.example"}) as response:
        assert response.status == 403


async def test_a_denial_is_answered_with_what_is_missing_and_audited(house):
    """The caller learns which permission to ask for, the audit who tried what."""
    issued = await house.key()

    async with house.tcp.get(house.url("/secret"), headers=bearer(issued.text)) as response:
        found = await response.json()

    assert (response.status, found["missing_permissions"]) == (403, ["admin:audit:read"])
    entry = list(audit.everything(house.desk.database.reader))[-1].entry
    assert (entry.actor, entry.object, entry.outcome) == ("bot", "GET /secret", "denied")


async def test_failures_beyond_the_limit_are_answered_late(house):
    """With 429; a right key from the same address is answered at once all the while."""
    issued = await house.key()
    for _ in range(LIMIT):
        async with house.tcp.get(house.url(), headers=bearer("wrong")) as response:
            assert response.status == 401

    begin = time.monotonic()
    async with house.tcp.get(house.url(), headers=bearer("wrong")) as response:
        assert response.status == 429
        assert int(response.headers["Retry-After"]) > 0

    assert time.monotonic() - begin >= DELAY
    async with house.tcp.get(house.url(), headers=bearer(issued.text)) as response:
        assert response.status == 200


async def test_what_cannot_be_held_back_is_cut_off(tmp_path):
    """An attacker with many connections gets no more out of each."""
    async with a_house(tmp_path, most_delayed=0) as house:
        for _ in range(LIMIT):
            async with house.tcp.get(house.url(), headers=bearer("wrong")) as response:
                assert response.status == 401

        with pytest.raises(aiohttp.ClientConnectionError):
            await house.tcp.get(house.url(), headers=bearer("wrong"))


CALL = """
import http.client, socket, sys
class Over(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[1])
connection = Over("flux")
connection.request("GET", "/whoami", headers={"Authorization": sys.argv[2]} if sys.argv[2:] else {})
response = connection.getresponse()
print(response.status, response.read().decode())
"""


async def called(house, *arguments, script=CALL):
    """What another process gets."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", script, house.path, *arguments, stdout=subprocess.PIPE
    )
    out, _ = await process.communicate()
    return out.decode()


async def test_a_child_of_the_daemon_is_refused(house):
    """Workers are children of the daemon and have its uid: what they run must not be admin."""
    answer = await called(house)

    assert answer.startswith("401")
    assert "runs user code" in house.reasons()[0]


async def test_a_process_beside_the_daemon_is_let_in(tmp_path):
    """As the command line is, and `flux dev`, which is the daemon's parent."""
    async with a_house(tmp_path, daemon=2**22 + 1) as house:
        answer = await called(house)

    assert answer.startswith("200")
    assert '"subject": "admin"' in answer


async def test_a_child_that_was_given_a_key_may_use_it(house):
    """Then it acts as that service account, and never as the admin."""
    issued = await house.key()

    answer = await called(house, f"Bearer {issued.text}")

    assert answer.startswith("200")
    assert '"subject": "bot"' in answer


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
async def test_another_user_of_the_machine_is_a_principal_of_its_own(tmp_path):
    """With the roles of newcomers."""
    tmp_path.chmod(0o755)
    become_nobody = f"import os; os.chdir({str(tmp_path)!r}); os.setuid(65534)\n"
    async with a_house(tmp_path, daemon=2**22 + 1) as house:
        (tmp_path / "s").chmod(0o666)
        house.path = "s"  # its folder lies in one that only root may enter
        answer = await called(house, script=CALL.replace("class Over", become_nobody + "class Over"))

    assert answer.startswith("200")
    assert '"subject": "local:nobody"' in answer


async def test_a_header_that_cannot_be_parsed_is_not_logged(house, caplog):
    """aiohttp writes it whole into its error log; the filter blanks it there."""
    be_discreet()
    be_discreet()
    with caplog.at_level(logging.DEBUG):
        reader, writer = await asyncio.open_unix_connection(house.path)
        writer.write(b"GET /whoami HTTP/1.1\r\nHost: flux\r\nAuthorization: Bearer flux_se\x01cret-part\r\n\r\n")
        answer = await reader.read(100)
        writer.close()
        await writer.wait_closed()

    assert b"400" in answer
    assert "Authorization" in caplog.text
    assert "cret-part" not in caplog.text
    assert "flux_se" not in caplog.text
