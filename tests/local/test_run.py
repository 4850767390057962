"""`workflow.run()`: in the caller's process, in scripts, in a REPL, under a running loop, across processes."""

import asyncio
import os
import threading
from pathlib import Path
from textwrap import dedent

import pytest

from flux import ExecutionContext, task, workflow
from flux.errors import Conflict, NotFound, PayloadTypeError, WrongState
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


AT_THE_GATE, GATE = threading.Event(), threading.Event()


@task
async def wait_at_the_gate() -> str:
    """Says that it is there, and waits until the gate is open."""
    AT_THE_GATE.set()
    await asyncio.to_thread(GATE.wait, 20)
    return "through"


@workflow
async def held(ctx: ExecutionContext[None]) -> str:
    """What comes through the gate."""
    return await wait_at_the_gate()


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


def test_a_sleeping_execution_goes_on_after_a_kill(tmp_path: Path, home: Path) -> None:
    """Its timer counts where it is loaded: the next process that asks for it loads it."""
    path = _write(
        tmp_path,
        "nap.py",
        """
        import os, sys, threading
        from flux import task, workflow
        from flux.tasks import sleep

        @task
        async def one():
            if len(sys.argv) > 1:  # by then it sleeps
                threading.Timer(0.3, lambda: os.kill(os.getpid(), 9)).start()
            return 1

        @workflow
        async def nap(ctx):
            await one()
            await sleep(1)
            return "rested"

        print(nap.run(execution_id="nap-1").output)
        """,
    )
    killed = script.start(path, home, "die")
    killed.communicate(timeout=50)

    assert killed.returncode == -9
    assert script.run(path, home) == "rested\n"


def test_a_forked_child_does_not_keep_the_file(tmp_path: Path, home: Path) -> None:
    """It outlives its parent's engine and knows nothing of it; the next process need not wait for its end."""
    path = _write(
        tmp_path,
        "forks.py",
        """
        import os, sys
        from flux import task, workflow

        @task
        async def one():
            return 1

        @workflow
        async def once(ctx):
            return await one()

        print(once.run().output, flush=True)
        if len(sys.argv) > 1:
            if os.fork():
                os._exit(0)  # without a word: the child holds what it has
            os.close(1)
            open(sys.argv[1]).read()  # until the test lets it go
        """,
    )
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    parent = script.start(path, home, str(gate))
    parent.communicate(timeout=50)

    assert parent.returncode == 0
    assert script.run(path, home) == "1\n"
    gate.write_text("go")


async def test_a_caller_that_leaves_takes_nobody_with_it() -> None:
    """Two wait for one execution; one of them gives up."""
    AT_THE_GATE.clear()
    GATE.clear()
    leaving = asyncio.ensure_future(held.arun(execution_id="held-1"))
    staying = asyncio.ensure_future(held.arun(execution_id="held-1"))
    await asyncio.to_thread(AT_THE_GATE.wait, 20)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    GATE.set()

    assert (await asyncio.wait_for(staying, 20)).output == "through"


def test_another_workflow_has_no_say(home: Path) -> None:
    """An execution is resumed, cancelled and run by the workflow it is one of; the error names that."""
    paused = asked.run("shoes")

    with pytest.raises(Conflict, match="one of default/asked, not of default/doubled"):
        doubled.resume(paused.execution_id, 1)
    with pytest.raises(Conflict):
        doubled.cancel(paused.execution_id)
    with pytest.raises(Conflict):
        doubled.run(1, execution_id=paused.execution_id)
    assert asked.run(execution_id=paused.execution_id).is_paused


def test_an_engine_that_failed_gives_the_file_up(tmp_path: Path, home: Path) -> None:
    """Whoever waits is told; the next call begins anew, and what was running goes on with it."""
    path = _write(
        tmp_path,
        "fails.py",
        """
        import asyncio, os, threading
        from pathlib import Path
        from flux import task, workflow
        from flux.errors import StorageFailed
        from flux.store import processes
        from flux.store.database import Database

        started, gate = threading.Event(), threading.Event()

        @task
        async def wait():
            started.set()
            await asyncio.to_thread(gate.wait, 20)
            return "through"

        @workflow
        async def held(ctx):
            return await wait()

        @workflow
        async def plain(ctx):
            return ctx.input

        async def main():
            waiting = asyncio.ensure_future(held.arun(execution_id="held"))
            await asyncio.to_thread(started.wait, 20)
            stranger = Database.open(Path(os.environ["FLUX_HOME"]) / "local.db")
            processes.raise_epoch(stranger.begin(0))
            stranger.commit()
            stranger.close()
            told = await asyncio.gather(plain.arun(1), waiting, return_exceptions=True)
            print([type(error) is StorageFailed for error in told])
            gate.set()
            print((await plain.arun(2)).output, (await held.arun(execution_id="held")).output)

        asyncio.run(main())
        """,
    )

    assert script.run(path, home) == "[True, True]\n2 through\n"
