"""Ten tasks in a row, every other one in a process of its own; each body notes that it runs."""

import asyncio
import time
from typing import Any

from flux import ExecutionContext, task, workflow

TASKS = 10


def note(ledger: str, number: int) -> None:
    with open(ledger, "a", encoding="utf-8") as file:
        file.write(f"{number}\n")


@task
async def on_the_loop(ledger: str, number: int, seconds: float) -> int:
    note(ledger, number)
    await asyncio.sleep(seconds)
    return number


@task
def in_a_process(ledger: str, number: int, seconds: float) -> int:
    note(ledger, number)
    time.sleep(seconds)
    return number


@workflow
async def steps(ctx: ExecutionContext[dict[str, Any]]) -> list[int]:
    done = []
    for number in range(TASKS):
        step = in_a_process if number % 2 else on_the_loop
        done.append(await step(ctx.input["ledger"], number, ctx.input["seconds"]))
    return done
