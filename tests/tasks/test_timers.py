"""Sleep and now."""

from datetime import timedelta

import pytest

from flux.errors import NoExecution
from flux.tasks import now, sleep
from tests.inline import INSTANT, running


@pytest.mark.parametrize(
    ("duration", "milliseconds"),
    [
        (0, 0),
        (1, 1000),
        (0.25, 250),
        (0.1 + 0.2, 300),
        (0.0001, 1),
        (timedelta(minutes=2), 120_000),
        (timedelta(microseconds=1), 1),
    ],
    ids=str,
)
async def test_sleep_is_never_shorter_than_asked_for(duration: float | timedelta, milliseconds: int) -> None:
    """Whole milliseconds, rounded up; noise of binary fractions does not count."""
    with running() as runtime:
        await sleep(duration)

    assert runtime.slept == [milliseconds]


@pytest.mark.parametrize(
    ("duration", "error"),
    [
        (-1, ValueError),
        (timedelta(seconds=-1), ValueError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        ("1", TypeError),
        (None, TypeError),
        (True, TypeError),
    ],
    ids=str,
)
async def test_what_is_no_duration_is_refused(duration: float, error: type[Exception]) -> None:
    """Before anything is asked of the runtime."""
    with running() as runtime:
        with pytest.raises(error, match="sleep"):
            await sleep(duration)

    assert runtime.slept == []


async def test_now_is_what_the_runtime_says() -> None:
    """No clock is read: a replay gets the same instant."""
    with running():
        assert await now() == INSTANT


async def test_outside_of_an_execution_there_is_no_time() -> None:
    """Durable time needs somebody who keeps it."""
    for call in (now(), sleep(1)):
        with pytest.raises(NoExecution):
            await call
