"""API keys as use cases."""

import json
from base64 import urlsafe_b64decode

import pytest

from flux.core.keys import compose, is_well_formed
from flux.engine import keys, principals
from flux.engine.keys import MAX_OVERLAP, IssuedKey, NewKey
from flux.errors import Denied, Invalid, InvalidPermission, NotFound, WrongState
from flux.store import audit
from tests.records import NOW, THE_ADMIN, Records, a_caller

PEPPER = b"p" * 32
DAY = 86_400_000


@pytest.fixture
def records():
    """A database with a service account `bot` that may read everything."""
    records = Records()
    records.a_service_account("viewer")
    return records


def issue(records: Records, **options: object) -> IssuedKey:
    """A new key of `bot`."""
    wish = NewKey(**{"account": "bot", "caller": THE_ADMIN, **options})  # type: ignore[arg-type]  # a builder
    return records.write(keys.create, PEPPER, wish)


def opens(records: Records, text: str) -> bool:
    """Whether the key is known and good."""
    found = records.read(keys.owner, PEPPER, text)
    return found is not None and found[0].is_good(records.now)


def test_a_new_key_opens_for_its_service_account(records):
    """The text is given once; what is kept finds its owner again."""
    issued = issue(records, name="ci")

    found = records.read(keys.owner, PEPPER, issued.text)

    assert is_well_formed(issued.text)
    assert found is not None
    assert found[0] == issued.key
    assert found[1].subject == "bot"
    assert (issued.key.name, issued.key.created_at, issued.key.expires_at) == ("ci", NOW, None)


def test_the_key_itself_is_kept_nowhere(records):
    """Not in a row, not in the audit, not in a representation."""
    issued = issue(records, name="ci")
    secret = issued.text[len(issued.key.prefix) :]

    rows = records.reader.all("SELECT * FROM api_keys") + records.reader.all("SELECT * FROM audit")

    assert secret not in repr(rows)
    assert secret not in repr(issued)


@pytest.mark.parametrize(
    "change",
    [lambda text: compose(b"x" * 32), lambda text: text[:-1], lambda text: text.upper(), lambda text: ""],
    ids=["another key", "cut", "upper case", "nothing"],
)
def test_a_wrong_key_belongs_to_nobody(records, change):
    """Every kind of wrong looks the same."""
    issued = issue(records)

    assert records.read(keys.owner, PEPPER, change(issued.text)) is None


def test_a_right_prefix_with_a_wrong_rest_belongs_to_nobody(records):
    """The prefix only finds; the keyed hash proves."""
    issued = issue(records)
    secret = bytearray(urlsafe_b64decode(issued.text[5:48] + "="))
    secret[-1] ^= 1
    other = compose(bytes(secret))

    assert other.startswith(issued.key.prefix)
    assert records.read(keys.owner, PEPPER, other) is None


def test_hashes_are_keyed(records):
    """Who has the file but not the master key cannot even check a guess."""
    issued = issue(records)

    assert records.read(keys.owner, b"q" * 32, issued.text) is None


def test_a_key_ends_at_its_expiry(records):
    """The instant itself is the first that is refused."""
    issued = issue(records, expires_in=DAY)

    records.now = NOW + DAY - 1
    assert opens(records, issued.text)
    records.now += 1
    assert not opens(records, issued.text)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"expires_in": 0}, Invalid),
        ({"expires_in": -DAY}, Invalid),
        ({"account": "nobody"}, NotFound),
        ({"account": "admin"}, Invalid),
        ({"permissions": ()}, Invalid),
        ({"permissions": ("workflow::run",)}, InvalidPermission),
        ({"name": "x" * 101}, Invalid),
    ],
    ids=["expiry zero", "negative", "unknown account", "a user", "no permission", "malformed permission", "long name"],
)
def test_a_key_that_cannot_be_is_refused(records, options, error):
    """Nothing is stored."""
    with pytest.raises(error):
        issue(records, **options)

    assert records.read(keys.everything, THE_ADMIN) == []


def test_a_narrowed_key_keeps_its_permissions(records):
    """They are those of the wish, in its order."""
    wanted = ("workflow:billing:*:read", "execution:*:read")

    assert issue(records, permissions=wanted).key.permissions == wanted


def test_nobody_makes_a_key_that_opens_more_than_he_holds(records):
    """Whoever makes a key can use it. A narrower key of a stronger account is possible."""
    records.a_service_account("operator", name="strong")
    manager = records.a_manager("admin:keys:manage", "workflow:*:*:read")

    with pytest.raises(Denied):
        issue(records, account="strong", caller=a_caller(manager))
    issued = issue(records, account="strong", caller=a_caller(manager), permissions=("workflow:a:*:read",))

    assert issued.key.created_by == manager.id


def test_a_revoked_key_is_refused_at_once_and_for_ever(records):
    """Revoking twice is no error and no second entry of audit."""
    issued = issue(records)

    records.write(keys.revoke, issued.key.id, THE_ADMIN)
    records.write(keys.revoke, issued.key.id, THE_ADMIN)

    assert not opens(records, issued.text)
    actions = [found.entry.action for found in audit.everything(records.reader)]
    assert actions == ["principal.create", "key.create", "key.revoke"]


def test_after_a_rotation_both_keys_open_until_the_overlap_ends(records):
    """So that whoever uses it can change it without an outage."""
    old = issue(records, name="ci", permissions=("workflow:*:*:read",))
    new = records.write(keys.rotate, PEPPER, old.key.id, DAY, THE_ADMIN)

    assert opens(records, old.text)
    assert opens(records, new.text)
    assert (new.key.name, new.key.permissions, new.key.principal) == ("ci", old.key.permissions, old.key.principal)

    records.now = NOW + DAY
    assert not opens(records, old.text)
    assert opens(records, new.text)


def test_a_rotated_key_lives_as_long_as_the_old_one_was_made_for(records):
    """And the old one never longer than it would have."""
    old = issue(records, expires_in=10 * DAY)
    records.now = NOW + 9 * DAY
    new = records.write(keys.rotate, PEPPER, old.key.id, 5 * DAY, THE_ADMIN)

    by_id = {key.id: key for key in records.read(keys.everything, THE_ADMIN, "bot")}

    assert new.key.expires_at == NOW + 19 * DAY
    assert by_id[old.key.id].expires_at == NOW + 10 * DAY
    assert by_id[old.key.id].successor == new.key.id


def test_without_overlap_the_old_key_ends_now(records):
    """What one does when a key has leaked."""
    old = issue(records)
    records.write(keys.rotate, PEPPER, old.key.id, 0, THE_ADMIN)

    assert not opens(records, old.text)


@pytest.mark.parametrize("overlap", [-1, MAX_OVERLAP + 1])
def test_an_overlap_has_limits(records, overlap):
    """A rotation that never ends is two keys."""
    old = issue(records)

    with pytest.raises(Invalid, match="overlap"):
        records.write(keys.rotate, PEPPER, old.key.id, overlap, THE_ADMIN)


def test_what_is_gone_cannot_be_rotated(records):
    """A revoked key stays revoked, and a replaced one has its successor."""
    gone, replaced = issue(records), issue(records)
    records.write(keys.revoke, gone.key.id, THE_ADMIN)
    records.write(keys.rotate, PEPPER, replaced.key.id, DAY, THE_ADMIN)

    for id in (gone.key.id, replaced.key.id):
        with pytest.raises(WrongState):
            records.write(keys.rotate, PEPPER, id, DAY, THE_ADMIN)
    with pytest.raises(NotFound):
        records.write(keys.rotate, PEPPER, "01NOBODY", DAY, THE_ADMIN)


def test_every_step_needs_its_permission(records):
    """`bot` may read workflows, but no keys."""
    issued = issue(records)
    bot = a_caller(principals.get(records.reader, "bot"))

    for step in (
        lambda: issue(records, caller=bot),
        lambda: records.write(keys.rotate, PEPPER, issued.key.id, 0, bot),
        lambda: records.write(keys.revoke, issued.key.id, bot),
        lambda: records.read(keys.everything, bot),
    ):
        with pytest.raises(Denied):
            step()


def test_the_audit_tells_what_a_key_is_good_for_and_nothing_that_opens(records):
    """Prefix, name, narrowing, expiry."""
    issued = issue(records, name="ci", permissions=("workflow:*:*:read",), expires_in=DAY)

    entry = list(audit.everything(records.reader))[-1].entry

    assert entry.object == f"key:bot/{issued.key.id}"
    assert json.loads(entry.after or "") == {
        "prefix": issued.key.prefix,
        "name": "ci",
        "permissions": ["workflow:*:*:read"],
        "expires_at": NOW + DAY,
    }
