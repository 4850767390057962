"""Workflows for the tests of the command line."""

import logging

from flux import ExecutionContext, pause, task, workflow
from flux.tasks import sleep


@task
async def greet(name: object) -> str:
    print(f"greeting {name}")  # noqa: T201 - what is printed is part of the tests
    logging.getLogger("shop").warning("slowly")
    return f"Hello, {name}!"


@task
async def refuse(reason: str) -> str:
    raise ValueError(reason)


@workflow
async def hello(ctx: ExecutionContext[object]) -> str:
    """Greet somebody."""
    return await greet(ctx.input)


@workflow
async def echo(ctx: ExecutionContext[object]) -> object:
    return ctx.input


@workflow
async def refused(ctx: ExecutionContext[str]) -> str:
    return await refuse(ctx.input)


@workflow
async def ask(ctx: ExecutionContext[object]) -> object:
    return await pause("approve", output={"total": 540})


@workflow
async def forever(ctx: ExecutionContext[object]) -> None:
    await sleep(3600)
