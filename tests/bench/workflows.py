"""What the benchmarks run: user code, copied into the watched folder of the daemon under test.

Instants are seconds of the machine's monotonic clock, which all its processes share.
"""

import asyncio
import time
from pathlib import Path
from typing import TypedDict

from flux import ExecutionContext, task, workflow
from flux.tasks import parallel

BODIES = [0]  # how many bodies of `stamp` ran in this process


class Long(TypedDict):
    count: int
    mark: str


class Resumed(TypedDict):
    at: float
    bodies: int


class History(TypedDict):
    stamps: list[float]
    resumed: Resumed


class Burning(TypedDict):
    tasks: int
    loops: int


@task
async def step(number: int) -> int:
    return number


@task
async def nothing() -> None:
    return None


@task
async def stamp() -> float:
    BODIES[0] += 1
    return time.monotonic()


def was_here(path: Path) -> bool:
    """Whether the file was there; it is from now on."""
    found = path.exists()
    path.touch()
    return found


@task
async def hold(mark: str) -> Resumed:
    """Wait to be killed; at the second time, when it was and how many tasks ran again before it."""
    if not was_here(Path(mark)):
        await asyncio.sleep(3600)
    return {"at": time.monotonic(), "bodies": BODIES[0]}


@task
def burn(loops: int) -> int:
    """The spin of the limit prototype, some tens of milliseconds of pure Python."""
    x = 1
    for _ in range(loops):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    return x


@workflow
async def sequential(ctx: ExecutionContext[int]) -> int:
    total = 0
    for number in range(ctx.input):
        total += await step(number)
    return total


@workflow
async def fan(ctx: ExecutionContext[int]) -> int:
    return sum(await parallel(*[step(number) for number in range(ctx.input)]))


@workflow
async def empty(ctx: ExecutionContext[int]) -> None:
    for _ in range(ctx.input):
        await nothing()


@workflow
async def long(ctx: ExecutionContext[Long]) -> History:
    stamps = [await stamp() for _ in range(ctx.input["count"])]
    return {"stamps": stamps, "resumed": await hold(ctx.input["mark"])}


@workflow
async def burning(ctx: ExecutionContext[Burning]) -> int:
    return len(await parallel(*[burn(ctx.input["loops"]) for _ in range(ctx.input["tasks"])]))
