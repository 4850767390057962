"""Where the server listens, and where it refuses to."""

import asyncio
import socket

import aiohttp
import pytest

from flux.errors import Conflict, InvalidConfiguration
from flux.server.listen import parse, refuse_exposure


@pytest.mark.parametrize(
    ("text", "found"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:8377", ("::1", 8377)), ("localhost:0", ("localhost", 0))],
)
def test_an_address_is_host_and_port(text, found):
    """IPv6 in brackets, as in URLs."""
    assert parse(text) == found


@pytest.mark.parametrize("text", ["", "8377", ":8377", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999", "localhost"])
def test_what_is_no_address_is_refused(text):
    """A bare port could mean every interface: it is not guessed."""
    with pytest.raises(InvalidConfiguration, match="host:port"):
        parse(text)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_tls(host):
    """Nobody else can read along."""
    refuse_exposure(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_beyond_loopback_there_is_nothing_without_tls(host):
    """Credentials in clear text over a network would be worse than no API there."""
    with pytest.raises(InvalidConfiguration, match="no TLS"):
        refuse_exposure(host)


async def test_a_network_address_is_refused_before_anything_is_opened(make_site):
    """Not even the socket."""
    with pytest.raises(InvalidConfiguration, match="no TLS"):
        await make_site(tcp="0.0.0.0:0")


async def test_tcp_wants_a_key_and_the_socket_does_not(make_site):
    """The same API on both; who is calling is found out differently."""
    site = await make_site(tcp="127.0.0.1:0")
    key, _ = await site.key(roles=("operator",))
    url = f"http://127.0.0.1:{site.server.port}/auth/whoami"

    async with aiohttp.ClientSession() as session:
        async with session.get(url) as response:
            refused = await response.json(content_type=None)
        async with session.get(url, headers={"Authorization": f"Bearer {key}"}) as response:
            known = await response.json()
    async with site.session.get("/auth/whoami") as response:
        local = await response.json()

    assert (refused["status"], refused["code"]) == (401, "unauthenticated")
    assert (known["subject"], known["method"]) == ("bot", "key")
    assert (local["subject"], local["method"]) == ("admin", "peer")


async def test_health_may_be_asked_by_anybody(make_site):
    """A probe has no key."""
    site = await make_site(tcp="127.0.0.1:0")
    async with aiohttp.ClientSession(f"http://127.0.0.1:{site.server.port}") as session:
        for path in ("/livez", "/readyz"):
            async with session.get(path) as response:
                assert response.status == 200
        async with session.get("/info") as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_a_port_that_is_taken_is_a_conflict_and_leaves_nothing_open(make_site, short):
    """The socket that was already bound is removed again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(Conflict, match="cannot listen on"):
            await make_site(tcp=f"127.0.0.1:{taken.getsockname()[1]}")

    assert not list(short.iterdir())


async def test_a_server_that_closes_lets_requests_end(site):
    """A wait is answered 202, with where to ask again; new connections are refused."""
    asking = asyncio.create_task(site.session.post("/workflows/default/work/run/sync", json=1))
    await site.until(lambda: len(site.waits) == 1)
    await site.server.close(5)

    async with await asking as response:
        body = await response.json()
    assert (response.status, response.headers["Retry-After"]) == (202, "1")
    assert body["state"] == "QUEUED"
    with pytest.raises(aiohttp.ClientConnectorError):
        await site.session.get("/livez")


async def test_readers_that_never_read_hold_up_nobody(make_site):
    """A commit does not wait for clients, and what waits for them is bounded."""
    site = await make_site(queue=50)
    request = b"GET /events?after=0 HTTP/1.1\r\nHost: x\r\n\r\n"
    stuck = [await asyncio.open_unix_connection(site.server.socket_path, limit=1) for _ in range(20)]
    for _, writer in stuck:
        writer.write(request)
    await site.until(lambda: len(site.hub) == 20)

    for _ in range(300):
        await site.complete((await site.desk.submit()).id)

    assert site.desk.gate.counters.commits >= 900
    async with site.session.get("/livez") as response:
        assert response.status == 200
    for _, writer in stuck:
        writer.close()
        await writer.wait_closed()
    await site.until(lambda: len(site.hub) == 0)
