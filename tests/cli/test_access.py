"""`flux principals` and `flux keys`, against a server in this process."""

import asyncio
import json

import pytest

from flux.cli.exits import ExitCode
from flux.cli.main import run
from flux.store.database import Database
from tests.engine.desk import Desk
from tests.server.site import Site


@pytest.fixture
async def site(tmp_path, monkeypatch):
    """A server, and an environment that names it."""
    path = tmp_path / "s"
    site = await Site.open(Desk.over(Database.in_memory()), path)
    monkeypatch.setenv("FLUX_URL", f"unix:{path}")
    for name in ("FLUX_TOKEN", "FLUX_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    yield site
    await site.close()


@pytest.fixture
def flux(site, capsys):
    """Runs a command beside the loop; its code, stdout and stderr."""

    async def command(*arguments):
        code = await asyncio.to_thread(run, "flux", arguments)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return command


async def test_an_account_and_a_key_are_made_and_the_key_alone_is_on_stdout(flux, site):
    """So that `flux keys create bot > key` makes a file that FLUX_TOKEN_FILE can name."""
    code, made, words = await flux("principals", "create", "bot", "--role", "viewer")
    assert (code, len(made.strip())) == (ExitCode.OK, 26)
    assert "bot (service_account) is enabled, roles: viewer" in words

    code, key, words = await flux("keys", "create", "bot", "--name", "ci", "--expires-in", "30d")

    assert (code, key.count("\n")) == (ExitCode.OK, 1)
    assert key.startswith("flux_")
    assert "shown only now" in words
    headers = {"Authorization": f"Bearer {key.strip()}"}
    async with site.session.get("/auth/whoami", headers=headers) as response:
        assert (await response.json())["subject"] == "bot"


async def test_keys_are_listed_replaced_and_revoked(flux):
    """Each by its id; the list never holds a key."""
    await flux("principals", "create", "bot")
    _, first, _ = await flux("keys", "create", "bot")
    _, ids, _ = await flux("keys", "list", "bot", "-o", "id")
    _, second, _ = await flux("keys", "rotate", ids.strip(), "--overlap", "1h")
    _, _, words = await flux("keys", "revoke", ids.strip())

    _, listed, _ = await flux("keys", "list", "--json")

    assert "opens nothing any more" in words
    assert [one["state"] for one in json.loads(listed)] == ["revoked", "good"]
    assert first.strip() not in listed
    assert second.strip() not in listed


async def test_roles_are_given_and_taken_and_principals_switched(flux):
    """Every command says what the principal is afterwards."""
    await flux("principals", "create", "bot")

    words = [
        (await flux("principals", *step))[2].strip()
        for step in (("grant", "bot", "operator"), ("revoke", "bot", "operator"), ("disable", "bot"), ("enable", "bot"))
    ]

    assert words == [
        "bot (service_account) is enabled, roles: operator",
        "bot (service_account) is enabled, roles: none",
        "bot (service_account) is disabled, roles: none",
        "bot (service_account) is enabled, roles: none",
    ]


async def test_principals_are_listed_and_shown(flux):
    """The admin is always there."""
    _, listed, _ = await flux("principals", "list")
    _, shown, _ = await flux("principals", "show", "admin")

    assert listed.splitlines()[1].split("\t")[1:3] == ["admin", "user"]
    assert json.loads(shown)["roles"] == ["admin"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("keys", "create", "nobody"), ExitCode.NOT_FOUND, "there is no principal nobody"),
        (("keys", "create", "admin"), ExitCode.USAGE, "no service account"),
        (("keys", "revoke", "01X"), ExitCode.NOT_FOUND, "there is no key 01X"),
        (("principals", "create", "Bot"), ExitCode.USAGE, "a service account is named"),
        (("principals", "disable", "admin"), ExitCode.CONFLICT, "the last active admin"),
    ],
    ids=["unknown account", "a user", "unknown key", "impossible name", "the last admin"],
)
async def test_what_cannot_be_done_is_said_with_its_code(flux, arguments, code, words):
    """The daemon's words, nothing on stdout."""
    found, out, err = await flux(*arguments)

    assert (found, out) == (code, "")
    assert words in err
