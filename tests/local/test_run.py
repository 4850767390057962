"""`workflow.run()`: in the caller's process, in scripts, in a REPL, under a running loop, across processes."""

from pathlib import Path
from textwrap import dedent

import pytest

from flux import ExecutionContext, task, workflow
from flux.errors import NotFound, PayloadTypeError, WrongState
from flux.tasks import pause
from tests.local import script

LEDGER_STEPS = """
    import os, sys
    from flux import ExecutionContext, task, workflow

    LEDGER = sys.argv[1]

    @task
    async def step(number):
        with open(LEDGER, "a") as ledger:
            ledger.write(f"{number}\\n")
        if number == 2 and len(sys.argv) > 2:
            os.kill(os.getpid(), 9)
        return number

    @workflow
    async def steps(ctx: ExecutionContext[int]):
        return [await step(number) for number in range(ctx.input)]

    if __name__ == "__main__":
        ctx = steps.run(5, execution_id="steps-1")
        print(ctx.state, ctx.output)
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for what `run()` keeps in this process."""
    monkeypatch.setenv("FLUX_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@task
async def double(number: int) -> int:
    """Twice the number."""
    return number * 2


@workflow
async def doubled(ctx: ExecutionContext[int]) -> int:
    """Twice the input."""
    return await double(ctx.input)


@workflow
async def asked(ctx: ExecutionContext[str]) -> object:
    """The answer to a pause."""
    return await pause("question", output={"about": ctx.input})


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(dedent(text))
    return path


def test_a_killed_script_goes_on_where_it_was(tmp_path: Path, home: Path) -> None:
    """The second process finds the log of the first; only the task in flight runs twice."""
    path = _write(tmp_path, "steps.py", LEDGER_STEPS)
    ledger = tmp_path / "ledger"
    killed = script.start(path, home, str(ledger), "die")
    killed.communicate(timeout=50)

    printed = script.run(path, home, str(ledger))

    assert killed.returncode == -9
    assert printed == "COMPLETED [0, 1, 2, 3, 4]\n"
    assert ledger.read_text().split() == ["0", "1", "2", "2", "3", "4"]


def test_a_pause_is_answered_by_another_call() -> None:
    """`run` returns at the pause with what it shows; `resume` goes on."""
    paused = asked.run("shoes")
    again = asked.run(execution_id=paused.execution_id)
    done = asked.resume(paused.execution_id, {"yes": True})

    assert paused.is_paused
    assert paused.output == {"about": "shoes"}
    assert again.is_paused
    assert done.output == {"yes": True}


def test_a_finished_execution_is_given_as_it_is() -> None:
    """Nothing runs a second time."""
    first = doubled.run(21)
    again = doubled.run(execution_id=first.execution_id)

    assert again == first
    assert again.output == 42


def test_what_cannot_be_kept_is_refused_before_anything_runs() -> None:
    """The error names the place inside the value."""
    with pytest.raises(PayloadTypeError, match="input"):
        doubled.run(object())


def test_resuming_what_is_not_paused_is_an_error() -> None:
    """The state is named, and an unknown id is not made up."""
    done = doubled.run(1)

    with pytest.raises(WrongState, match="COMPLETED"):
        doubled.resume(done.execution_id, 1)
    with pytest.raises(NotFound):
        doubled.resume("nobody", 1)


def test_a_paused_execution_can_be_cancelled() -> None:
    """It runs its clean-up and ends CANCELLED."""
    paused = asked.run("shoes")

    assert asked.cancel(paused.execution_id).is_cancelled


async def test_arun_leaves_the_callers_loop_free() -> None:
    """Under a running loop, too: one engine thread serves all."""
    assert (await doubled.arun(4)).output == 8
    assert doubled.run(5).output == 10


def test_a_workflow_inside_a_function_runs_its_def_tasks_in_threads() -> None:
    """No other process could find them; one warning says so."""

    @task
    def add(a: int, b: int) -> int:
        return a + b

    @workflow
    async def sums(ctx: ExecutionContext[None]) -> list[int]:
        return [await add(1, 2), await add(3, 4)]

    with pytest.warns(RuntimeWarning, match="thread") as warned:
        assert sums.run().output == [3, 7]

    assert len(warned) == 1


def test_a_repl_can_define_and_run(home: Path, tmp_path: Path) -> None:
    """Code that has no file runs as well: tasks that are `def` in a thread."""
    code = """
from flux import task, workflow
@task
def half(number): return number / 2

@task
async def twice(number): return number * 2

@workflow
async def both(ctx): return [await half(ctx.input), await twice(ctx.input)]

print(both.run(8).output)
"""
    printed = script.run(Path("-i"), home, stdin=code, more={"PYTHONWARNINGS": "ignore"})

    assert printed == "[4.0, 16]\n"


def test_a_script_without_a_guard_runs_its_def_tasks_once(tmp_path: Path, home: Path) -> None:
    """A task process imports the script for its functions; the run at its end is not repeated there."""
    path = _write(
        tmp_path,
        "unguarded.py",
        """
        import os
        from flux import task, workflow

        @task
        def where():
            return os.getpid()

        @workflow
        async def once(ctx):
            return await where()

        pid = once.run().output
        print(pid != os.getpid())
        """,
    )

    assert script.run(path, home) == "True\n"


def test_two_processes_share_the_file_one_after_the_other(tmp_path: Path, home: Path) -> None:
    """The second waits until the first has nothing more to do; nobody's work is lost."""
    path = _write(
        tmp_path,
        "count.py",
        """
        import sys
        from flux import task, workflow

        @task
        async def one(number):
            return number

        @workflow
        async def count(ctx):
            return sum([await one(number) for number in range(ctx.input)])

        print(count.run(20).output)
        """,
    )

    running = [script.start(path, home) for _ in range(3)]
    printed = [one.communicate(timeout=50)[0] for one in running]

    assert printed == ["190\n"] * 3
