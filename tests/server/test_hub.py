"""Handing out what was committed."""

from flux.server.hub import Frame, Hub, frames_of
from tests.engine.desk import CALLER


def frame(position: int, execution: str = "e1") -> Frame:
    """A frame at a position."""
    return Frame(event="task", position=position, data=b"{}", execution=execution, ref=("default", "work"), rests=False)


def positions(frames: list[Frame]) -> list[int]:
    """Where frames stand in the log."""
    return [one.position for one in frames]


async def test_a_reader_gets_what_it_wants_in_order(site):
    """One execution or all."""
    hub = Hub(site.desk.gate.live, site.desk.clock, 100)
    of_all, of_one = hub.join(CALLER, None), hub.join(CALLER, "e1")
    for reader in (of_all, of_one):
        reader.push([frame(1), frame(2, "e2"), frame(3)])

    assert positions(await of_all.take(1)) == [1, 2, 3]
    assert positions(await of_one.take(1)) == [1, 3]
    assert await of_one.take(0.01) == []


async def test_a_full_queue_is_dropped_and_costs_nothing_more(site):
    """What is lost is said; until it is cleared, nothing is kept."""
    reader = Hub(site.desk.gate.live, site.desk.clock, 3).join(CALLER, None)
    reader.push([frame(number) for number in range(1, 5)])
    assert reader.lost
    reader.push([frame(5)])

    assert await reader.take(1) == []
    reader.clear()
    reader.push([frame(6)])
    assert positions(await reader.take(1)) == [6]
    assert not reader.lost


async def test_who_left_is_told_nothing(site):
    """And is forgotten, one by one."""
    hub = Hub(site.desk.gate.live, site.desk.clock, 10)
    readers = [hub.join(CALLER, one) for one in (None, "e1", "e1")]
    assert len(hub) == 3
    for reader in readers:
        hub.leave(reader)

    assert len(hub) == 0


async def test_closing_wakes_everybody(site):
    """Nobody sleeps through the end of the daemon."""
    hub = Hub(site.desk.gate.live, site.desk.clock, 10)
    reader = hub.join(CALLER, "e1")
    hub.close()

    assert await reader.take(60) == []
    assert hub.closing


def test_events_of_unknown_executions_make_no_frames():
    """Nothing can be said about them, so nothing is."""
    assert frames_of([("e1", None)], {}, 0, str) == []  # type: ignore[list-item]  # never looked at
