"""Retry: delays of each strategy, their limits, and which errors are tried again."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux.core.retry import DELAY_LIMIT, RetryPolicy, next_delay, should_retry
from flux.errors import InvalidInput


@pytest.mark.parametrize(
    ("policy", "delays"),
    [
        (RetryPolicy(), [None]),
        (RetryPolicy(max_attempts=4), [1_000, 2_000, 4_000, 8_000, None]),
        (RetryPolicy(max_attempts=3, delay=100, backoff=1.5), [100, 150, 225, None]),
        (RetryPolicy(max_attempts=3, delay=100, max_delay=150), [100, 150, 150, None]),
        (RetryPolicy(max_attempts=3, delay=100, strategy="linear"), [100, 200, 300, None]),
        (RetryPolicy(max_attempts=2, delay=100, strategy="constant"), [100, 100, None]),
        (RetryPolicy(max_attempts=4, strategy=(1, 5, 30)), [1, 5, 30, 30, None]),
        (RetryPolicy(max_attempts=2, delay=0), [0, 0, None]),
        (RetryPolicy(max_attempts=1, delay=5, max_delay=0), [0, None]),
    ],
)
def test_each_strategy_gives_its_delays_and_then_gives_up(policy: RetryPolicy, delays: list[int | None]):
    """`max_attempts` counts those after the first."""
    given_delays = [next_delay(policy, attempt, jitter=0.0) for attempt in range(1, len(delays) + 1)]

    assert given_delays == delays


def test_full_jitter_draws_between_nothing_and_the_delay():
    """Many failures of one moment do not come back in one moment."""
    policy = RetryPolicy(max_attempts=1, delay=1_000, jitter="full")

    assert [next_delay(policy, 1, jitter) for jitter in (0.0, 0.5, 0.9999)] == [0, 500, 999]


_POLICIES = st.builds(
    RetryPolicy,
    max_attempts=st.integers(0, 1_000_000),
    delay=st.integers(0, DELAY_LIMIT),
    backoff=st.floats(1, 1_000),
    max_delay=st.integers(0, DELAY_LIMIT),
    jitter=st.sampled_from(["none", "full"]),
    strategy=st.one_of(
        st.sampled_from(["exponential", "linear", "constant"]),
        st.lists(st.integers(0, DELAY_LIMIT), min_size=1, max_size=3).map(tuple),
    ),
)


@settings(deadline=None)
@given(_POLICIES, st.integers(1, 1_000_001), st.floats(0, 1, exclude_max=True))
def test_a_delay_is_never_out_of_bounds(policy: RetryPolicy, attempt: int, jitter: float):
    """However many attempts: no overflow, nothing negative, nothing above `max_delay`."""
    delay = next_delay(policy, attempt, jitter)

    assert (delay is None) == (attempt > policy.max_attempts)
    assert delay is None or 0 <= delay <= policy.max_delay


def test_the_ten_thousandth_attempt_waits_the_longest_delay():
    """2 ** 10,000 is no float; the limit holds all the same."""
    assert next_delay(RetryPolicy(max_attempts=20_000), 10_000, jitter=0.0) == 600_000


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"delay": -5}, "retry delay must be 0..86400000 ms, got -5"),
        ({"delay": 1.5}, "retry delay must be 0..86400000 ms, got 1.5"),
        ({"max_attempts": True}, "retry attempts must be 0..1000000, got True"),
        ({"max_attempts": -1}, "retry attempts must be 0..1000000, got -1"),
        ({"max_delay": DELAY_LIMIT + 1}, "retry max_delay must be 0..86400000 ms, got 86400001"),
        ({"backoff": 0.5}, "retry backoff must be 1..1000, got 0.5"),
        ({"backoff": float("nan")}, "retry backoff must be 1..1000, got nan"),
        ({"backoff": "2"}, "retry backoff must be 1..1000, got '2'"),
        ({"jitter": "some"}, "retry jitter must be 'none' or 'full', got 'some'"),
        ({"strategy": "cubic"}, "retry strategy must be 'exponential', 'linear', 'constant' or a tuple"),
        ({"strategy": ()}, "retry strategy must be"),
        ({"strategy": (1, -1)}, "each retry delay of a list must be 0..86400000 ms, got -1"),
        ({"retry_on": [ValueError]}, "retry_on must be a tuple of exception classes"),
        ({"give_up_on": ("ValueError",)}, "give_up_on must be a tuple of exception classes"),
    ],
)
def test_an_impossible_policy_is_refused_by_name_value_and_limit(fields: dict[str, Any], said: str):
    """A policy that exists can be followed."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        RetryPolicy(**fields)


@pytest.mark.parametrize(("attempt", "jitter"), [(0, 0.0), (1, 1.0), (1, -0.1)])
def test_an_attempt_or_a_chance_that_cannot_be_is_refused(attempt: int, jitter: float):
    """Attempts are counted from 1, and 1 is no chance."""
    with pytest.raises(InvalidInput):
        next_delay(RetryPolicy(max_attempts=1), attempt, jitter)


@pytest.mark.parametrize(
    ("error", "again"),
    [(OSError(), True), (FileNotFoundError(), False), (ValueError(), False), (KeyboardInterrupt(), False)],
    ids=["named", "given up", "not named", "no Exception"],
)
def test_errors_are_tried_again_by_their_class(error: BaseException, again: bool):
    """`give_up_on` wins over `retry_on`."""
    policy = RetryPolicy(retry_on=(OSError,), give_up_on=(FileNotFoundError,))

    assert should_retry(policy, error) is again


def test_by_default_every_exception_is_tried_again_and_no_cancellation():
    """Cancelling and leaving are no failures."""
    assert should_retry(RetryPolicy(), ValueError())
    assert not should_retry(RetryPolicy(), SystemExit())
