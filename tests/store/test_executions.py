"""Rows of executions."""

import json

import pytest

from flux.core.execution import FINAL, State
from flux.errors import NotFound, StaleLease, StorageError
from flux.store import executions
from flux.store.executions import MAX_PLACES, RECENT
from tests.core.executions import an_execution

NARROWED = ("workflow:billing:*", "workflow:x%3A:run")


def page(tx, **wish: object) -> list[str]:
    """The ids of one page; everything, if nobody says otherwise."""
    found = executions.page(tx, **{"places": None, "before": 1_000, "limit": 100, **wish})  # type: ignore[arg-type]  # a builder of calls
    return [row.id for row in found]


@pytest.fixture
def five(tx) -> None:
    """Five executions: E1 … E5, of two workflows in two namespaces."""
    wishes = [
        ("billing", "invoice", State.COMPLETED),
        ("billing", "refund", State.RUNNING),
        ("ops", "invoice", State.FAILED),
        ("billing", "invoice", State.PAUSED),
        ("billing", "invoice", State.COMPLETED),
    ]
    for key, (namespace, name, state) in enumerate(wishes, 1):
        made = an_execution(key=key, id=f"E{key}", namespace=namespace, name=name, state=state)
        executions.insert(tx, made, None)


def test_a_row_comes_back_as_it_was_written(tx):
    """But for waits and running bodies, which the log tells."""
    made = an_execution(
        state=State.FAILED, fence=3, worker="w1", deaths=2, alone=True, priority=-5, started=7, finished=9,
        reason="diverged", narrowing=NARROWED,
    )  # fmt: skip
    executions.insert(tx, made, '{"env":"prod"}')

    assert executions.get(tx, made.id) == made
    assert executions.labels(tx, made.key) == '{"env":"prod"}'
    assert executions.exists(tx, made.id)


def test_an_unknown_execution_is_not_found(tx):
    """Its id is named."""
    with pytest.raises(NotFound, match="no execution E9"):
        executions.get(tx, "E9")

    assert not executions.exists(tx, "E9")
    assert executions.labels(tx, 9) is None


def test_two_executions_never_have_one_id(tx):
    """The caller has to look before it asks for a certain one."""
    executions.insert(tx, an_execution(key=1), None)

    with pytest.raises(StorageError, match="UNIQUE"):
        executions.insert(tx, an_execution(key=2), None)


def test_what_changes_is_written_and_the_rest_is_left(tx):
    """What an execution was started with never changes."""
    before = an_execution(fence=1, narrowing=NARROWED)
    executions.insert(tx, before, '{"a":"b"}')
    changes: dict[str, object] = {
        "state": State.FAILED, "sequence": 9, "fence": 2, "worker": "w2", "deaths": 1, "alone": True, "updated": 11,
        "started": 12, "finished": 13, "reason": "x",
    }  # fmt: skip

    executions.update(tx, before.changed(**changes, priority=99))

    assert executions.get(tx, before.id) == before.changed(**changes)
    assert executions.labels(tx, before.key) == '{"a":"b"}'


def test_a_write_under_an_older_fence_is_refused(tx):
    """The row was granted anew since: nothing of it changes."""
    executions.insert(tx, an_execution(fence=3), None)

    with pytest.raises(StaleLease):
        executions.update(tx, an_execution(fence=2, state=State.FAILED))

    assert executions.get(tx, an_execution().id).state is State.QUEUED


def test_a_write_to_no_row_is_noticed(tx):
    """It must not look as if it had been written."""
    with pytest.raises(StaleLease):
        executions.update(tx, an_execution(key=77))


def test_what_rests_is_unloaded_at_once(tx):
    """However many there are; what runs is looked at one by one."""
    for key, state in enumerate(State, 1):
        executions.insert(tx, an_execution(key=key, id=f"E{key}", state=state, worker="w1"), None)

    executions.unload_resting(tx)

    unloaded = {row.state for row in executions.page(tx, places=None, before=99, limit=99) if row.worker is None}
    assert unloaded == {State.WAITING, State.PAUSED}


def test_a_starting_daemon_finds_everything_that_has_not_ended(tx):
    """Oldest first."""
    for key, state in enumerate(State, 1):
        executions.insert(tx, an_execution(key=key, id=f"E{key}", state=state), None)

    found = executions.open_ones(tx)

    assert {row.state for row in found} == set(State) - FINAL
    assert [row.key for row in found] == sorted(row.key for row in found)


INVOICES = (State.COMPLETED, "billing", "invoice")
OPS = (State.FAILED, "ops", "invoice")
NOBODY = (State.RUNNING, "nowhere", "nobody")


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({}, "E5 E4 E3 E2 E1"),
        ({"limit": 2}, "E5 E4"),
        ({"before": 4}, "E3 E2 E1"),
        ({"before": 1}, ""),
        ({"places": [INVOICES]}, "E5 E1"),
        ({"places": [INVOICES], "before": 5}, "E1"),
        ({"places": [INVOICES, OPS]}, "E5 E3 E1"),
        ({"places": [OPS, INVOICES], "limit": 2}, "E5 E3"),
        ({"places": [NOBODY, OPS]}, "E3"),
        ({"places": []}, ""),
        ({"places": [(State.FAILED, "ops", "invoice' OR 1=1 --")]}, ""),
    ],
    ids=str,
)
@pytest.mark.usefixtures("five")
def test_a_page_holds_the_newest_of_its_places(tx, wish: dict[str, object], expected: str):
    """Newest first, however many places there are."""
    assert page(tx, **wish) == expected.split()


@pytest.mark.usefixtures("five")
def test_a_page_of_very_many_places_is_the_same_page(tx):
    """It is only read in another way."""
    many = [INVOICES, OPS, *((State.RUNNING, "nowhere", f"w{number}") for number in range(MAX_PLACES))]

    assert page(tx, places=many) == ["E5", "E3", "E1"]
    assert page(tx, places=many, limit=1, before=5) == ["E3"]


@pytest.mark.usefixtures("five")
def test_totals_are_what_they_were_told(tx):
    """Rows are counted only by who wants to check that; nothing and less than nothing is not told of."""
    executions.add_to_totals(tx, {INVOICES: 3, OPS: 1, NOBODY: 0})
    executions.add_to_totals(tx, {INVOICES: -1, OPS: -1})

    assert executions.totals(tx) == {INVOICES: 2}
    assert executions.counted(tx) == {
        INVOICES: 2,
        (State.PAUSED, "billing", "invoice"): 1,
        (State.RUNNING, "billing", "refund"): 1,
        OPS: 1,
    }


IDS = ["01HAAAAAAA1111", "01HAAAAAAA2222", "01HBBBBBBB2222"]


@pytest.mark.parametrize(
    ("text", "visible", "found"),
    [
        ("01HB", None, [IDS[2]]),
        ("01hb", None, [IDS[2]]),
        ("1111", None, [IDS[0]]),
        ("2222", None, [IDS[2], IDS[1]]),
        ("2222", ["ops/b"], [IDS[1]]),
        ("01HA", None, [IDS[0], IDS[1]]),
        ("01HA", ["ops/b"], [IDS[1]]),
        ("01H", None, [IDS[0], IDS[1]]),
        ("AAAA", None, []),
        ("01HA", [], []),
        ("%", None, []),
        ("1_11", None, []),
        ("01H%", None, []),
        ("ZZZZ", None, []),
    ],
)
def test_an_id_is_found_by_its_begin_or_else_its_end(tx, text: str, visible: list[str] | None, found: list[str]):
    """At most two, which is enough to know that it is not clear; what is hidden makes nothing unclear."""
    for key, id in enumerate(IDS, 1):
        namespace, name = ("ops", "b") if key == 2 else ("ops", "a")
        executions.insert(tx, an_execution(key=key, id=id, namespace=namespace, name=name), None)

    assert executions.resembling(tx, text, None if visible is None else json.dumps(visible)) == found


def test_only_the_newest_are_found_by_the_end_of_their_id(tx):
    """Each must be looked at for that, and a file may hold millions; by its begin every one is found."""
    executions.insert(tx, an_execution(key=1, id="01HOLD"), None)
    executions.insert(tx, an_execution(key=RECENT + 1, id="01HNEW"), None)

    assert executions.resembling(tx, "HOLD", None) == []
    assert executions.resembling(tx, "HNEW", None) == ["01HNEW"]
    assert executions.resembling(tx, "01HO", None) == ["01HOLD"]


def test_the_next_key_follows_the_highest(tx):
    """0 in an empty file."""
    empty = executions.last_key(tx)
    executions.insert(tx, an_execution(key=41), None)

    assert (empty, executions.last_key(tx)) == (0, 41)


def test_an_idempotency_key_is_remembered_for_one_workflow_and_principal(tx):
    """With the digest of the input; elsewhere the same key is another."""
    executions.insert(tx, an_execution(key=4), None)
    place = {"namespace": "billing", "name": "invoice", "principal": "p1", "key": "k"}
    executions.remember(tx, **place, digest=b"d", execution=4)

    assert executions.remembered(tx, **place) == (b"d", an_execution().id)
    for field in place:
        assert executions.remembered(tx, **{**place, field: "other"}) is None
