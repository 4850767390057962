"""What one execution has to tell the daemon, and in how many reports."""

import pytest

from flux.wire.frames import SPLIT_AT, Begin, Fact, Idle, Report, Waiting
from flux.worker.outbox import Outbox


class Starter:
    """Somebody who wants to begin."""

    def allowed(self) -> None:
        """Nothing follows."""


@pytest.fixture
def outbox() -> Outbox:
    """A new one."""
    return Outbox("E1", 3, "token")


def fact(call: str, size: int = 0) -> Fact:
    return Fact(21, call, 1, 0, 0, payload=b"x" * size)


def begin(call: str, size: int = 0) -> Begin:
    return Begin(20, call, call, 1, "loop", args=b"x" * size)


def shape(reports: list[Report]) -> list[tuple[list[str], list[str]]]:
    return [([fact.call for fact in report.facts], [begin.call for begin in report.begins]) for report in reports]


def test_everything_of_a_turn_leaves_in_one_report(outbox):
    """Facts in the order of their delivery, begins after them."""
    starter = Starter()
    outbox.begin(starter, begin("c"))
    outbox.fact(fact("a"))
    outbox.fact(fact("b"))
    outbox.wait(Waiting("t", "timer", True, 5))

    (report,) = outbox.reports(None, None)

    assert shape([report]) == [(["a", "b"], ["c"])]
    assert (report.n, report.token, report.handle, [wait.call for wait in report.waits]) == (1, "token", 0, ["t"])
    assert outbox.is_empty


def test_what_is_too_large_for_one_report_leaves_in_several(outbox):
    """In the same order, begins still after all facts, waits after them."""
    half = SPLIT_AT // 2
    for call in "ab":
        outbox.fact(fact(call, half))
    for call in "cd":
        outbox.begin(Starter(), begin(call, half))
    for call in "ef":
        outbox.wait(Waiting(call, "pause", True, payload=b"x" * half))

    reports = outbox.reports(Idle(7), None)

    assert shape(reports) == [(["a"], []), (["b"], []), ([], ["c"]), ([], ["d"]), ([], []), ([], [])]
    assert [[wait.call for wait in report.waits] for report in reports[-3:]] == [[], ["e"], ["f"]]
    assert [report.idle for report in reports] == [None] * 5 + [Idle(7)]


def test_facts_of_one_call_that_follow_from_each_other_stay_together(outbox):
    """The daemon accepts the second only beside the first."""
    outbox.fact(fact("a", SPLIT_AT))
    outbox.fact(fact("a", 500))
    outbox.fact(fact("b", 500))

    assert shape(outbox.reports(None, None)) == [(["a", "a"], []), (["b"], [])]


def test_a_begin_that_has_not_left_can_be_withdrawn(outbox):
    """One that has left cannot."""
    early, late = Starter(), Starter()
    outbox.begin(early, begin("a"))
    outbox.reports(None, None)
    outbox.begin(late, begin("b"))

    assert not outbox.withdraw(early)
    assert outbox.withdraw(late)
    assert outbox.is_empty


def test_a_wait_that_was_opened_and_closed_in_between_is_not_told(outbox):
    """One that the daemon has is."""
    outbox.wait(Waiting("new", "timer", True, 5))
    outbox.wait(Waiting("new", "timer", False))
    outbox.knows_wait("old")
    outbox.wait(Waiting("old", "timer", False))

    (report,) = outbox.reports(None, None)

    assert [(wait.call, wait.open) for wait in report.waits] == [("old", False)]


def test_acknowledgements_say_who_may_start(outbox):
    """All but the denied, of every report up to the acknowledged one."""
    first, second, third = Starter(), Starter(), Starter()
    outbox.begin(first, begin("a"))
    outbox.reports(None, None)
    outbox.begin(second, begin("b"))
    outbox.begin(third, begin("c"))
    outbox.reports(None, None)
    assert outbox.asks

    assert outbox.acknowledged(2, 77, denied=(0,)) == [first, third]
    assert not outbox.asks
    assert outbox.is_acknowledged


def test_a_second_report_waits_for_the_handle(outbox):
    """It would have neither token nor handle to show."""
    outbox.fact(fact("a"))
    outbox.reports(None, None)
    assert not outbox.may_send

    outbox.acknowledged(1, 77, ())
    outbox.fact(fact("b"))
    (report,) = outbox.reports(None, None)

    assert (report.n, report.token, report.handle) == (2, None, 77)
