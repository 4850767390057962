"""What asyncio does in the order of a set, done in the order of making."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from flux.errors import NotInWorkflow
from flux.worker import ordered
from tests.worker.owner import Owner, after

ordered.install()


@pytest.fixture
def owner() -> Iterator[Owner]:
    """A fresh loop with its owner."""
    with Owner() as owner:
        yield owner


async def iterated() -> list[Any]:
    return [await each for each in asyncio.as_completed([after(n, n) for n in (3, 1, 2)])]


async def async_iterated() -> list[Any]:
    tasks = [asyncio.create_task(after(n, n)) for n in (3, 1, 2)]
    futures = [each async for each in asyncio.as_completed(tasks)]  # type: ignore[attr-defined]
    assert all(future in tasks for future in futures)
    return [future.result() for future in futures]


@pytest.mark.parametrize("body", [iterated, async_iterated])
def test_as_completed_gives_the_first_to_end_first(owner, body):
    """In both its forms, on every version of Python."""
    assert owner.finish(body()) == [1, 2, 3]


def test_as_completed_makes_its_tasks_in_the_order_of_its_argument(owner):
    """A set of coroutines would be in the order of their addresses; the same coroutine twice counts once."""
    begun: list[int] = []

    async def one(n: int) -> int:
        begun.append(n)
        return n

    async def body() -> list[int]:
        coros = [one(n) for n in range(50)]
        return [await each for each in asyncio.as_completed([*coros, coros[0]])]

    assert owner.start(body()).result() == list(range(50))
    assert begun == list(range(50))


def test_as_completed_has_a_timeout(owner):
    """What has not ended by then raises TimeoutError, as asyncio does."""

    async def body() -> list[Any]:
        seen: list[Any] = []
        for each in asyncio.as_completed([after(1, "a"), after(9, "b")], timeout=2):
            try:
                seen.append(await each)
            except TimeoutError:
                seen.append("late")
        return seen

    assert owner.finish(body()) == ["a", "late"]


def test_outside_of_a_workflow_asyncio_is_itself():
    """The replaced names do there what they always did."""

    async def main() -> tuple[list[int], int, bool]:
        task = asyncio.create_task(asyncio.sleep(0, 1))
        values = [await each for each in asyncio.as_completed([task])]
        gathering = asyncio.gather(asyncio.sleep(0))
        is_by_address = hash(gathering) == object.__hash__(gathering)
        await gathering
        return values, len(asyncio.all_tasks()), is_by_address

    assert asyncio.run(main()) == ([1], 1, True)


def test_a_workflow_sees_its_own_tasks(owner):
    """`asyncio.all_tasks()` in a body: the body and what it made."""

    async def body() -> int:
        task = asyncio.create_task(asyncio.sleep(0))
        count = len(asyncio.all_tasks())
        await task
        return count

    assert owner.start(body()).result() == 2


def test_gathers_have_one_order_in_a_set(owner):
    """The future of `gather` hashes by its number too."""

    async def body() -> list[int]:
        gathers = [asyncio.gather(asyncio.sleep(0)) for _ in range(5)]
        await asyncio.wait(gathers)
        return [hash(one) for one in gathers]

    with Owner() as other:
        assert owner.start(body()).result() == other.start(body()).result()


def test_a_lock_of_two_executions_says_so(owner):
    """A lock of the module, on which one execution waits: the other one is told what to do about it."""
    shared = asyncio.Lock()

    async def waits() -> None:
        async with shared:
            await asyncio.sleep(9)

    owner.start(waits())
    owner.start(waits())
    with Owner() as other:
        task = other.start(waits())

    with pytest.raises(NotInWorkflow, match="this Lock is shared with another execution"):
        task.result()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Task factories are eager from 3.12 on")
def test_an_eager_task_is_asked_for_in_vain(owner):
    """Tasks begin in the order of the queue, whatever the keyword says."""

    async def body() -> int:
        return await asyncio.get_running_loop().create_task(after(1, 5), eager_start=True)  # type: ignore[call-arg]

    assert owner.finish(body()) == 5
