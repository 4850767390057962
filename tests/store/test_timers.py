"""Rows of open timers."""

import pytest

from flux.store import executions, timers
from flux.store.timers import Timer
from tests.core.executions import an_execution


@pytest.fixture(autouse=True)
def two(tx) -> None:
    """Two executions that may have timers."""
    executions.insert(tx, an_execution(key=1, id="E1"), None)
    executions.insert(tx, an_execution(key=2, id="E2"), None)


def test_an_open_timer_is_found_with_whose_it_is(tx):
    """Opened at the instant of the transaction."""
    timers.open_one(tx, 1, "~sleep#1", 5_000, "a#1")
    timers.open_one(tx, 2, "~sleep#1", 6_000, None)

    assert timers.of(tx, 1) == [Timer("E1", "~sleep#1", 5_000, 1_000, "a#1")]
    assert sorted(timers.everything(tx)) == [
        Timer("E1", "~sleep#1", 5_000, 1_000, "a#1"),
        Timer("E2", "~sleep#1", 6_000, 1_000, None),
    ]


def test_the_same_timer_again_moves_it(tx):
    """A worker that was granted an execution anew tells of its timers once more."""
    timers.open_one(tx, 1, "~t#1", 5_000, None)
    timers.open_one(tx, 1, "~t#1", 7_000, None)

    assert [timer.due for timer in timers.of(tx, 1)] == [7_000]


def test_closing_removes_one_or_all_of_an_execution(tx):
    """One that is not there is no error."""
    for call in ("a", "b", "c"):
        timers.open_one(tx, 1, call, 5, None)
    timers.open_one(tx, 2, "a", 5, None)

    timers.close(tx, 1, "b")
    timers.close(tx, 1, "nobody")
    left = sorted(timer.call for timer in timers.of(tx, 1))
    timers.close_all(tx, 1)

    assert left == ["a", "c"]
    assert [timer.execution for timer in timers.everything(tx)] == ["E2"]
