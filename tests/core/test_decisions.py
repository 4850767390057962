"""What follows what in one call."""

import pytest

from flux.core.decisions import FIRST, Progress, Record, Run, Sleep, after, delay_after, next_step
from flux.core.events import EventType as T
from flux.core.retry import RetryPolicy

FAILED = Progress(has_failed=True, error=b"e")
ROLLED_BACK = Progress(has_failed=True, error=b"e", is_rolled_back=True)
HALF_BACK = Progress(has_failed=True, error=b"e", is_rolled_back=True, later_error=b"r")
FELL_BACK = Progress(has_failed=True, error=b"e", value=b"v")
FELL = Progress(has_failed=True, error=b"e", later_error=b"f")
CASES = {
    "new": (FIRST, "", Run(begin=T.TASK_STARTED, attempt=1)),
    "delayed": (Progress(due=9), "", Sleep(due=9)),
    "next attempt": (Progress(attempt=2), "", Run(begin=T.TASK_STARTED, attempt=2)),
    "failed": (FAILED, "", Record(fact=T.TASK_FAILED)),
    "failed, rollback first": (FAILED, "rf", Run(begin=T.TASK_ROLLBACK_STARTED, attempt=1)),
    "rolled back, then fallback": (ROLLED_BACK, "rf", Run(begin=T.TASK_FALLBACK_STARTED, attempt=1)),
    "rolled back": (ROLLED_BACK, "r", Record(fact=T.TASK_FAILED)),
    "rollback failed: no fallback hides it": (HALF_BACK, "rf", Record(fact=T.TASK_FAILED)),
    "fallback gave a value": (FELL_BACK, "f", Record(fact=T.TASK_COMPLETED)),
    "fallback failed": (FELL, "f", Record(fact=T.TASK_FAILED)),
    "cancelled": (FIRST, "c", Record(fact=T.TASK_CANCELLED)),
    "cancelled in a delay": (Progress(due=9), "c", Record(fact=T.TASK_CANCELLED)),
    "cancelled, rollback first": (FIRST, "cr", Run(begin=T.TASK_ROLLBACK_STARTED, attempt=1)),
    "cancelled, rolled back": (ROLLED_BACK, "crf", Record(fact=T.TASK_CANCELLED)),
    "cancelled, rollback failed": (HALF_BACK, "cr", Record(fact=T.TASK_CANCELLED)),
    "completed": (Progress(end=T.TASK_COMPLETED), "rf", None),
    "denied": (Progress(end=T.TASK_DENIED), "c", None),
}


@pytest.mark.parametrize(("progress", "having", "step"), CASES.values(), ids=CASES.keys())
def test_the_next_step_follows_from_the_progress(progress, having, step):
    """Attempts, then rollback, then fallback, then the end; a cancel leaves only rollback. c: cancelled."""
    told = next_step(progress, is_cancelled="c" in having, has_rollback="r" in having, has_fallback="f" in having)

    assert told == step


FACTS = {
    "an attempt that will be followed": ((T.TASK_ATTEMPT_FAILED, b"e", 7), Progress(error=b"e", due=7)),
    "the last attempt": ((T.TASK_ATTEMPT_FAILED, b"e", 0), Progress(error=b"e", has_failed=True)),
    "rollback": ((T.TASK_ROLLBACK_COMPLETED, b"null", 0), Progress(is_rolled_back=True)),
    "failing rollback": ((T.TASK_ROLLBACK_FAILED, b"r", 0), Progress(is_rolled_back=True, later_error=b"r")),
    "fallback": ((T.TASK_FALLBACK_COMPLETED, b"v", 0), Progress(value=b"v")),
    "failing fallback": ((T.TASK_FALLBACK_FAILED, b"f", 0), Progress(later_error=b"f")),
    "end": ((T.TASK_CANCELLED, None, 0), Progress(end=T.TASK_CANCELLED)),
    "a begin says nothing": ((T.TASK_STARTED, b"[]", 0), FIRST),
}


@pytest.mark.parametrize(("event", "progress"), FACTS.values(), ids=FACTS.keys())
def test_a_progress_is_the_fold_of_what_is_recorded(event, progress):
    """Each fact moves the call on by itself, so that a log gives the same progress as the worker that wrote it."""
    assert after(FIRST, *event) == progress


def test_a_timer_begins_the_next_attempt():
    """The delay over, the error of the failed attempt stays known."""
    failed = after(FIRST, T.TASK_ATTEMPT_FAILED, b"e", 7)

    assert after(failed, T.TIMER_FIRED) == Progress(attempt=2, error=b"e")


@pytest.mark.parametrize(
    ("attempt", "error", "delay"),
    [
        (1, ValueError(), 10),
        (2, ValueError(), 20),
        (3, ValueError(), None),
        (1, KeyError(), None),
        (1, SystemExit(), None),
    ],
    ids=["first", "second", "none left", "given up on", "no Exception"],
)
def test_whether_an_attempt_is_followed_is_decided_by_its_error(attempt, error, delay):
    """Only errors that another attempt may cure are tried again, and only as often as the policy says."""
    policy = RetryPolicy(max_attempts=2, delay=10, give_up_on=(KeyError,))

    assert delay_after(policy, attempt, error, jitter=0.0) == delay
