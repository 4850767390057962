"""What can be run, its source, its versions."""

import json

import pytest

from flux.core.catalog import Source
from flux.engine import catalog
from flux.engine.catalog import Found, Registration
from flux.store.catalog import LoadError
from tests.engine.desk import CALLER

ABOUT = json.dumps({"doc": "Pays.", "line": 12, "input_schema": {"type": "object"}})


async def get(site, path, status=200):
    """The JSON of an answer."""
    async with site.session.get(path) as response:
        assert response.status == status, await response.text()
        return await response.json(content_type=None)


async def register(site, digest, body=b"# one", name="pay"):
    """A version of `shop/pay` in the file shop/pay.py."""
    source = Source(digest=digest, entry="pay.py", root="/w/shop", files={"pay.py": body, "lib.py": b"\xff"})
    found = Found(namespace="shop", name=name, tasks=("charge",), about=ABOUT)
    registration = Registration(path="/w/shop/pay.py", source=source, workflows=(found,))
    return await site.desk.gate.write(catalog.register, registration, CALLER)


async def test_all_workflows_with_what_is_known_of_them(site):
    """By name; what the inspector saw stands beside."""
    await register(site, "p1")

    found = await get(site, "/workflows")

    assert [item["ref"] for item in found["items"]] == ["default/work", "shop/pay"]
    pay = found["items"][1]
    assert (pay["namespace"], pay["name"], pay["version"], pay["digest"]) == ("shop", "pay", 1, "p1")
    assert (pay["file"], pay["line"], pay["doc"], pay["tasks"]) == ("/w/shop/pay.py", 12, "Pays.", ["charge"])
    assert pay["input_schema"] == {"type": "object"}
    assert (pay["error"], found["load_errors"]) == (None, [])


async def test_a_file_that_does_not_load_shows_beside_what_still_serves(site):
    """The last good version goes on; the error names file and line."""
    await register(site, "p1")
    error = LoadError("/w/shop/pay.py", "p2", "SyntaxError", "invalid syntax", 7, 1)
    await site.desk.gate.write(catalog.failed, error)

    found = await get(site, "/workflows")
    one = await get(site, "/workflows/shop/pay")

    expected = {"file": "/w/shop/pay.py", "line": 7, "type": "SyntaxError", "message": "invalid syntax"}
    assert found["load_errors"] == [expected]
    assert one["error"] == expected
    assert one["version"] == 1


async def test_the_source_of_the_current_version_and_of_an_older_one(site):
    """What an execution is pinned to can always be read."""
    await register(site, "p1", b"# one")
    await register(site, "p2", b"# two")

    now = await get(site, "/workflows/shop/pay/source")
    before = await get(site, "/workflows/shop/pay/source?version=1")

    assert (now["version"], now["entry"], now["files"]["pay.py"]) == (2, "pay.py", "# two")
    assert before["files"]["pay.py"] == "# one"
    assert before["files"]["lib.py"] == "\N{REPLACEMENT CHARACTER}"


async def test_versions_newest_first(site):
    """The one that new executions get is marked."""
    await register(site, "p1")
    await register(site, "p2")

    found = await get(site, "/workflows/shop/pay/versions")

    assert [(one["version"], one["digest"], one["current"]) for one in found["items"]] == [
        (2, "p2", True),
        (1, "p1", False),
    ]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/workflows/shop/none", 404),
        ("/workflows/shop/none/source", 404),
        ("/workflows/shop/none/versions", 404),
        ("/workflows/default/work/source?version=9", 404),
        ("/workflows/default/work/source?version=x", 400),
    ],
)
async def test_what_is_not_there(site, path, status):
    """404 names what is missing."""
    assert (await get(site, path, status))["detail"]


async def test_an_older_version_can_be_run(site):
    """By its number."""
    await register(site, "p1")
    await register(site, "p2")

    async with site.session.post("/workflows/shop/pay/run?version=1") as response:
        made = await response.json()

    assert site.desk.execution(made["execution_id"]).version == "p1"
