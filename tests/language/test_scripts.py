"""Scripts that run workflows in their own process, written as people write them."""

from pathlib import Path

from tests.local.script import run

_TWICE = """
from flux import task, workflow

@task
def double(n):
    return 2 * n

@workflow
async def job(ctx):
    return await double(ctx.input)

first = job

@workflow
async def job(ctx):
    return 1 + await double(ctx.input)

if __name__ == "__main__":
    print(first.run(3).output, job.run(3).output, first.run(4).output)
"""


def test_a_workflow_may_be_defined_anew_in_a_script(tmp_path: Path):
    """Whose `run` is called, that one runs; its `def` tasks are found in the file all the same."""
    script = tmp_path / "twice.py"
    script.write_text(_TWICE)

    assert run(script, tmp_path / "home").split() == ["6", "7", "8"]


_IDS = """
from flux import workflow
from flux.errors import InvalidInput

@workflow
async def job(ctx):
    return ctx.execution_id

for given in (5, "", " ", "x" * 201, b"id"):
    try:
        print(job.run(execution_id=given).output)
    except InvalidInput as error:
        print("refused")
print(job.run(execution_id="order 7/ä").output)
"""


def test_an_execution_id_is_a_text_of_some_length(tmp_path: Path):
    """What cannot be one is refused before anything is stored; an empty one is a variable that nobody has set."""
    script = tmp_path / "ids.py"
    script.write_text(_IDS)

    assert run(script, tmp_path / "home").splitlines() == ["refused"] * 5 + ["order 7/ä"]


_LOCAL = """
import sys
from dataclasses import dataclass
from flux import pause, task, workflow

def make():
    @dataclass
    class Order:
        id: int

    @task
    async def order(n):
        return Order(n)

    @workflow
    async def job(ctx):
        first = await order(1)
        await pause("sure")
        return first == Order(1) and type(first) is Order

    return job

job = make()
print(job.run(execution_id="one").state if sys.argv[1] == "run" else job.resume("one").output)
"""


def test_values_of_a_class_inside_a_function_are_read_by_the_next_process(tmp_path: Path):
    """What could be kept on the first run is found again on replay: the function has made its class anew."""
    script = tmp_path / "local.py"
    script.write_text(_LOCAL)

    assert run(script, tmp_path / "home", "run") == "PAUSED\n"
    assert run(script, tmp_path / "home", "resume") == "True\n"
