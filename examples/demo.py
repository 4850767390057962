"""The demo: ten steps, each of which writes a line into a ledger, so that one can see what ran and how often.

With `flux dev` running in this folder:

    cp examples/demo.py workflows/
    flux run demo '"/tmp/ledger.txt"'

`flux demo` runs it and kills what runs it, with `kill -9`, in the middle. Afterwards the ledger has every
step, in order: finished steps are not run again, and only the one that was cut off may stand there twice.
"""

import asyncio
import os
from pathlib import Path

from flux import ExecutionContext, task, workflow

STEPS = 10
SECONDS = 0.3


def note(ledger: str, line: str) -> None:
    """Append a line and see it to the disk."""
    with Path(ledger).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())


@task
async def step(ledger: str, number: int) -> int:
    """A little work, then its effect: the number of the step and the process that ran it."""
    await asyncio.sleep(SECONDS)
    note(ledger, f"{number} {os.getpid()}")
    return number


@workflow
async def demo(ctx: ExecutionContext[str]) -> list[int]:
    return [await step(ctx.input, number) for number in range(1, STEPS + 1)]
