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


def state_of(pid: int) -> str:
    """The state of a process, as /proc shows it."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


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


@pytest.mark.parametrize("is_gone", [False, True], ids=["with it", "after it"])
def test_programs_that_a_survivor_had_started_go_too(is_gone: bool):
    """They are in its process group, which keeps its number as long as one of them lives, even if it is dead itself."""
    leader = subprocess.Popen(["sh", "-c", "sleep 600 & echo $!; wait"], process_group=0, stdout=subprocess.PIPE)
    assert leader.stdout is not None
    program = int(leader.stdout.readline())
    noted = (leader.pid, start_of(leader.pid))
    if is_gone:
        leader.kill()
        leader.wait()

    left = pids.kill_survivors([noted])
    leader.wait()
    leader.stdout.close()

    assert left == []
    assert pids.start_of(program) is None or state_of(program) == "Z"


def test_a_group_whose_number_was_given_again_is_left_alone():
    """Its leader started at another time: that is somebody else's."""
    stranger = subprocess.Popen(["sleep", "600"], process_group=0)

    pids.kill_survivors([(stranger.pid, start_of(stranger.pid) - 1)])
    lives = stranger.poll() is None
    stranger.kill()
    stranger.wait()

    assert lives


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
