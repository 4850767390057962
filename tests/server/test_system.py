"""What the daemon says about itself."""

import os

import pytest


async def get(site, path, status=200):
    """The JSON of an answer."""
    async with site.session.get(path) as response:
        assert response.status == status
        return await response.json(content_type=None)


async def test_info_says_what_answers(site):
    """Clients of other versions look at api and features."""
    found = await get(site, "/info")

    assert (found["name"], found["version"], found["api"], found["pid"]) == ("fluxd", "9.9", 1, os.getpid())
    assert "batch" in found["features"]


async def test_it_lives_and_is_ready(site):
    """Two questions: whether to restart it, and whether to send requests."""
    assert await get(site, "/livez") == {"alive": True}
    assert await get(site, "/readyz") == {"ready": True}


async def test_a_daemon_that_is_not_ready_says_why(site):
    """503, and it lives."""
    site.unready = "the daemon starts"

    problem = await get(site, "/readyz", 503)
    assert (problem["code"], problem["detail"], problem["retryable"]) == ("not_ready", "the daemon starts", True)
    assert await get(site, "/livez") == {"alive": True}


async def test_a_daemon_that_stops_is_not_ready(site):
    """A load balancer sends nothing more while it drains."""
    site.hub.close()

    assert (await get(site, "/readyz", 503))["detail"] == "the daemon stops"


async def test_stats_count(site):
    """Executions by state, workers, the log, and what was written."""
    done = await site.desk.submit()
    await site.complete(done.id)
    await site.desk.submit()

    found = await get(site, "/stats")

    assert found["states"] == {"COMPLETED": 1, "QUEUED": 1}
    assert found["workers"] == [{"id": "w1"}]
    assert found["position"] == 4
    assert found["written"]["events"] == 4
    assert found["written"]["commits"] >= 4


@pytest.mark.parametrize("roles", [("viewer",), ("operator",)])
async def test_whoami_shows_the_principal(make_site, roles):
    """By whatever way it came."""
    site = await make_site()
    key, account = await site.key(roles=roles)

    async with site.session.get("/auth/whoami", headers={"Authorization": f"Bearer {key}"}) as response:
        found = await response.json()

    assert (found["id"], found["subject"], found["type"]) == (account, "bot", "service_account")
    assert found["roles"] == list(roles)
