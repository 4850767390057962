"""Bodies in processes of their own: values, errors, output, limits, and every way to die."""

import asyncio
import os
import signal

import pytest

from flux import codec
from flux.errors import NoExecution
from tests.executor.conftest import exists, gone
from tests.worker.conftest import Bodies

ECHO = "@task\ndef echo(x): return x\n"
PID = "@task\ndef pid(): return os.getpid()\n"
WAIT = "@task\ndef wait():\n    print('waiting')\n    time.sleep(600)\n"


def value_of(outcome):
    """What a completed body returned."""
    assert outcome.status == "completed", outcome
    return codec.decode(outcome.payload)


def error_of(outcome):
    """What a failed body raised."""
    assert outcome.status == "failed", outcome
    return codec.decode_error(outcome.payload)


async def test_a_body_gets_its_arguments_and_gives_its_value(bodies: Bodies):
    """Both go as bytes of the codec, types included."""
    assert value_of(await bodies.run(ECHO, "echo", (1, {"a": b"x"}))) == (1, {"a": b"x"})


async def test_a_body_runs_in_a_process_of_its_own(bodies: Bodies):
    """Not in the worker's."""
    assert value_of(await bodies.run(PID, "pid")) != os.getpid()


async def test_a_warm_process_serves_the_next_body(bodies: Bodies):
    """No process is started where one is idle."""
    first = value_of(await bodies.run(PID, "pid"))

    assert value_of(await bodies.run(PID, "pid")) == first
    assert bodies.told.living("task") == [first]


async def test_an_async_body_may_run_in_a_process(bodies: Bodies):
    """`run="process"` on an `async def` gives it a loop of its own."""
    text = "@task.with_options(run='process')\nasync def nap(x):\n    await asyncio.sleep(0)\n    return x\n"

    assert value_of(await bodies.run(text, "nap", 7)) == 7


async def test_an_error_comes_back_as_what_it_was(bodies: Bodies):
    """Type and message, and the place in the pinned file."""
    outcome = await bodies.run("@task\ndef fail(x): raise KeyError(x)\n", "fail", "k")

    assert isinstance(error_of(outcome), KeyError)
    assert 'bodies.py", line 4, in fail' in codec.error_view(outcome.payload or b"")["traceback"]


async def test_sys_exit_in_a_body_is_a_failure_not_a_death(bodies: Bodies):
    """The process goes on and serves the next body."""
    text = PID + "@task\ndef leave(): sys.exit(3)\n"
    before = value_of(await bodies.run(text, "pid"))

    assert isinstance(error_of(await bodies.run(text, "leave")), SystemExit)
    assert value_of(await bodies.run(text, "pid")) == before


async def test_a_value_that_cannot_be_kept_fails_the_body(bodies: Bodies):
    """With the path inside the value."""
    outcome = await bodies.run("@task\ndef odd(): return [object()]\n", "odd")

    assert "result[0]" in str(error_of(outcome))


async def test_a_task_called_in_a_body_says_why_it_cannot(bodies: Bodies):
    """A `def` body has no way to begin a recorded call."""
    error = error_of(await bodies.run(ECHO + "@task\ndef outer(): return echo(1)\n", "outer"))

    assert isinstance(error, NoExecution)
    assert "echo" in str(error)


async def test_a_function_that_no_name_leads_to_says_so(bodies: Bodies):
    """A task made inside a function cannot be found by another process."""
    outcome = await bodies.run("", "make.<locals>.inner")

    assert "top of the module" in str(error_of(outcome))


async def test_a_task_is_found_under_another_name(bodies: Bodies):
    """What counts is the function, not the variable that holds its task."""
    text = "def _double(x): return 2 * x\ndouble = task(_double)\ndel _double\n"

    assert value_of(await bodies.run(text, "_double", 4)) == 8


async def test_injected_metadata_is_an_object(bodies: Bodies):
    """The keyword `metadata` arrives as the record that authors know."""
    text = "@task.with_options(metadata=True)\ndef key(*, metadata): return metadata.idempotency_key\n"
    metadata = {"task_id": "key#1", "task_name": "key", "execution_id": "e1", "attempt": 1, "idempotency_key": "k"}

    assert value_of(await bodies.run(text, "key", injects={"metadata": metadata})) == "k"


async def test_output_is_captured_with_the_call_it_belongs_to(bodies: Bodies):
    """Python's, a child's and the logging module's; all of it is there when the body's end is told."""
    text = "@task\ndef say():\n    print('hé')\n    os.system('echo child; echo oops >&2')\n    logging.info('rec')\n"

    await bodies.run(text, "say", attempt=2)

    assert bodies.text("stdout") == "hé\nchild\n"
    assert bodies.text("stderr") == "oops\n"
    assert bodies.text("INFO") == "root: rec\n"
    assert {(origin.call, origin.attempt) for origin, _, _ in bodies.output} == {("say#1", 2)}


@pytest.mark.parametrize(
    ("body", "name", "code"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV", None),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL", None),
        ("os._exit(3)", None, 3),
    ],
    ids=["segfault", "kill -9", "os._exit"],
)
async def test_a_death_says_signal_exit_code_and_memory(bodies: Bodies, body, name, code):
    """What the kernel says about a dead process is not lost."""
    outcome = await bodies.run(f"@task\ndef die(): {body}\n", "die")

    assert outcome.status == "died"
    assert (outcome.detail["signal"], outcome.detail["exit_code"]) == (name, code)
    assert int(str(outcome.detail["peak_memory"])) > 1024**2


async def test_after_a_death_there_is_a_new_process(bodies: Bodies):
    """A crash harms nobody else."""
    text = PID + "@task\ndef die(): os._exit(1)\n"
    first = value_of(await bodies.run(text, "pid"))
    await bodies.run(text, "die")

    assert value_of(await bodies.run(text, "pid")) != first


async def test_a_timeout_kills_even_what_holds_the_interpreter(bodies: Bodies):
    """Counted from the start of the body."""
    outcome = await bodies.run("@task\ndef spin():\n    while True: pass\n", "spin", timeout=100)

    assert outcome.status == "timeout"
    assert not bodies.told.living("task")


async def test_cancelling_kills_and_waits_until_the_process_is_gone(bodies: Bodies):
    """When the cancel has come through, nothing of the body can have an effect any more."""
    running = asyncio.ensure_future(bodies.run(WAIT, "wait"))
    await bodies.printed.wait()
    (pid,) = bodies.told.living("task")

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert not exists(pid)


async def test_a_cancelled_wait_for_a_process_gives_the_place_to_the_next(make_bodies):
    """Requests that nobody wants any more do not hold up others."""
    bodies = await make_bodies(processes=1)
    holder = asyncio.ensure_future(bodies.run(WAIT, "wait"))
    await bodies.printed.wait()
    second = asyncio.ensure_future(bodies.run(ECHO, "echo", 2))
    third = asyncio.ensure_future(bodies.run(ECHO, "echo", 3))
    await asyncio.sleep(0)

    second.cancel()
    holder.cancel()

    assert value_of(await third) == 3


async def test_bodies_beyond_the_limit_wait_for_each_other(make_bodies):
    """One process serves one body at a time, in the order of the requests."""
    bodies = await make_bodies(processes=1)

    outcomes = await asyncio.gather(*(bodies.run(PID, "pid") for _ in range(5)))

    assert len({value_of(outcome) for outcome in outcomes}) == 1


async def test_an_idle_process_of_one_worker_makes_room_for_another(make_bodies):
    """The limit is over all workers; a process never changes its worker."""
    bodies = await make_bodies(processes=1)
    first = value_of(await bodies.run(PID, "pid"))
    other = await bodies.attach()

    second = value_of(await other.run(bodies.job(bodies.source(PID), "pid")))

    assert second != first
    assert not exists(first)
    other.close()


async def test_too_much_memory_is_an_error_of_the_body(make_bodies):
    """Not of the machine; the process that ran short is not used again."""
    bodies = await make_bodies(process_memory=512 * 1024**2)
    text = PID + "@task\ndef hog(): return len(bytearray(2 * 1024**3))\n"
    first = value_of(await bodies.run(text, "pid"))

    assert isinstance(error_of(await bodies.run(text, "hog")), MemoryError)
    assert value_of(await bodies.run(text, "pid")) != first


async def test_what_a_body_starts_dies_with_it(bodies: Bodies):
    """Its children are in its process group, which is ended with it."""
    text = (
        "import subprocess\n@task\ndef start():\n    print(subprocess.Popen(['sleep', '600']).pid)\n    os._exit(0)\n"
    )

    await bodies.run(text, "start")

    await gone(int(bodies.text("stdout")))


async def test_large_values_pass(bodies: Bodies):
    """Larger than any buffer on the way."""
    value = "x" * 3_000_000

    assert value_of(await bodies.run(ECHO, "echo", value)) == value


async def test_a_body_that_writes_to_the_stream_is_killed(bodies: Bodies):
    """Garbage on the worker's own descriptor is no answer."""
    text = (
        "@task\ndef mess():\n    for fd in range(3, 20):\n        try: os.write(fd, b'\\xff' * 64)\n"
        "        except OSError: pass\n    time.sleep(600)\n"
    )

    assert (await bodies.run(text, "mess")).status == "died"


async def test_a_killed_idle_process_costs_nobody_an_attempt(bodies: Bodies):
    """A process that dies between two bodies is replaced without a word."""
    first = value_of(await bodies.run(PID, "pid"))
    os.kill(first, signal.SIGKILL)

    assert value_of(await bodies.run(PID, "pid")) != first
