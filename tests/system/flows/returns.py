"""Results that cannot be kept: from a task, from a process, from the workflow itself; and too large."""

from flux import ExecutionContext, task, workflow

LIMIT = 16 * 1024 * 1024


def bad() -> dict[str, list[object]]:
    return {"rows": [1, object()]}


@task
async def on_the_loop() -> object:
    return bad()


@task
def in_a_process() -> object:
    return bad()


@task
async def huge() -> str:
    return "x" * (LIMIT + 1)


@workflow
async def returns(ctx: ExecutionContext[str]) -> object:
    if ctx.input == "workflow":
        return bad()
    if ctx.input == "huge":
        return await huge()
    return await (on_the_loop() if ctx.input == "loop" else in_a_process())
