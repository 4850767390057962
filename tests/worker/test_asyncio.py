"""What asyncio offers to coroutines works on a private loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.worker.owner import Owner, after


@pytest.fixture
def owner() -> Iterator[Owner]:
    """A fresh loop with its owner."""
    with Owner() as owner:
        yield owner


async def gather() -> Any:
    return await asyncio.gather(after(2, "a"), after(1, "b"))


async def group() -> Any:
    async with asyncio.TaskGroup() as tasks:
        made = [tasks.create_task(after(3 - n, n)) for n in range(3)]
    return [task.result() for task in made]


async def first() -> Any:
    tasks = [asyncio.create_task(after(n, n)) for n in (3, 1, 2)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    return [task.result() for task in done], len(pending)


async def too_late() -> Any:
    try:
        async with asyncio.timeout(1):
            await asyncio.sleep(5)
    except TimeoutError:
        return "late"


async def in_time() -> Any:
    return await asyncio.wait_for(after(1, "in time"), 5)


async def waited_too_long() -> Any:
    try:
        return await asyncio.wait_for(after(5, "no"), 1)
    except TimeoutError:
        return "late"


async def shielded() -> Any:
    inner = asyncio.ensure_future(after(2, "kept"))
    try:
        await asyncio.wait_for(asyncio.shield(inner), 1)
    except TimeoutError:
        return await inner


async def event() -> Any:
    bell = asyncio.Event()
    waiter = asyncio.create_task(bell.wait())
    await asyncio.sleep(1)
    bell.set()
    return await waiter


async def lock() -> Any:
    order: list[str] = []
    guard = asyncio.Lock()

    async def one(name: str) -> None:
        async with guard:
            order.append(name)
            await asyncio.sleep(1)
            order.append(name)

    await asyncio.gather(one("a"), one("b"))
    return order


async def queue() -> Any:
    line: asyncio.Queue[int] = asyncio.Queue(1)

    async def fill() -> None:
        for n in range(3):
            await line.put(n)

    filler = asyncio.create_task(fill())
    got = [await line.get() for _ in range(3)]
    await filler
    return got


async def semaphore() -> Any:
    most = now = 0
    slots = asyncio.Semaphore(2)

    async def one() -> None:
        nonlocal most, now
        async with slots:
            now += 1
            most = max(most, now)
            await asyncio.sleep(1)
            now -= 1

    await asyncio.gather(*(one() for _ in range(5)))
    return most


async def generator() -> Any:
    async def numbers() -> AsyncIterator[int]:
        for n in range(3):
            yield await after(1, n)

    return [n async for n in numbers()]


WORKING = {
    gather: ["a", "b"],
    group: [0, 1, 2],
    first: ([1], 2),
    too_late: "late",
    in_time: "in time",
    waited_too_long: "late",
    shielded: "kept",
    event: True,
    lock: ["a", "a", "b", "b"],
    queue: [0, 1, 2],
    semaphore: 2,
    generator: [0, 1, 2],
}


@pytest.mark.parametrize(("body", "result"), WORKING.items(), ids=lambda one: getattr(one, "__name__", ""))
def test_asyncio_works_in_a_workflow(owner, body, result):
    """What asyncio offers to coroutines does in a workflow what it does elsewhere."""
    assert owner.finish(body()) == result
    assert owner.timers == []
    assert owner.complaints == []
