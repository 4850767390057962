"""Live state: overlays that may be dropped, counters that no rollback spoils, nothing kept of what left."""

import pytest

from flux.core.execution import Execution, State
from flux.engine.live import Lease, Live, Overlay, holds_a_slot
from flux.errors import NotFound
from flux.store.database import Database
from tests.core.executions import an_execution


@pytest.fixture
def live() -> Live:
    """What a daemon knows of an empty file; workers have two slots."""
    return Live.of(Database.in_memory().reader, slots=2)


def running(identity: str = "E1", worker: str = "w1") -> Execution:
    """An execution that holds a slot."""
    return an_execution(id=identity, state=State.RUNNING, worker=worker, fence=1)


def publish(live: Live, *executions: Execution) -> None:
    """Make these committed."""
    batch = Overlay.above(live)
    for execution in executions:
        batch.put(execution)
    live.publish(batch)


@pytest.mark.parametrize(
    ("state", "worker", "expected"),
    [
        (State.RUNNING, "w1", True),
        (State.CANCELLING, "w1", True),
        (State.CANCELLING, None, False),
        (State.PAUSED, "w1", False),
        (State.WAITING, "w1", False),
        (State.QUEUED, None, False),
    ],
)
def test_only_what_runs_somewhere_holds_a_slot(state: State, worker: str | None, expected: bool):
    """What rests where it is loaded leaves its slot to others."""
    assert holds_a_slot(an_execution(state=state, worker=worker)) is expected


def test_a_call_that_is_dropped_leaves_nothing(live: Live):
    """Not in the batch, not in the counters, not in the numbers."""
    batch = Overlay.above(live)
    call = batch.nested()
    call.numbers.position += 5
    call.put(running())
    call.effect("x")
    call.moved(running(), None)

    live.publish(batch)

    assert (live.executions, live.busy, live.numbers.position, live.totals) == ({}, {}, 0, {})
    assert batch.effects == []


def test_a_call_sees_what_calls_before_it_did(live: Live):
    """In the same batch, before anything is committed; nobody else does."""
    batch = Overlay.above(live)
    first = batch.nested()
    first.put(running())
    first.leases["E1"] = Lease("w1", 1, "t", 7, "E1.1")
    batch.absorb(first)
    second = batch.nested()

    assert second.known("E1") == running()
    assert second.lease("E1") == first.leases["E1"]
    assert second.busy("w1") == 1
    assert [execution.id for execution in second.loaded("w1")] == ["E1"]
    assert live.executions == {}


def test_slots_are_counted_through_all_layers(live: Live):
    """Committed, in the batch, and in the call itself; in whatever order they are taken and given back."""
    publish(live, running("E1"))
    batch = Overlay.above(live)
    first = batch.nested()
    first.put(running("E2"))
    batch.absorb(first)
    second = batch.nested()
    full = second.busy("w1"), second.has_slot("w1")
    second.put(running("E1").changed(state=State.PAUSED))
    second.put(running("E2").changed(worker=None, state=State.QUEUED))

    assert full == (2, False)
    assert (second.busy("w1"), second.has_slot("w1")) == (0, True)
    batch.absorb(second)
    live.publish(batch)
    assert (live.busy["w1"], live.queued, live.loaded["w1"]) == (0, 1, {"E1"})


def test_calls_of_one_batch_add_up(live: Live):
    """Each takes a slot of the same worker; the last sees all of them."""
    batch = Overlay.above(live)
    seen = []
    for identity in ("E1", "E2", "E3"):
        call = batch.nested()
        seen.append(call.busy("w1"))
        call.put(running(identity))
        call.moved(running(identity), None)
        batch.absorb(call)

    live.publish(batch)
    assert seen == [0, 1, 2]
    assert live.busy == {"w1": 3}
    assert live.totals == {(State.RUNNING, "billing", "invoice"): 3}


def test_what_left_is_forgotten(live: Live):
    """Parked and ended executions are rows: neither record nor lease stays, even if the lease came with the end."""
    batch = Overlay.above(live)
    for identity, state in (("E1", State.PAUSED), ("E2", State.WAITING), ("E3", State.COMPLETED)):
        batch.leases[identity] = Lease("w1", 1, "t", 7, f"{identity}.1")
        batch.put(an_execution(id=identity, state=state))

    live.publish(batch)

    assert (live.executions, live.leases) == ({}, {})


def test_what_is_loaded_on_a_worker_is_what_this_call_sees(live: Live):
    """What came, what left, and what was there before."""
    publish(live, running("E1"), running("E2"), running("E3", "w2"))
    batch = Overlay.above(live)
    batch.put(running("E2").changed(worker=None, state=State.QUEUED))
    call = batch.nested()
    call.put(running("E4"))

    assert [execution.id for execution in call.loaded("w1")] == ["E1", "E4"]
    assert call.loaded("w9") == []


def test_totals_move_with_the_states(live: Live):
    """From nothing, and from one to another; 0 is left where nobody is any more."""
    batch = Overlay.above(live)
    batch.moved(an_execution(), None)
    batch.moved(an_execution(), None)
    batch.moved(running(), State.QUEUED)

    live.publish(batch)

    assert live.totals == {(State.QUEUED, "billing", "invoice"): 1, (State.RUNNING, "billing", "invoice"): 1}


def test_what_is_not_live_is_read_from_the_file(live: Live):
    """Or not found."""
    database = Database.in_memory()

    with pytest.raises(NotFound):
        Overlay.above(live).execution(database.begin(0), "E1")


def test_a_worker_that_is_gone_leaves_no_counters(live: Live):
    """A daemon lives for years and workers do not."""
    publish(live, running())
    publish(live, running().changed(worker=None, state=State.QUEUED))

    live.forget_worker("w1")
    live.forget_worker("w1")

    assert (live.busy, live.loaded) == ({}, {})
