"""Files written for the existing `flux` API, run as they are: `python file.py`, without a daemon."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAD = """
from flux import ExecutionContext
from flux.task import task
from flux.workflow import workflow
from flux.tasks import now, parallel, pause, pipeline, sleep, uuid4, choice, randint, randrange
import json
"""

GREETING = """
@task
async def say_hello(name: str):
    return f"Hello, {name}"

@workflow
async def hello_world(ctx: ExecutionContext[str]):
    return await say_hello(ctx.input)

if __name__ == "__main__":
    ctx = hello_world.run("Joe")
    shown = json.loads(ctx.to_json())
    print(json.dumps([ctx.output, ctx.has_finished, ctx.has_succeeded, shown["input"], shown["output"]]))
"""

OPTIONS = """
def on_failure(number):
    return -number

def undo(number):
    print("undone")

@task.with_options(
    name="risky_{number}", retry_max_attempts=2, retry_delay=0, retry_backoff=1, timeout=10,
    fallback=on_failure, rollback=undo, cache=False, secret_requests=[], output_storage=None, metadata=False,
)
async def risky(number: int):
    raise ValueError("always")

@workflow.with_options(name="options_example", secret_requests=[], output_storage=None)
async def options(ctx: ExecutionContext[int]):
    return await risky(ctx.input)

if __name__ == "__main__":
    print(json.dumps(options.run(7).output))
"""

PARALLEL = """
@task
async def square(number: int):
    return number * number

@task
def cube(number: int):
    return number ** 3

@workflow
async def numbers(ctx: ExecutionContext[list[int]]):
    squares = await square.map(ctx.input)
    mixed = await parallel(square(10), cube(10))
    through = await pipeline(square, cube, input=2)
    return [squares, mixed, through]

if __name__ == "__main__":
    print(json.dumps(numbers.run([1, 2, 3]).output))
"""

PAUSED = """
@task
async def prepare():
    return "ready"

@workflow
async def approval(ctx: ExecutionContext):
    state = await prepare()
    answer = await pause("manual_approval", output={"state": state})
    return [state, answer]

if __name__ == "__main__":
    ctx = approval.run()
    assert ctx.is_paused and not ctx.has_finished
    ctx = approval.resume(ctx.execution_id, {"approved": True})
    again = approval.run(execution_id=ctx.execution_id)
    print(json.dumps([ctx.output, again.output == ctx.output, again.execution_id == ctx.execution_id]))
"""

BUILT_INS = """
@workflow
async def built_ins(ctx: ExecutionContext):
    started = await now()
    await sleep(0.01)
    identity, pick = await uuid4(), await choice(["a", "b"])
    assert (await now() - started).total_seconds() >= 0.01
    return [str(identity).count("-"), pick in "ab", 1 <= await randint(1, 6) <= 6, await randrange(0, 10, 5) in (0, 5)]

if __name__ == "__main__":
    print(json.dumps(built_ins.run().output))
"""

FAILING = """
@task
async def broken():
    raise KeyError("nobody home")

@workflow
async def failing(ctx: ExecutionContext[str]):
    await broken()

if __name__ == "__main__":
    ctx = failing.run()
    print(json.dumps([ctx.has_failed, ctx.has_succeeded, "KeyError" in ctx.to_json()]))
"""


@pytest.mark.parametrize(
    ("program", "printed"),
    [
        (GREETING, ["Hello, Joe", True, True, "Joe", "Hello, Joe"]),
        (OPTIONS, -7),
        (PARALLEL, [[1, 4, 9], [100, 1000], 64]),
        (PAUSED, [["ready", {"approved": True}], True, True]),
        (BUILT_INS, [4, True, True, True]),
        (FAILING, [True, False, True]),
    ],
    ids=["greeting", "options", "parallel", "paused", "built-ins", "failing"],
)
def test_a_file_for_the_existing_api_runs_as_it_is(program: str, printed: object, tmp_path: Path) -> None:
    """Imports, decorators, options, `run`, `resume` and what they give are where such files expect them."""
    file = tmp_path / "file.py"
    file.write_text(HEAD + program, "utf-8")

    run = subprocess.run(
        [sys.executable, str(file)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "FLUX_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == printed
