"""`pipeline`: each stage gets what the one before it returned."""

from collections.abc import Callable

import pytest

from flux.errors import InvalidDefinition
from flux.task import task
from flux.tasks import pipeline
from tests.inline import running


@task
async def double(n: int) -> int:
    return 2 * n


@task
def spell(n: int) -> str:
    return ["one", "two", "three", "four"][n - 1]


async def test_values_go_from_stage_to_stage() -> None:
    """Tasks, async functions and plain ones may follow each other."""

    async def exclaim(text: str) -> str:
        return text + "!"

    with running() as runtime:
        assert await pipeline(double, spell, exclaim, str.upper, input=2) == "FOUR!"

    assert runtime.begun == ["double#1", "spell#1"]


async def test_the_first_stage_may_get_nothing() -> None:
    """Without an input it gets None."""
    assert await pipeline(lambda value: [value]) == [None]


async def test_an_error_names_the_stage() -> None:
    """The error stays what it was; a note says where it happened."""
    with running(), pytest.raises(IndexError) as raised:
        await pipeline(double, spell, double, input=40)

    assert raised.value.__notes__ == ["in stage 2 of 3 of a pipeline: spell"]


@pytest.mark.parametrize(
    ("stages", "reason"),
    [((), "at least one stage"), ((double, 7), "stage 2 of a pipeline cannot be called: 7")],
    ids=["none", "a number"],
)
async def test_what_cannot_be_called_is_refused_before_anything_runs(
    stages: tuple[Callable[..., object], ...], reason: str
) -> None:
    """A pipeline that cannot reach its end does not begin."""
    with running() as runtime:
        with pytest.raises(InvalidDefinition, match=reason):
            await pipeline(*stages, input=1)

    assert runtime.placed == []


async def test_a_stage_that_was_already_called_is_refused_with_a_hint() -> None:
    """The commonest slip: `pipeline(double(1), spell)`."""
    with running(), pytest.raises(InvalidDefinition, match="give the task itself"):
        await pipeline(double(1), spell)  # type: ignore[call-overload]  # wrong on purpose
