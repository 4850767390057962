"""The sentence that says what an execution is doing and what happens next."""

import pytest

from flux.core.execution import Execution, State
from flux.core.why import duration, why
from tests.core.executions import NOW, a_pause, a_timer, an_execution

SECOND, HOUR = 1_000, 3_600_000

SENTENCES = [
    (an_execution(), "waits for a free slot since 12s"),
    (an_execution(alone=True), "waits for a worker of its own, since its last one died"),
    (
        an_execution(alone=True, deaths=2),
        "waits for a worker of its own, since its last one died (2 died with it alone)",
    ),
    (an_execution(state=State.RUNNING, worker="w3"), "running its workflow code on worker w3"),
    (an_execution(state=State.RUNNING, worker="w3", bodies={"charge#1": 1}), "running charge on worker w3"),
    (
        an_execution(state=State.RUNNING, worker="w3", bodies={"g1/charge#4": 3}),
        "running charge, attempt 3 on worker w3",
    ),
    (
        an_execution(state=State.RUNNING, worker="w3", bodies={"charge#1": 1, "ship#1": 1}),
        "running 2 tasks, charge first on worker w3",
    ),
    (
        an_execution(state=State.RUNNING, worker="w3", bodies={"charge#1": 1}, waits={"p": a_pause(opened=NOW)}),
        "running charge on worker w3; waits for an answer to ship since 12s",
    ),
    (an_execution(state=State.WAITING), "waits"),
    (an_execution(state=State.WAITING, waits={"~sleep#1": a_timer(NOW + 3 * HOUR)}), "sleeps, wakes in 2h"),
    (
        an_execution(state=State.WAITING, waits={"~s#1": a_timer(NOW + HOUR), "~s#2": a_timer(NOW + 15 * SECOND)}),
        "sleeps, wakes in 3s",
    ),
    (
        an_execution(state=State.WAITING, waits={"charge#1@2": a_timer(NOW + 24 * SECOND)}),
        "charge failed in attempt 2; attempt 3 in 12s",
    ),
    (an_execution(state=State.WAITING, waits={"~s#1": a_timer(NOW)}), "sleeps, wakes in 0s"),
    (
        an_execution(state=State.PAUSED, waits={"p": a_pause("approve", NOW - 3 * HOUR)}),
        "waits for an answer to approve since 3h",
    ),
    (
        an_execution(state=State.PAUSED, waits={"a": a_pause("late", NOW), "b": a_pause("first", NOW - HOUR)}),
        "waits for an answer to first and 1 more since 1h",
    ),
    (
        an_execution(state=State.CANCELLING, worker="w1", bodies={"a#1": 1, "b#1": 1}),
        "is being cancelled: 2 running tasks must end first",
    ),
    (
        an_execution(state=State.CANCELLING, worker="w1", bodies={"a#1": 1}),
        "is being cancelled: 1 running task must end first",
    ),
    (an_execution(state=State.CANCELLING, worker="w1"), "is being cancelled: cleaning up"),
    (an_execution(state=State.CANCELLING), "is being cancelled: waits for a free slot to clean up"),
    (an_execution(state=State.COMPLETED, finished=NOW + 90 * SECOND), "completed in 1m"),
    (an_execution(state=State.FAILED, reason="diverged"), "failed: diverged"),
    (an_execution(state=State.FAILED), "failed: for an unknown reason"),
    (an_execution(state=State.CANCELLED), "was cancelled"),
]


@pytest.mark.parametrize(("execution", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES])
def test_every_situation_has_its_sentence(execution: Execution, sentence: str):
    """Twelve seconds after the execution was last changed."""
    assert why(execution, NOW + 12 * SECOND) == sentence


def test_no_state_is_without_a_sentence():
    """All of them fit into a table as they are: one line, no capital, no full stop."""
    assert {execution.state for execution, _ in SENTENCES} == set(State)
    for _, sentence in SENTENCES:
        assert sentence == sentence.strip().rstrip(".")
        assert sentence[0].islower()


def test_a_clock_that_was_set_back_shows_no_negative_time():
    """The instants are those of the machine, and somebody may set it."""
    assert why(an_execution(), NOW - HOUR) == "waits for a free slot since 0s"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0s"), (999, "0s"), (1_000, "1s"), (59_999, "59s"), (60_000, "1m"), (3_599_999, "59m"), (3_600_000, "1h"),
     (86_399_999, "23h"), (86_400_000, "1d"), (864_000_000, "10d"), (-5, "0s")],
)  # fmt: skip
def test_durations_are_told_in_the_largest_unit_that_fits(milliseconds: int, text: str):
    """Rounded down: what takes 59.9 s has not taken a minute."""
    assert duration(milliseconds) == text
