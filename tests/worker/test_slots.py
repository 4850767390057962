"""Slots: who gets which task process, and when. Pure."""

from flux.worker.slots import Evict, Fork, Give, Request, Slots

A1, A2, A3 = Request(1, 1, "d"), Request(1, 2, "d"), Request(1, 3, "other")
B1, B2 = Request(2, 1, "d"), Request(2, 2, "d")


def started(slots: Slots, request: Request, pid: int) -> None:
    """Have `request` served by a new process `pid`."""
    slots.want(request)
    assert slots.decide() == Fork(request)
    slots.forked(pid, request)


def test_the_first_request_gets_a_new_process():
    """As long as there is room, nobody waits."""
    slots = Slots(1)
    slots.want(A1)

    assert slots.decide() == Fork(A1)
    assert slots.decide() is None


def test_above_the_limit_a_request_waits():
    """Until a process is free."""
    slots = Slots(1)
    started(slots, A1, 10)
    slots.want(A2)
    assert slots.decide() is None

    slots.free(10, worker=1)

    assert slots.decide() == Give(A2, 10)


def test_requests_are_served_in_their_order():
    """Whichever worker they come from."""
    slots = Slots(1)
    started(slots, A1, 10)
    slots.want(B1)
    slots.want(A2)
    slots.free(10, worker=1)

    assert slots.decide() == Evict(10)  # B1 is first, and the process is not its own


def test_an_idle_process_of_another_worker_makes_room_once():
    """It is ended, and its place is given when it is gone."""
    slots = Slots(1)
    started(slots, A1, 10)
    slots.free(10, worker=1)
    slots.want(B1)

    assert slots.decide() == Evict(10)
    assert slots.decide() is None
    assert slots.ended(10) == 1
    assert slots.decide() == Fork(B1)


def test_a_process_that_knows_the_source_is_preferred():
    """It has imported it already."""
    slots = Slots(2)
    started(slots, A1, 10)
    started(slots, A3, 11)
    slots.free(10, worker=1)
    slots.free(11, worker=1)
    slots.want(A2)

    assert slots.decide() == Give(A2, 10)


def test_a_dropped_request_is_not_served():
    """Nobody wants it any more."""
    slots = Slots(1)
    started(slots, A1, 10)
    slots.want(A2)
    slots.drop(1, 2)
    slots.free(10, worker=1)

    assert slots.decide() is None


def test_a_request_whose_fork_failed_stays_first():
    """The system may have room a moment later."""
    slots = Slots(2)
    slots.want(A1)
    slots.want(B1)
    assert slots.decide() == Fork(A1)
    slots.want_first(A1)

    assert slots.decide() == Fork(A1)


def test_a_dead_worker_leaves_its_processes_to_be_ended():
    """And its requests are forgotten."""
    slots = Slots(2)
    started(slots, A1, 10)
    slots.want(A2)

    assert slots.leave(1) == [10]
    assert slots.owner(10) == 1
    slots.want(B1)
    assert slots.decide() == Fork(B1)


def test_only_the_owner_frees_a_process():
    """A worker cannot give away what is not its own."""
    slots = Slots(1)
    started(slots, A1, 10)
    slots.free(10, worker=2)
    slots.want(B2)

    assert slots.decide() is None
