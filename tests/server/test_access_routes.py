"""Principals, roles and keys over HTTP."""

import pytest

from flux.core.audit import OK
from flux.store import audit


async def asked(site, method, path, body=None, key=None):
    """Status and document of one request."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with site.session.request(method, path, json=body, headers=headers) as response:
        return response.status, await response.json()


async def made(site, path, body):
    """The document of something that was made."""
    status, document = await asked(site, "POST", path, body)
    assert status == 201, document
    return document


@pytest.fixture
async def bot(site):
    """A service account that may run things, and a key of it."""
    await made(site, "/admin/principals", {"name": "bot", "roles": ["operator"], "metadata": {"team": "a"}})
    return await made(site, "/admin/keys", {"account": "bot", "name": "ci", "expires_in": "30d"})


async def test_from_nothing_to_a_first_request_with_a_key(site, bot):
    """What somebody does who switches TCP on: an account, a key, a request with it."""
    status, found = await asked(site, "GET", "/auth/whoami", key=bot["key"])

    assert (status, found["subject"], found["method"]) == (200, "bot", "key")
    assert bot["state"] == "good"
    assert bot["expires_at"] is not None


async def test_the_key_is_in_the_answer_that_made_it_and_in_no_other(site, bot):
    """Lists show what is known of it."""
    _, found = await asked(site, "GET", "/admin/keys?account=bot")

    (shown,) = found["items"]
    assert "key" not in shown
    assert (shown["id"], shown["account"], shown["prefix"]) == (bot["id"], "bot", bot["key"][:13])


async def test_a_rotated_key_leaves_the_old_one_for_the_overlap(site, bot):
    """Then the old one is refused."""
    new = await made(site, f"/admin/keys/{bot['id']}/rotate", {"overlap": 60})

    _, listed = await asked(site, "GET", "/admin/keys")
    assert [one["state"] for one in listed["items"]] == ["replaced", "good"]
    assert (await asked(site, "GET", "/auth/whoami", key=bot["key"]))[0] == 200

    site.desk.clock.advance(60_000)
    assert (await asked(site, "GET", "/auth/whoami", key=bot["key"]))[0] == 401
    assert (await asked(site, "GET", "/auth/whoami", key=new["key"]))[0] == 200


async def test_a_revoked_key_is_refused(site, bot):
    """From the next request on."""
    status, found = await asked(site, "POST", f"/admin/keys/{bot['id']}/revoke")

    assert (status, found["state"]) == (200, "revoked")
    assert (await asked(site, "GET", "/auth/whoami", key=bot["key"]))[0] == 401


async def test_a_disabled_account_is_refused_until_it_is_enabled(site, bot):
    """Its key comes back with it."""
    status, found = await asked(site, "POST", "/admin/principals/bot/disable")
    assert (status, found["enabled"]) == (200, False)
    assert (await asked(site, "GET", "/auth/whoami", key=bot["key"]))[0] == 401

    await asked(site, "POST", "/admin/principals/bot/enable")
    assert (await asked(site, "GET", "/auth/whoami", key=bot["key"]))[0] == 200


async def test_roles_are_made_given_and_taken(site, bot):
    """A role of one's own, beside the built-in ones."""
    role = await made(site, "/admin/roles", {"name": "auditor", "permissions": ["admin:audit:read"]})
    assert role == {"name": "auditor", "permissions": ["admin:audit:read"], "built_in": False}
    _, listed = await asked(site, "GET", "/admin/roles")
    assert [one["name"] for one in listed["items"]] == ["admin", "auditor", "author", "operator", "viewer"]

    _, given = await asked(site, "POST", "/admin/principals/bot/roles", {"role": "auditor"})
    _, taken = await asked(site, "DELETE", "/admin/principals/bot/roles/operator")

    assert given["roles"] == ["auditor", "operator"]
    assert taken["roles"] == ["auditor"]


async def test_principals_are_listed_and_shown(site, bot):
    """By id or by subject."""
    _, listed = await asked(site, "GET", "/admin/principals")
    by_subject = await asked(site, "GET", "/admin/principals/bot")
    by_id = await asked(site, "GET", f"/admin/principals/{by_subject[1]['id']}")

    assert [one["subject"] for one in listed["items"]] == ["admin", "bot"]
    assert by_subject == by_id
    assert by_subject[1]["metadata"] == {"team": "a"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/admin/principals", {"name": "Bot!"}, 400, "invalid"),
        ("POST", "/admin/principals", {"name": "bot"}, 409, "conflict"),
        ("POST", "/admin/principals", {"name": "x", "roles": ["king"]}, 400, "invalid"),
        ("POST", "/admin/principals", {"name": "x", "role": ["viewer"]}, 400, "invalid"),
        ("POST", "/admin/keys", {"account": "bot", "expires_in": 0}, 400, "invalid"),
        ("POST", "/admin/keys", {"account": "bot", "permissions": ["a::b"]}, 400, "invalid_permission"),
        ("POST", "/admin/keys", {"account": "admin"}, 400, "invalid"),
        ("POST", "/admin/keys", {"account": "nobody"}, 404, "not_found"),
        ("POST", "/admin/keys/01X/revoke", None, 404, "not_found"),
        ("POST", "/admin/principals/nobody/disable", None, 404, "not_found"),
        ("POST", "/admin/principals/admin/disable", None, 409, "wrong_state"),
        ("DELETE", "/admin/principals/admin/roles/admin", None, 409, "wrong_state"),
        ("GET", "/admin/principals/nobody", None, 404, "not_found"),
    ],
)
async def test_what_cannot_be_done_is_a_problem_in_our_words(site, bot, method, path, body, status, code):
    """Never SQL, and never half done."""
    answer, problem = await asked(site, method, path, body)

    assert (answer, problem["code"]) == (status, code)
    assert "SQL" not in problem["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/admin/principals", None),
        ("GET", "/admin/principals/bot", None),
        ("POST", "/admin/principals", {"name": "x"}),
        ("POST", "/admin/principals/bot/enable", None),
        ("POST", "/admin/principals/bot/disable", None),
        ("POST", "/admin/principals/bot/roles", {"role": "admin"}),
        ("DELETE", "/admin/principals/bot/roles/operator", None),
        ("GET", "/admin/roles", None),
        ("POST", "/admin/roles", {"name": "x", "permissions": []}),
        ("GET", "/admin/keys", None),
        ("POST", "/admin/keys", {"account": "bot"}),
        ("POST", "/admin/keys/01X/rotate", {}),
        ("POST", "/admin/keys/01X/revoke", None),
    ],
)
async def test_an_operator_manages_no_access(site, bot, method, path, body):
    """Running things is one matter, saying who may is another. The attempt is audited."""
    status, problem = await asked(site, method, path, body, key=bot["key"])

    assert (status, problem["code"]) == (403, "denied")
    assert problem["missing_permissions"][0].startswith("admin:")
    last = list(audit.everything(site.desk.database.reader))[-1].entry
    assert (last.actor, last.outcome, last.object) == ("bot", "denied", f"{method} {path}")


async def test_every_change_is_audited_with_the_id_of_its_request(site, bot):
    """So that an answer and an entry can be brought together."""
    async with site.session.post("/admin/principals/bot/disable") as response:
        request_id = response.headers["X-Request-Id"]

    last = list(audit.everything(site.desk.database.reader))[-1].entry

    assert (last.action, last.outcome, last.request_id) == ("principal.disable", OK, request_id)
