"""Chance that repeats: values drawn from the execution and the place of the call, the same on every replay.

Nothing of it is recorded: the generator of a call is seeded by what never changes, the execution's id
and the call's. Not for secrets: whoever knows both ids can compute the value.
"""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from flux.runtime import current

T = TypeVar("T")


async def uuid4() -> UUID:
    """A random UUID (version 4)."""
    return UUID(int=current("uuid4()").random("uuid4").getrandbits(128), version=4)


async def choice(options: Sequence[T]) -> T:
    """One of `options`, each as likely as the others.

    Raises:
        IndexError: there are none.
    """
    return current("choice()").random("choice").choice(options)


async def randint(low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return current("randint()").random("randint").randint(low, high)


async def randrange(start: int, stop: int | None = None, step: int = 1) -> int:
    """One of the numbers of `range(start, stop, step)`; with `start` alone, of `range(start)`."""
    return current("randrange()").random("randrange").randrange(start, stop, step)
