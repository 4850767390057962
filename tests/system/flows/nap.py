"""A durable sleep between two notes in the ledger."""

from pathlib import Path

from flux import ExecutionContext, task, workflow
from flux.tasks import sleep


@task
async def note(ledger: str, word: str) -> None:
    with Path(ledger).open("a", encoding="utf-8") as file:
        file.write(f"{word}\n")


@workflow
async def nap(ctx: ExecutionContext[list[str]]) -> str:
    """Input: the ledger, seconds."""
    ledger, seconds = ctx.input
    await note(ledger, "asleep")
    await sleep(float(seconds))
    await note(ledger, "awake")
    return "rested"
