"""Principals as use cases, and the guards that hold for all of them."""

import pytest

from flux.core.principal import ADMIN, PrincipalType
from flux.engine import principals, roles
from flux.engine.principals import NewServiceAccount
from flux.engine.roles import NewRole, RoleChange
from flux.errors import Conflict, Denied, Invalid, InvalidPermission, NotFound, WrongState
from flux.store import audit
from tests.records import NOW, THE_ADMIN, Records, a_caller


@pytest.fixture
def records():
    """A new database."""
    return Records()


def actions(records: Records) -> list[tuple[str, str]]:
    """What the audit holds: (action, object)."""
    return [(found.entry.action, found.entry.object) for found in audit.everything(records.reader)]


def test_a_new_file_has_an_admin_who_may_everything(records):
    """Zero configuration: somebody must be able to begin. A second start changes nothing."""
    records.write(principals.install)

    assert [one.id for one in records.read(principals.everyone, THE_ADMIN)] == [ADMIN.id]
    assert records.live.permissions.allows(ADMIN.id, "admin:audit:read")


def test_a_service_account_is_made_with_its_roles(records):
    """And may do at once what they say, and nothing else."""
    made = records.a_service_account("viewer", "author")

    assert (made.type, made.issuer, made.roles) == (PrincipalType.SERVICE_ACCOUNT, "flux", ("author", "viewer"))
    assert made.created_at == NOW
    assert records.live.permissions.allows(made.id, "workflow:default:hello:run")
    assert not records.live.permissions.allows(made.id, "workflow:billing:hello:run")
    assert actions(records) == [("principal.create", "principal:bot")]


@pytest.mark.parametrize(
    "name",
    ["", "Bot", "a b", "local:eve", "admin", "-x", "x" * 65, "böt", "a\n"],
    ids=["empty", "upper case", "space", "colon", "the admin's", "hyphen first", "long", "not ascii", "newline"],
)
def test_a_name_that_could_be_mistaken_is_refused(records, name):
    """Subjects of users and service accounts never look alike."""
    with pytest.raises(Invalid, match="a service account is named"):
        records.a_service_account(name=name)


def test_a_name_is_given_once(records):
    """In our words, not SQL's."""
    records.a_service_account()

    with pytest.raises(Conflict, match="there is a service account bot already"):
        records.a_service_account()


def test_an_unknown_role_is_named_with_those_there_are(records):
    """A typing error is an error, never a principal without rights."""
    with pytest.raises(Invalid, match=r"no role 'operater'.*operator"):
        records.a_service_account("operater")


def test_metadata_are_notes_not_documents(records):
    """They are copied into memory with every principal."""
    wish = NewServiceAccount(name="bot", caller=THE_ADMIN, metadata={"a": "x" * 1_001})

    with pytest.raises(Invalid, match="metadata"):
        records.write(principals.create_service_account, wish)


def test_nobody_makes_an_account_that_may_more_than_himself(records):
    """Else managing principals would be the same as being admin."""
    manager = records.a_manager("admin:principals:manage", "workflow:default:*:read")
    wish = NewServiceAccount(name="puppet", caller=a_caller(manager), roles=("operator",))

    with pytest.raises(Denied) as denied:
        records.write(principals.create_service_account, wish)

    assert "workflow:*:*:run" in str(denied.value)
    assert records.live.permissions.find("flux", "puppet") is None


def test_making_an_account_needs_a_permission(records):
    """The permission that is missing is named."""
    viewer = records.a_service_account("viewer")

    with pytest.raises(Denied) as denied:
        records.write(principals.create_service_account, NewServiceAccount(name="other", caller=a_caller(viewer)))

    assert denied.value.facts["missing_permissions"] == ["admin:principals:manage"]


def test_a_user_of_this_machine_is_made_at_his_first_visit_once(records):
    """The second visit finds the first one's principal, however close they come."""
    first = records.write(principals.provision_user, "alice", ("viewer",), "uid 1001 pid 9")
    second = records.write(principals.provision_user, "alice", ("viewer",), "uid 1001 pid 10")

    assert first == second
    assert (first.subject, first.issuer, first.roles) == ("local:alice", "local", ("viewer",))
    assert actions(records) == [("principal.provision", "principal:local:alice")]


def test_newcomers_without_roles_are_refused_and_leave_nothing(records):
    """An empty list of default roles means: only those whom somebody has made."""
    with pytest.raises(Denied):
        records.write(principals.provision_user, "alice", (), "uid 1001 pid 9")

    assert records.live.permissions.find("local", "local:alice") is None
    assert actions(records) == []


def test_a_disabled_principal_may_nothing_from_the_next_check_on(records):
    """Its roles stay, so that enabling it gives back what it had."""
    made = records.a_service_account("operator")
    records.write(principals.disable, made.id, THE_ADMIN)

    assert not records.live.permissions.enabled(made.id)
    assert not records.live.permissions.allows(made.id, "workflow:a:b:run")

    records.write(principals.enable, "bot", THE_ADMIN)

    assert records.live.permissions.allows(made.id, "workflow:a:b:run")


def test_a_change_that_is_rolled_back_changes_no_permission(records):
    """The compiled permissions belong to the transaction."""
    made = records.a_service_account("operator")
    before = records.live.permissions

    with pytest.raises(NotFound):
        records.write(_disable_then_fail, made.id)

    assert records.live.permissions is before
    assert records.live.permissions.enabled(made.id)


def _disable_then_fail(tx, live, id):
    principals.disable(tx, live, id, THE_ADMIN)
    assert not live.permissions.enabled(id)
    principals.get(tx, "nobody")


@pytest.mark.parametrize(
    "step",
    [
        lambda records: records.write(principals.disable, ADMIN.id, THE_ADMIN),
        lambda records: records.write(roles.revoke, RoleChange(principal="admin", role="admin", caller=THE_ADMIN)),
    ],
    ids=["disabled", "demoted"],
)
def test_the_last_admin_stays_admin(records, step):
    """Without one, nobody could ever manage anything again. With a second one it is possible."""
    with pytest.raises(WrongState, match="the last active admin"):
        step(records)

    records.a_service_account("admin", name="second")
    step(records)

    assert not records.live.permissions.allows(ADMIN.id, "admin:roles:manage")


def test_a_disabled_admin_does_not_count(records):
    """The guard looks at who could act."""
    second = records.a_service_account("admin", name="second")
    records.write(principals.disable, second.id, THE_ADMIN)

    with pytest.raises(WrongState):
        records.write(principals.disable, ADMIN.id, THE_ADMIN)


def test_listing_principals_needs_a_permission(records):
    """Who is there is nobody's business by default."""
    viewer = records.a_service_account("viewer")

    with pytest.raises(Denied):
        records.read(principals.everyone, a_caller(viewer))


def test_roles_are_given_and_taken_and_both_are_audited(records):
    """A change that changes nothing is no entry."""
    made = records.a_service_account()
    change = RoleChange(principal="bot", role="viewer", caller=THE_ADMIN)

    for step in (roles.grant, roles.grant, roles.revoke, roles.revoke):
        made = records.write(step, change)

    assert made.roles == ()
    assert [action for action, _ in actions(records)] == ["principal.create", "role.grant", "role.revoke"]


def test_nobody_grants_what_he_does_not_hold(records):
    """Managing roles alone does not make an admin."""
    manager = records.a_manager("admin:roles:manage", "workflow:*:*:read")

    with pytest.raises(Denied):
        records.write(roles.grant, RoleChange(principal="manager", role="admin", caller=a_caller(manager)))
    with pytest.raises(Denied):
        records.write(roles.create, NewRole(name="big", permissions=("workflow:*",), caller=a_caller(manager)))

    records.write(roles.create, NewRole(name="small", permissions=("workflow:a:*:read",), caller=a_caller(manager)))

    assert records.live.permissions.roles()["small"] == ("workflow:a:*:read",)


@pytest.mark.parametrize(
    ("name", "permissions", "error"),
    [
        ("admin", ("x:y",), Conflict),
        ("twice", ("x:y",), Conflict),
        ("Upper", ("x:y",), Invalid),
        ("fine", ("x::y",), InvalidPermission),
    ],
    ids=["built in", "taken", "malformed name", "malformed permission"],
)
def test_a_role_that_cannot_be_is_refused(records, name, permissions, error):
    """Built-in roles are never replaced, and what is stored can always be compiled."""
    records.write(roles.create, NewRole(name="twice", permissions=(), caller=THE_ADMIN))

    with pytest.raises(error):
        records.write(roles.create, NewRole(name=name, permissions=permissions, caller=THE_ADMIN))
