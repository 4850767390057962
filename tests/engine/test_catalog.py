"""The catalog: which version a new execution gets, and what becomes of files that change, move or break."""

import json

import pytest

from flux.core.audit import Entry
from flux.core.catalog import Source, Version
from flux.core.principal import Caller
from flux.engine import catalog
from flux.engine.catalog import Changed, Found, Registration
from flux.engine.live import Live
from flux.errors import Conflict, Denied, FluxError, InvalidDefinition, NotFound
from flux.store import catalog as rows
from flux.store.catalog import LoadError
from tests.engine.desk import CALLER, Desk

ABOUT = json.dumps({"doc": None, "line": 3, "exempt": ["ping"]})


def a_file(
    *names: str, path: str = "/w/orders.py", digest: str = "o1", tasks: tuple[str, ...] = ("charge",)
) -> Registration:
    """A file that offers workflows `orders/NAME`, or NAMESPACE/NAME."""
    found = tuple(
        Found(namespace=namespace or "orders", name=name, tasks=tasks, about=ABOUT)
        for namespace, _, name in (one.rpartition("/") for one in names)
    )
    source = Source(digest=digest, entry="orders.py", root=path.rpartition("/")[0], files={"orders.py": b""})
    return Registration(path=path, source=source, workflows=found)


async def register(desk: Desk, file: Registration, caller: Caller = CALLER) -> list[Version]:
    """What the file offers."""
    return await desk.gate.write(catalog.register, file, caller)


def offered(desk: Desk) -> dict[str, int]:
    """Name -> number of all that is offered in `orders`; the same in memory and in the file."""
    live = {key: version for key, version in desk.gate.live.catalog.items() if key[0] == "orders"}
    stored = Live.of(desk.database.reader, slots=1).catalog
    assert {key: version for key, version in stored.items() if key[0] == "orders"} == live
    return {name: version.number for (_, name), version in live.items()}


def lines(desk: Desk, before: int) -> list[tuple[str, str]]:
    """Action and object of what was audited since."""
    new: list[Entry] = desk.audit()[before:]
    return [(line.action, line.object) for line in new]


async def test_a_registered_file_is_offered_and_pinned(desk: Desk) -> None:
    """With the permissions that running it takes, and one line of audit a workflow."""
    before = len(desk.audit())
    order, refund = await register(desk, a_file("order", "refund"))

    assert (order.ref, order.number, order.digest, order.path) == ("orders/order", 1, "o1", "/w/orders.py")
    assert order.permissions == ("workflow:orders:order:run", "workflow:orders:order:task:charge:execute")
    assert lines(desk, before) == [
        ("workflow.register", "workflow:orders/order@1"),
        ("workflow.register", "workflow:orders/refund@1"),
    ]
    assert refund.tasks == ("charge",)
    assert offered(desk) == {"order": 1, "refund": 1}


async def test_other_bytes_are_another_version(desk: Desk) -> None:
    """Counted for each workflow; the older ones stay."""
    await register(desk, a_file("order"))
    await register(desk, a_file("order", "refund", digest="o2"))

    reader = desk.database.reader
    assert [version.number for version in rows.versions(reader, "orders", "order")] == [2, 1]
    assert [version.number for version in rows.versions(reader, "orders", "refund")] == [1]
    assert offered(desk) == {"order": 2, "refund": 1}


async def test_bytes_that_were_there_before_are_the_version_they_were(desk: Desk) -> None:
    """An edit that was taken back makes no third version."""
    await register(desk, a_file("order"))
    await register(desk, a_file("order", digest="o2"))
    (again,) = await register(desk, a_file("order"))

    assert again.number == 1
    assert offered(desk) == {"order": 1}


async def test_a_file_that_is_as_it_was_is_no_news(desk: Desk) -> None:
    """A daemon looks at every file when it starts; neither audit nor catalog notice."""
    await register(desk, a_file("order"))
    before, catalog_before = len(desk.audit()), desk.gate.live.catalog["orders", "order"]
    await register(desk, a_file("order"))

    assert lines(desk, before) == []
    assert desk.gate.live.catalog["orders", "order"] == catalog_before


async def test_what_is_newly_known_of_the_same_bytes_counts(desk: Desk) -> None:
    """A task that an older inspection had not found needs its permission from now on."""
    await register(desk, a_file("order"))
    (seen,) = await register(desk, a_file("order", tasks=("charge", "ship")))

    assert (seen.number, seen.tasks) == (1, ("charge", "ship"))
    assert "workflow:orders:order:task:ship:execute" in seen.permissions
    assert offered(desk) == {"order": 1}


async def test_a_workflow_that_left_its_file_is_withdrawn(desk: Desk) -> None:
    """The others go on."""
    await register(desk, a_file("order", "refund"))
    before = len(desk.audit())
    await register(desk, a_file("order", digest="o2"))

    assert offered(desk) == {"order": 2}
    assert ("workflow.withdraw", "workflow:orders/refund") in lines(desk, before)


async def test_a_name_that_another_file_has_is_a_conflict(desk: Desk) -> None:
    """Nothing of the second file is registered; the message says where the name is."""
    await register(desk, a_file("order"))

    with pytest.raises(Conflict, match=r"already defined in /w/orders\.py"):
        await register(desk, a_file("refund", "order", path="/w/other.py", digest="x1"))

    assert offered(desk) == {"order": 1}


async def test_two_of_one_name_in_a_file_are_a_conflict(desk: Desk) -> None:
    """Nobody could say which is meant."""
    with pytest.raises(Conflict, match=r"defined in /w/orders\.py"):
        await register(desk, a_file("order", "order"))


async def test_a_moved_folder_offers_what_it_offered(desk: Desk) -> None:
    """The same bytes at another place: the version they were, found at the new place from now on."""
    await register(desk, a_file("order"))
    await desk.gate.write(catalog.withdraw, "/w/orders.py", CALLER)
    (moved,) = await register(desk, a_file("order", path="/new/orders.py"))
    (edited,) = await register(desk, a_file("order", path="/new/orders.py", digest="o2"))

    assert (moved.number, moved.path) == (1, "/new/orders.py")
    assert edited.number == 2
    assert offered(desk) == {"order": 2}
    assert await desk.gate.write(catalog.withdraw, "/new/orders.py", CALLER) == [edited]


@pytest.mark.parametrize("names", [("Orders/order",), ("orders/2nd",), ("orders/or-der",)], ids=str)
async def test_a_name_that_cannot_be_is_refused(desk: Desk, names: tuple[str, ...]) -> None:
    """With the rule."""
    with pytest.raises(InvalidDefinition, match="must match"):
        await register(desk, a_file("fine", *names))

    assert offered(desk) == {}


async def test_registering_takes_the_right_to_every_name(desk: Desk) -> None:
    """One that is missing refuses the file."""
    bot = await desk.caller("bot", "workflow:orders:order:register")

    with pytest.raises(Denied, match="workflow:orders:refund:register"):
        await register(desk, a_file("order", "refund"), bot)
    await register(desk, a_file("order"), bot)

    assert offered(desk) == {"order": 1}


async def test_a_file_of_another_cannot_be_overwritten_to_take_his_names_away(desk: Desk) -> None:
    """What it would no longer offer is not the caller's to withdraw."""
    await register(desk, a_file("order"))
    bot = await desk.caller("bot", "workflow:mine:*")

    with pytest.raises(Denied, match="workflow:orders:order:register"):
        await register(desk, a_file("mine/evil", digest="x1"), bot)

    assert offered(desk) == {"order": 1}


async def test_a_deleted_file_offers_nothing_any_more(desk: Desk) -> None:
    """No new executions; the versions stay for those that are open."""
    await register(desk, a_file("order", "refund"))
    before = len(desk.audit())
    gone = await desk.gate.write(catalog.withdraw, "/w/orders.py", CALLER)

    assert sorted(version.name for version in gone) == ["order", "refund"]
    assert offered(desk) == {}
    assert {action for action, _ in lines(desk, before)} == {"workflow.withdraw"}
    with pytest.raises(NotFound):
        await desk.gate.write(catalog.find, "orders", "order")


async def test_a_file_that_breaks_keeps_its_last_good_version(desk: Desk) -> None:
    """The error stands beside it until the file loads again, or is gone."""
    await register(desk, a_file("order"))
    broken = LoadError("/w/orders.py", "x", "SyntaxError", "invalid syntax", 3, desk.clock.now())
    await desk.gate.write(catalog.failed, broken)
    while_broken = rows.errors(desk.database.reader), offered(desk)
    await register(desk, a_file("order", digest="o2"))

    assert while_broken == ([broken], {"order": 1})
    assert rows.errors(desk.database.reader) == []
    assert offered(desk) == {"order": 2}


@pytest.mark.parametrize("mend", ["withdraw", "mended"])
async def test_an_error_goes_with_its_file(desk: Desk, mend: str) -> None:
    """Deleted, or loading again without a workflow in it."""
    await desk.gate.write(catalog.failed, LoadError("/w/x.py", "x", "SyntaxError", "bad", 1, 5))
    if mend == "withdraw":
        await desk.gate.write(catalog.withdraw, "/w/x.py", CALLER)
    else:
        await desk.gate.write(catalog.mended, "/w/x.py")

    assert rows.errors(desk.database.reader) == []


async def test_a_failed_registration_leaves_the_catalog_as_it_was(desk: Desk) -> None:
    """In memory too: the mapping belongs to the call until it is committed."""
    await register(desk, a_file("order"))
    before = desk.gate.live.catalog

    with pytest.raises(FluxError):
        await register(desk, a_file("order", "2nd", digest="o2"))

    assert desk.gate.live.catalog is before


async def test_whoever_shows_the_catalog_is_told_of_changes(desk: Desk) -> None:
    """Which file, and which names."""
    effects: list[object] = []
    desk.gate.on_commit(lambda committed: effects.extend(committed.effects))
    await register(desk, a_file("order", "refund"))
    await register(desk, a_file("order", digest="o2"))
    await desk.gate.write(catalog.withdraw, "/w/orders.py", CALLER)

    changes = [effect for effect in effects if isinstance(effect, Changed)]
    assert {change.path for change in changes} == {"/w/orders.py"}
    assert [sorted(name for _, name in change.names) for change in changes] == [
        ["order", "refund"], ["order", "refund"], ["order"],
    ]  # fmt: skip


@pytest.mark.parametrize(("number", "digest"), [(None, "o2"), (2, "o2"), (1, "o1")])
async def test_a_version_is_found_by_its_number_or_is_the_offered_one(
    desk: Desk, number: int | None, digest: str
) -> None:
    """Older ones stay loadable."""
    await register(desk, a_file("order"))
    await register(desk, a_file("order", digest="o2"))

    found = await desk.gate.write(catalog.find, "orders", "order", number)

    assert found.digest == digest


@pytest.mark.parametrize(("name", "number"), [("nobody", None), ("order", 3), ("order", 0)])
async def test_what_was_never_there_is_not_found(desk: Desk, name: str, number: int | None) -> None:
    """Neither a workflow nor a version."""
    await register(desk, a_file("order"))

    with pytest.raises(NotFound):
        await desk.gate.write(catalog.find, "orders", name, number)
