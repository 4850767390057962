"""`pause`: what is asked of the runtime."""

import pytest

from flux.errors import NoExecution
from flux.tasks import pause
from tests.inline import InlineRuntime, running


async def test_a_pause_gives_what_it_is_resumed_with() -> None:
    """By its name."""
    with running(InlineRuntime(answers={"approve": {"yes": True}})) as runtime:
        assert await pause("approve", output={"total": 12}) == {"yes": True}

    assert runtime.paused == [("approve", {"total": 12})]


@pytest.mark.parametrize("value", [{"question": "really?"}, ["a", "b"], 7, True])
async def test_a_value_in_the_place_of_the_name_is_the_output(value: object) -> None:
    """As the older API has it."""
    with running() as runtime:
        await pause(value)

    assert runtime.paused == [("pause", value)]


async def test_a_pause_needs_no_name() -> None:
    """People resume the oldest one unless they name one."""
    with running() as runtime:
        await pause()

    assert runtime.paused == [("pause", None)]


async def test_two_outputs_are_refused() -> None:
    """One of them would be lost."""
    with running(), pytest.raises(TypeError, match="a name and an output, or one value"):
        await pause({"a": 1}, output={"b": 2})


@pytest.mark.parametrize("name", ["", "x" * 201], ids=["empty", "too long"])
async def test_a_name_that_nobody_can_type_is_refused(name: str) -> None:
    """Names are for people."""
    with running(), pytest.raises(ValueError, match=r"1\.\.200 characters"):
        await pause(name)


async def test_outside_of_an_execution_there_is_nothing_to_pause() -> None:
    """It says so instead of waiting for ever."""
    with pytest.raises(NoExecution, match=r"pause\(\)"):
        await pause("approve")
