"""From credentials to callers."""

import asyncio
import json

import pytest

from flux.core.keys import compose
from flux.core.principal import ADMIN, Method
from flux.engine import audit as chain
from flux.engine import keys, principals
from flux.engine.authenticator import MESSAGE, SEEN_EVERY, Authenticator, LocalUser
from flux.engine.failures import LIMIT
from flux.engine.keys import NewKey
from flux.engine.principals import NewServiceAccount
from flux.errors import Busy, Denied, Unauthenticated
from flux.store import audit
from flux.store import keys as key_rows
from flux.store.database import Database
from tests.engine.desk import Desk
from tests.records import THE_ADMIN

PEPPER = b"p" * 32
ALICE = LocalUser(uid=4_001, pid=77, name="alice")
OWN_UID = 4_000


@pytest.fixture
def desk():
    """An engine in this loop."""
    return Desk.over(Database.in_memory())


@pytest.fixture
def doorkeeper(desk):
    """Knows user 4000 as the daemon's own."""
    return Authenticator(desk.gate, PEPPER, own_uid=OWN_UID)


async def a_key(desk, **options):
    """A key of the service account `bot`, made at need."""
    if desk.gate.live.permissions.find("flux", "bot") is None:
        wish = NewServiceAccount(name="bot", caller=THE_ADMIN, roles=("viewer",))
        await desk.gate.write(principals.create_service_account, wish)
    return await desk.gate.write(keys.create, PEPPER, NewKey(account="bot", caller=THE_ADMIN, **options))


def entries(desk, action):
    """What the audit says about one kind of action."""
    return [found.entry for found in audit.everything(desk.database.reader) if found.entry.action == action]


@pytest.mark.parametrize("uid", [0, OWN_UID], ids=["root", "the daemon's own user"])
async def test_root_and_our_own_user_are_the_admin(doorkeeper, uid):
    """Zero configuration."""
    caller = await doorkeeper.by_user(LocalUser(uid=uid, pid=5, name="whoever"), "r1")

    assert caller.principal.id == ADMIN.id
    assert (caller.method, caller.peer, caller.request_id) == (Method.PEER, f"uid {uid} pid 5", "r1")


async def test_another_user_becomes_a_principal_of_its_own_once(desk, doorkeeper):
    """However many of its requests come at once."""
    callers = await asyncio.gather(*(doorkeeper.by_user(ALICE, f"r{n}") for n in range(20)))

    assert {caller.principal.id for caller in callers} == {callers[0].principal.id}
    assert callers[0].principal.subject == "local:alice"
    assert callers[0].principal.roles == ("viewer",)
    assert len(entries(desk, "principal.provision")) == 1


async def test_users_are_refused_where_newcomers_get_no_roles(desk):
    """And nothing is left behind."""
    strict = Authenticator(desk.gate, PEPPER, own_uid=OWN_UID, newcomer_roles=())

    with pytest.raises(Unauthenticated):
        await strict.by_user(ALICE, "r1")

    assert desk.gate.live.permissions.find("local", "local:alice") is None


async def test_a_disabled_user_is_refused_at_his_next_request(desk, doorkeeper):
    """Nothing about him is remembered."""
    caller = await doorkeeper.by_user(ALICE, "r1")
    await desk.gate.write(principals.disable, caller.principal.id, THE_ADMIN)

    with pytest.raises(Unauthenticated):
        await doorkeeper.by_user(ALICE, "r2")


async def test_a_key_makes_its_service_account_the_caller(desk, doorkeeper):
    """With what the key is narrowed to."""
    issued = await a_key(desk, permissions=("workflow:a:*:read",))

    caller = await doorkeeper.by_key(issued.text, "127.0.0.1", "r1")

    assert (caller.principal.subject, caller.method, caller.credential) == ("bot", Method.KEY, issued.key.id)
    assert caller.narrowing is not None
    assert caller.narrowing.permissions == {"workflow:a:*:read"}


async def _revoke(desk, issued):
    await desk.gate.write(keys.revoke, issued.key.id, THE_ADMIN)


async def _expire(desk, issued):
    desk.clock.advance(60_000)


async def _disable(desk, issued):
    await desk.gate.write(principals.disable, "bot", THE_ADMIN)


@pytest.mark.parametrize(
    ("end", "reason"),
    [(_revoke, "revoked key"), (_expire, "expired key"), (_disable, "bot is disabled")],
    ids=["revoked", "expired", "principal disabled"],
)
async def test_a_key_does_not_outlive_its_end_by_one_request(desk, doorkeeper, end, reason):
    """It opened a moment ago, and does not any more; the audit knows why."""
    issued = await a_key(desk, expires_in=60_000)
    await doorkeeper.by_key(issued.text, "127.0.0.1", "r1")

    await end(desk, issued)

    with pytest.raises(Unauthenticated):
        await doorkeeper.by_key(issued.text, "127.0.0.1", "r2")
    (entry,) = entries(desk, "auth.fail")
    assert json.loads(entry.after) == {"reason": reason, "count": 1}
    assert entry.object == f"key:{issued.key.prefix}"


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", compose(b"x" * 32), "flux_\x00\x01", "flux_" + "é" * 49, "A" * 100_000],
    ids=["empty", "nonsense", "well formed", "control characters", "not ascii", "long"],
)
async def test_every_wrong_key_gets_the_same_answer(desk, doorkeeper, text):
    """And what is written about it is short and harmless."""
    with pytest.raises(Unauthenticated) as refused:
        await doorkeeper.by_key(text, "127.0.0.1", "r1")

    assert (str(refused.value), refused.value.facts) == (MESSAGE, {})
    (entry,) = entries(desk, "auth.fail")
    assert len(entry.object) <= 17
    assert (entry.outcome, entry.peer, entry.request_id) == ("failed", "127.0.0.1", "r1")


async def test_too_many_failures_get_another_answer_but_never_hinder_a_right_key(desk, doorkeeper):
    """All users of one machine may share an address."""
    issued = await a_key(desk)
    for _ in range(LIMIT):
        with pytest.raises(Unauthenticated):
            await doorkeeper.by_key("wrong", "127.0.0.1", "r")
    with pytest.raises(Busy) as busy:
        await doorkeeper.by_key("wrong", "127.0.0.1", "r")

    assert busy.value.facts["retry_after"] == 60
    assert (await doorkeeper.by_key(issued.text, "127.0.0.1", "r")).principal.subject == "bot"


async def test_a_flood_of_wrong_keys_writes_little(desk, doorkeeper):
    """Ten entries, then one at every doubling."""
    for _ in range(100):
        with pytest.raises((Unauthenticated, Busy)):
            await doorkeeper.by_key("wrong", "127.0.0.1", "r")

    assert len(entries(desk, "auth.fail")) == LIMIT + 3
    assert chain.verify(desk.database.reader).holds


async def test_failures_of_a_user_are_counted_over_all_his_processes(doorkeeper):
    """A new process for each attempt changes nothing."""
    for pid in range(LIMIT):
        with pytest.raises(Unauthenticated):
            await doorkeeper.refuse("no reason", f"uid 5 pid {pid}", "r")

    with pytest.raises(Busy):
        await doorkeeper.refuse("no reason", "uid 5 pid 99", "r")


async def test_visits_are_noted_once_a_minute(desk, doorkeeper):
    """A commit for each request would be too much, a day too coarse."""
    issued = await a_key(desk)
    begin = desk.clock.now()

    async def visit_after(milliseconds):
        desk.clock.advance(milliseconds)
        await doorkeeper.by_key(issued.text, "127.0.0.1", "r")
        (found,) = key_rows.everything(desk.database.reader)
        return found.last_used_at

    assert await visit_after(0) == begin
    assert await visit_after(SEEN_EVERY - 1) == begin
    assert await visit_after(1) == begin + SEEN_EVERY
    assert principals.get(desk.database.reader, "bot").last_seen_at == begin + SEEN_EVERY


async def test_denials_are_told_with_what_was_missing(desk, doorkeeper):
    """Not every one of a flood."""
    caller = await doorkeeper.by_user(ALICE, "r1")
    for _ in range(LIMIT + 1):
        await doorkeeper.note_denied(caller, "POST /x", Denied("no", missing_permissions=["a:b"]))

    found = entries(desk, "request")

    assert len(found) == LIMIT
    assert (found[0].actor, found[0].object, found[0].outcome) == ("local:alice", "POST /x", "denied")
    assert json.loads(found[0].after)["missing_permissions"] == ["a:b"]
