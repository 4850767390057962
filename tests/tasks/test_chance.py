"""Chance that repeats."""

import pytest

from flux.errors import NoExecution
from flux.tasks import choice, randint, randrange, uuid4
from tests.inline import running


async def draws() -> list[object]:
    """One of each, and one twice."""
    return [await uuid4(), await uuid4(), await choice("abcdef"), await randint(1, 6), await randrange(0, 100, 5)]


async def test_the_same_places_draw_the_same() -> None:
    """What a replay draws is what the first run drew."""
    with running():
        first = await draws()
    with running():
        again = await draws()

    assert first == again


async def test_every_place_draws_for_itself() -> None:
    """Two calls of one name are two places."""
    with running():
        assert len({await uuid4() for _ in range(100)}) == 100


async def test_values_are_what_they_say() -> None:
    """The forms of the standard library, with its bounds."""
    with running():
        assert (await uuid4()).version == 4
        assert {await randint(1, 3) for _ in range(100)} == {1, 2, 3}
        assert {await randrange(3) for _ in range(100)} == {0, 1, 2}
        assert {await randrange(2, 8, 3) for _ in range(100)} == {2, 5}
        assert {await choice(["a", "b"]) for _ in range(100)} == {"a", "b"}


async def test_nothing_can_be_chosen_from_nothing() -> None:
    """As in the standard library."""
    with running(), pytest.raises(IndexError):
        await choice([])


async def test_outside_of_an_execution_nothing_repeats() -> None:
    """A value that would differ next time is not given."""
    for call in (uuid4(), choice([1]), randint(0, 1), randrange(1)):
        with pytest.raises(NoExecution):
            await call
