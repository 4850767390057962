"""Hello: the smallest workflow.

With `flux dev` running in this folder:

    cp examples/hello.py workflows/
    flux run hello '"World"'

Or without a daemon: `python examples/hello.py World`.
"""

import sys

from flux import ExecutionContext, task, workflow


@task
async def greet(name: str) -> str:
    return f"Hello, {name}!"


@workflow
async def hello(ctx: ExecutionContext[str]) -> str:
    return await greet(ctx.input)


if __name__ == "__main__":
    print(hello.run(" ".join(sys.argv[1:]) or "World").to_json())
