"""The blocking client for managing access, against a server in this process."""

import asyncio

import pytest

from flux.client.access import AccessClient
from flux.errors import NotFound
from flux.store.database import Database
from tests.engine.desk import Desk
from tests.server.site import Site


@pytest.fixture
async def path(tmp_path):
    """Where a server listens."""
    site = await Site.open(Desk.over(Database.in_memory()), tmp_path / "s")
    yield tmp_path / "s"
    await site.close()


def manage(client):
    """Everything that the client can do, once, in an order in which it is possible."""
    role = client.make_role("runner-1", ["workflow:*:*:run"], about="may run")
    made = client.make_service_account("bot", roles=["viewer"], metadata={"team": "a"})
    client.grant("bot", role["name"])
    client.revoke(made["id"], "viewer")
    client.disable("bot")
    client.enable("bot")
    first = client.make_key("bot", name="ci", expires_in=60.5, permissions=["workflow:a:*:run"])
    second = client.rotate_key(first["id"], overlap="10s")
    client.revoke_key(first["id"])
    return made, first, second


async def test_what_was_asked_for_is_so_afterwards(path):
    """Each method is one route; the lists show what they did."""
    with AccessClient(f"unix:{path}") as client:
        made, first, second = await asyncio.to_thread(manage, client)
        bot = await asyncio.to_thread(client.principal, "bot")
        everyone = await asyncio.to_thread(client.principals)
        keys = await asyncio.to_thread(client.keys, "bot")
        roles = await asyncio.to_thread(client.roles)

    assert [one["subject"] for one in everyone] == ["admin", "bot"]
    assert (bot["id"], bot["roles"], bot["enabled"], bot["metadata"]) == (made["id"], ["runner-1"], True, {"team": "a"})
    assert [(one["id"], one["state"]) for one in keys] == [(first["id"], "revoked"), (second["id"], "good")]
    assert keys[1]["permissions"] == ["workflow:a:*:run"]
    assert "runner-1" in [one["name"] for one in roles]


async def test_a_refusal_is_raised_as_the_error_it_is(path):
    """Also where a name holds what means something in a path."""
    with AccessClient(f"unix:{path}") as client:
        with pytest.raises(NotFound, match="no principal a/b"):
            await asyncio.to_thread(client.principal, "a/b")
