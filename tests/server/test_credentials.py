"""Every route with no, wrong and too weak credentials."""

import asyncio

import aiohttp
import pytest

from flux.engine import roles
from flux.engine.roles import NewRole
from flux.server.app import TABLE
from tests.records import THE_ADMIN

OPEN = {"/livez", "/readyz"}
ROUTES = [(route.method, route.path) for route, _ in TABLE if route.path not in OPEN]
FILLING = {"namespace": "default", "name": "work", "id": "0" * 26, "slug": "denied", "role": "viewer"}
LINE = aiohttp.BytesPayload(b"1", content_type="application/x-ndjson")
CHANGING = [(method, path) for method, path in ROUTES if method != "GET"]


async def request(site, method, path, headers):
    """Status and document of an answer over TCP."""
    url = f"http://127.0.0.1:{site.server.port}{path.format(**FILLING)}"
    headers = {**headers, "Content-Type": "application/json"}
    data = b"1" if method == "POST" and "/run" in path else None
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers, data=data) as response:
        return response.status, await response.json(content_type=None)


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=lambda value: str(value))
async def test_without_credentials_there_is_one_answer(make_site, method, path):
    """401, the same body for every route and every reason, and nothing is done."""
    site = await make_site(tcp="127.0.0.1:0")
    bodies = []
    for headers in ({}, {"Authorization": "Bearer flux_" + "x" * 47}, {"Authorization": "Basic YTpi"}):
        status, body = await request(site, method, path, headers)
        assert status == 401
        body.pop("request_id")
        bodies.append(body)

    assert bodies[0] == bodies[1] == bodies[2]
    assert not site.desk.gate.live.executions


@pytest.mark.parametrize(("method", "path"), CHANGING, ids=lambda value: str(value))
async def test_a_viewer_changes_nothing(make_site, method, path):
    """Whatever a viewer sends, it is refused, and nothing of it is done."""
    site = await make_site(tcp="127.0.0.1:0")
    execution = await site.desk.submit()
    await site.pause(execution.id)
    before = site.desk.execution(execution.id)
    key, _ = await site.key(roles=("viewer",))
    filled = path.replace("{id}", execution.id) if path.startswith("/executions") else path

    status, _ = await request(site, method, filled, {"Authorization": f"Bearer {key}"})

    assert status in (400, 403, 404, 415)
    assert site.desk.execution(execution.id) == before
    assert len(site.desk.gate.live.executions) == 1


async def test_who_may_run_but_not_read_gets_his_answer_and_no_other(site):
    """The outcome of what one started belongs to the answer; executions of others, and later looks, do not."""
    wish = NewRole(name="caller", permissions=("workflow:default:work:run",), caller=THE_ADMIN)
    await site.desk.gate.write(roles.create, wish)
    key, _ = await site.key(roles=("caller",))
    headers = {"Authorization": f"Bearer {key}"}
    asking = asyncio.create_task(site.session.post("/workflows/default/work/run/sync", headers=headers))
    execution = await site.submitted.get()
    await site.complete(execution.id, b"7")

    async with await asking as response:
        assert (await response.json())["output"] == 7
    async with site.session.post("/workflows/default/work/run/batch", headers=headers, data=LINE) as response:
        assert "execution_id" in await response.text()
    async with site.session.get(f"/executions/{execution.id}", headers=headers) as response:
        assert response.status == 404
    async with site.session.get("/executions", headers=headers) as response:
        assert (await response.json())["items"] == []
    async with site.session.post("/workflows/default/work/run/stream", headers=headers) as response:
        assert response.status == 404
