"""A pause between two greetings; WORD is what the editor changes."""

from flux import ExecutionContext, task, workflow
from flux.tasks import pause

WORD = "old"


@task
async def greet(name: str) -> str:
    return f"{WORD} hello, {name}"


@workflow
async def greeting(ctx: ExecutionContext[str]) -> list[str]:
    before = await greet(ctx.input)
    answer = await pause("again")
    return [before, await greet(str(answer))]
