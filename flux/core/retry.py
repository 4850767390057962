"""Retry: whether a failed attempt is followed by another one, and after how long.

Pure: the chance in a jitter is drawn by the caller. Durations are int milliseconds. What a function of the
author answers in place of a strategy is recorded by the caller and does not come by here.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from flux.errors import InvalidInput

DELAY_LIMIT: Final = 86_400_000  # a day; who wants to wait longer means a schedule
ATTEMPTS_LIMIT: Final = 1_000_000
BACKOFF_LIMIT: Final = 1_000.0

Jitter = Literal["none", "full"]
Strategy = Literal["exponential", "linear", "constant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """What to do when an attempt fails.

    Attributes:
        max_attempts: those after the first.
        delay: before the second attempt; the strategy says how it grows.
        backoff: by how much "exponential" multiplies it each time.
        max_delay: no delay is longer.
        jitter: "full" draws each delay between 0 and itself, so that many failures do not come back at once.
        strategy: a rule, or the delays themselves; the last one holds for all further attempts.
        retry_on, give_up_on: classes of errors; `give_up_on` wins.
    """

    max_attempts: int = 0
    delay: int = 1_000
    backoff: float = 2.0
    max_delay: int = 600_000
    jitter: Jitter = "none"
    strategy: Strategy | tuple[int, ...] = "exponential"
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    give_up_on: tuple[type[BaseException], ...] = ()

    def __post_init__(self) -> None:
        _check_whole("retry attempts", self.max_attempts, ATTEMPTS_LIMIT, "")
        _check_whole("retry delay", self.delay, DELAY_LIMIT, " ms")
        _check_whole("retry max_delay", self.max_delay, DELAY_LIMIT, " ms")
        if not _is_number(self.backoff) or not 1 <= self.backoff <= BACKOFF_LIMIT:
            raise InvalidInput(f"retry backoff must be 1..{BACKOFF_LIMIT:g}, got {self.backoff!r}")
        if self.jitter not in get_args(Jitter):
            raise InvalidInput(f"retry jitter must be 'none' or 'full', got {self.jitter!r}")
        _check_strategy(self.strategy)
        _check_errors("retry_on", self.retry_on)
        _check_errors("give_up_on", self.give_up_on)


def should_retry(policy: RetryPolicy, error: BaseException) -> bool:
    """Whether `error` is of a kind that another attempt may cure."""
    return isinstance(error, policy.retry_on) and not isinstance(error, policy.give_up_on)


def next_delay(policy: RetryPolicy, attempt: int, jitter: float) -> int | None:
    """Milliseconds to wait before the next attempt; None to give up.

    Args:
        attempt: the one that just failed, counted from 1.
        jitter: uniform in [0, 1); drawn by the caller and recorded with the delay, so that replay agrees.

    Returns:
        0 <= delay <= policy.max_delay.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 - the "full jitter" formula.
    """
    if attempt < 1:
        raise InvalidInput(f"attempts are counted from 1, got {attempt}")
    if not 0 <= jitter < 1:
        raise InvalidInput(f"jitter must be in [0, 1), got {jitter}")
    if attempt > policy.max_attempts:
        return None
    delay = min(_unbounded(policy, attempt), policy.max_delay)
    return int(delay * jitter) if policy.jitter == "full" else int(delay)


def _unbounded(policy: RetryPolicy, attempt: int) -> float:
    """The delay as the strategy says it, infinite where no float can hold it."""
    strategy = policy.strategy
    if isinstance(strategy, tuple):
        return strategy[min(attempt, len(strategy)) - 1]
    if strategy == "constant" or policy.delay == 0:
        return policy.delay
    if strategy == "linear":
        return policy.delay * attempt
    try:
        return policy.delay * float(policy.backoff) ** (attempt - 1)
    except OverflowError:
        return float("inf")


def _check_strategy(strategy: object) -> None:
    if isinstance(strategy, tuple) and strategy:
        for delay in strategy:
            _check_whole("each retry delay of a list", delay, DELAY_LIMIT, " ms")
    elif strategy not in get_args(Strategy):
        rules = ", ".join(map(repr, get_args(Strategy)))
        raise InvalidInput(f"retry strategy must be {rules} or a tuple of at least one delay, got {strategy!r}")


def _check_whole(what: str, value: object, most: int, unit: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise InvalidInput(f"{what} must be 0..{most}{unit}, got {value!r}")


def _check_errors(what: str, classes: object) -> None:
    if not isinstance(classes, tuple) or not all(_is_error(cls) for cls in classes):
        raise InvalidInput(f"{what} must be a tuple of exception classes, got {classes!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_error(cls: object) -> bool:
    return isinstance(cls, type) and issubclass(cls, BaseException)
