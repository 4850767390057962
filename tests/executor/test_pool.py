"""The pool: workers come, speak, die and are told of; the launcher is watched."""

import os
import signal
from pathlib import Path

import pytest

from flux.errors import Unreachable
from flux.executor.pool import Pool
from flux.wire.frames import PROTOCOL, Drain, Heartbeat, Hello
from tests.executor.conftest import MakePool, Told, exists

Pooled = tuple[Pool, Told]


async def test_a_worker_says_hello_first(pool: Pooled):
    """The first frame of a worker names it as the pool does."""
    workers, told = pool

    worker = await workers.spawn_worker()

    assert await told.frames.get() == (worker, Hello(worker=worker.id, pid=worker.pid, protocol=PROTOCOL))
    assert told.living("worker") == [worker.pid]


async def test_a_killed_worker_is_reaped_when_kill_returns(pool: Pooled):
    """After `kill`, nothing of the worker exists any more, and its death was told with the cause."""
    workers, told = pool
    worker = await workers.spawn_worker()

    await workers.kill(worker)

    assert not exists(worker.pid)
    assert not worker.is_alive
    _, death = told.deaths.get_nowait()
    assert (death.cause, death.signal) == ("asked", "SIGKILL")
    assert death.peak_memory > 1024**2


async def test_a_worker_that_crashes_is_told_with_its_signal(pool: Pooled):
    """A death that nobody asked for says by which signal, and that it was the worker's own."""
    workers, told = pool
    worker = await workers.spawn_worker()
    await told.frames.get()

    os.kill(worker.pid, signal.SIGSEGV)

    dead, death = await told.deaths.get()
    assert dead is worker
    assert (death.cause, death.signal, death.exit_code) == ("itself", "SIGSEGV", None)


async def test_a_drained_worker_ends_with_code_0(pool: Pooled):
    """A worker without executions has nothing to drain and ends."""
    workers, told = pool
    worker = await workers.spawn_worker()

    worker.send(Drain())

    _, death = await told.deaths.get()
    assert (death.cause, death.signal, death.exit_code) == ("itself", None, 0)


async def test_a_frame_that_no_daemon_sends_ends_the_worker(pool: Pooled):
    """A worker that is out of step with the daemon does not go on."""
    workers, told = pool
    worker = await workers.spawn_worker()

    worker.send(Heartbeat(0))

    _, death = await told.deaths.get()
    assert death.exit_code == 70


async def test_heartbeats_arrive_without_being_asked_for(make_pool: MakePool):
    """Each tells how long ago the loop turned."""
    workers, told = await make_pool(heartbeat=50)
    await workers.spawn_worker()

    frames = [(await told.frames.get())[1] for _ in range(3)]

    assert [type(frame) for frame in frames] == [Hello, Heartbeat, Heartbeat]


async def test_a_dead_launcher_takes_its_workers_along_and_is_replaced(pool: Pooled):
    """All of its processes are gone before their death is told; then there is a new launcher."""
    workers, told = pool
    first = workers.launcher_pid
    worker = await workers.spawn_worker()

    os.kill(first, signal.SIGKILL)
    dead, death = await told.deaths.get()

    assert dead is worker
    assert death.cause == "launcher"
    assert not exists(worker.pid)
    assert not exists(first)
    assert (await workers.spawn_worker()).is_alive
    assert workers.launcher_pid != first


async def test_a_stopped_launcher_is_noticed(make_pool: MakePool):
    """A launcher that does not answer is as good as dead: killed, with all that is below it."""
    workers, told = await make_pool(ping=200)
    worker = await workers.spawn_worker()

    os.kill(workers.launcher_pid, signal.SIGSTOP)
    _, death = await told.deaths.get()

    assert death.cause == "launcher"
    assert "pings" in death.reason
    assert not exists(worker.pid)


async def test_a_stopped_worker_can_be_killed(pool: Pooled):
    """A worker that was stopped past its lease must not wake up again."""
    workers, _ = pool
    worker = await workers.spawn_worker()
    os.kill(worker.pid, signal.SIGSTOP)

    await workers.kill(worker)

    assert not exists(worker.pid)


async def test_an_interpreter_that_does_not_start_is_an_error(make_pool: MakePool):
    """Without a launcher, starting the pool fails instead of hanging."""
    with pytest.raises(Unreachable):
        await make_pool(python="/bin/false")


async def test_stopping_the_pool_leaves_no_process(make_pool: MakePool):
    """Workers are ended without their death being told: whoever stops the pool knows."""
    workers, told = await make_pool()
    worker = await workers.spawn_worker()

    await workers.stop()

    assert not exists(worker.pid)
    assert not told.processes
    assert told.deaths.empty()


async def test_after_stop_there_are_no_workers(make_pool: MakePool):
    """A stopped pool refuses instead of starting a launcher again."""
    workers, _ = await make_pool()
    await workers.stop()

    with pytest.raises(Unreachable):
        await workers.spawn_worker()


async def test_inspections_wait_for_each_other(make_pool: MakePool, tmp_path: Path):
    """More inspections than inspectors come through one after the other."""
    workers, _ = await make_pool(inspectors=1)
    for n in range(3):
        (tmp_path / f"f{n}.py").write_text(f"print({n})")

    found = [await workers.inspect(tmp_path / f"f{n}.py", tmp_path) for n in range(3)]

    assert [inspection.output for inspection in found] == ["0\n", "1\n", "2\n"]
