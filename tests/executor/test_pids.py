"""Processes by number: only the one that is meant is killed, and nobody's exit code is stolen."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flux.executor import pids
from flux.executor.pool import Pool
from tests.executor.conftest import Told, exists, gone


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def start_of(pid: int) -> int:
    """The start time of a process that is there."""
    start = pids.start_of(pid)
    assert start is not None
    return start


def test_a_survivor_is_killed(sleeper):
    """One with the pid and the start time that the file names; when the call returns, it is gone."""
    left = pids.kill_survivors([(sleeper.pid, start_of(sleeper.pid))])

    assert left == []
    assert not exists(sleeper.pid)


def test_a_process_that_has_the_pid_by_chance_is_left_alone(sleeper):
    """Another start time is another process."""
    pids.kill_survivors([(sleeper.pid, start_of(sleeper.pid) - 1)])

    assert sleeper.poll() is None


def test_processes_that_are_gone_are_no_error():
    """Most of what the file names after a crash is."""
    process = subprocess.Popen(["true"])
    start = start_of(process.pid)
    process.wait()

    assert pids.kill_survivors([(process.pid, start)]) == []
    assert pids.start_of(process.pid) is None


async def test_orphans_of_a_launcher_are_reaped(pool: tuple[Pool, Told], tmp_path: Path):
    """What user code leaves behind in a process group of its own becomes the daemon's child, not a zombie for ever."""
    (tmp_path / "a.py").write_text(
        "import os\nread, write = os.pipe()\npid = os.fork()\nif pid == 0:\n    os.setpgid(0, 0)\n    os.close(write)\n"
        "    os.read(read, 1)\n    os._exit(0)\nos.set_inheritable(write, True)\nprint(pid)\n"
    )
    orphan = int((await pool[0].inspect(tmp_path / "a.py", tmp_path)).output)
    await gone(orphan)

    while exists(orphan):
        pids.reap_orphans({pool[0].launcher_pid})
        await asyncio.sleep(0)

    assert not exists(orphan)


def test_no_exit_code_is_stolen():
    """A child that somebody in this process started stays his to wait for."""
    child = subprocess.Popen(["sh", "-c", "exit 7"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    reaped = pids.reap_orphans({1, 2, 3})

    assert child.pid not in reaped
    assert child.wait() == 7
