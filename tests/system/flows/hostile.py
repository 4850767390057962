"""Tasks that do what no task should: block, crash, leave, eat memory. Each on the loop and in a process."""

import asyncio
import ctypes
import os
import time
from collections.abc import Callable

from flux import ExecutionContext, task, workflow

BLOCK = 3600


def block() -> None:
    time.sleep(BLOCK)


def crash() -> None:
    ctypes.string_at(0)


def leave() -> None:
    os._exit(3)


def eat() -> None:
    eaten = []
    while True:
        eaten.append(bytes(16 * 1024 * 1024))


DEEDS: dict[str, Callable[[], None]] = {"block": block, "crash": crash, "leave": leave, "eat": eat}


@task.with_options(timeout=1)
async def on_the_loop(deed: str) -> None:
    DEEDS[deed]()


@task.with_options(timeout=1)
def in_a_process(deed: str) -> None:
    DEEDS[deed]()


@workflow
async def hostile(ctx: ExecutionContext[list[str]]) -> str:
    """Input: where, what."""
    where, deed = ctx.input
    await (on_the_loop(deed) if where == "loop" else in_a_process(deed))
    return "survived"


@task.with_options(retry_max_attempts=1, retry_delay=0)
async def stubborn(once: str) -> int:
    if not os.path.exists(once):
        open(once, "w").close()
        block()
    return os.getpid()


@workflow
async def retried(ctx: ExecutionContext[str]) -> int:
    """Input: a file. Where the second attempt ran, after the first has held its worker without a timeout."""
    return await stubborn(ctx.input)


@task
async def tick(ledger: str, who: str, number: int) -> int:
    with open(ledger, "a", encoding="utf-8") as file:
        file.write(f"{who}.{number}\n")
    await asyncio.sleep(0.02)
    return number


@workflow
async def ticking(ctx: ExecutionContext[list[str]]) -> int:
    """Input: the ledger, a name, a file that ends it. The number of ticks until that file was there."""
    ledger, who, end = ctx.input
    number = 0
    while not await is_over(end):
        number += 1
        await tick(ledger, who, number)
    return number


@task
async def is_over(end: str) -> bool:
    return os.path.exists(end)
