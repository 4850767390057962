"""The launcher: one process, one thread, that makes all others. Spoken to as a daemon does, over its socket."""

import os
import select
import signal
import socket
import subprocess
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest

from flux.executor.environ import for_workers
from flux.wire import control
from flux.wire.control import Settings, encode, from_launcher
from tests.executor.conftest import ENVIRONMENT, exists

MIB = 1024**2
SETTINGS = {
    "parent": os.getpid(),
    "processes": 2,
    "worker_memory": 512 * MIB,
    "process_memory": 256 * MIB,
    "heartbeat": 10_000,
    "output": MIB,
}


class Daemon:
    """The other end of a launcher's socket. Every call waits for what it needs, and no longer."""

    def __init__(self, **settings: int) -> None:
        self.socket, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-P", "-m", "flux.worker.launcher", str(far.fileno())]
        with far:
            self.process = subprocess.Popen(
                [*command, control.settings_to_text(Settings(**{**SETTINGS, **settings}))],
                env=for_workers(ENVIRONMENT),
                pass_fds=[far.fileno()],
                start_new_session=True,
            )
        self.descriptors: list[int] = []
        self._received: list[int] = []

    def say(self, message: control.Control) -> None:
        """Send one message."""
        self.socket.send(encode(message))

    def hear(self) -> control.FromLauncher:
        """The next message; its descriptors are kept."""
        body, ancillary, _, _ = self.socket.recvmsg(65536, 256, socket.MSG_CMSG_CLOEXEC)
        self.descriptors = [fd for *_, data in ancillary for fd in array("i", data)]
        self._received += self.descriptors
        return from_launcher(body)

    def worker(self) -> control.Spawned:
        """A new worker."""
        self.say(control.SpawnWorker(1, "w"))
        spawned = self.hear()
        assert isinstance(spawned, control.Spawned)
        return spawned

    def close(self) -> None:
        """End it all."""
        self.socket.close()
        self.process.wait()
        for descriptor in self._received:
            os.close(descriptor)
        self._received.clear()


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A launcher that is ready."""
    daemon = Daemon()
    assert daemon.hear() == control.Ready()
    yield daemon
    daemon.close()


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def status(pid: int, field: str) -> str:
    """One line of /proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{field}:"))


def test_it_has_one_thread_and_a_session_of_its_own(daemon: Daemon):
    """A fork copies one thread only; a signal to the daemon's terminal does not reach it."""
    assert status(daemon.process.pid, "Threads") == "1"
    assert int(stat(daemon.process.pid)[3]) == daemon.process.pid


def test_it_answers_pings(daemon: Daemon):
    """That is how one that was stopped is noticed."""
    daemon.say(control.Ping())

    assert daemon.hear() == control.Pong()


def test_a_worker_is_told_with_its_start_time_and_comes_with_pidfd_and_stream(daemon: Daemon):
    """So that it can be killed later without a doubt about who it is."""
    spawned = daemon.worker()

    assert spawned.kind == "worker"
    assert spawned.start == int(stat(spawned.pid)[19])
    pidfd, stream = daemon.descriptors
    signal.pidfd_send_signal(pidfd, 0)
    assert os.read(stream, 4)  # of its Hello


def test_a_worker_has_a_name_a_group_and_limits_of_its_own(daemon: Daemon):
    """Whoever looks at the process table sees what it is."""
    spawned = daemon.worker()
    os.read(daemon.descriptors[1], 4)  # it has said hello: it is ready

    assert int(stat(spawned.pid)[2]) == spawned.pid
    assert status(spawned.pid, "Name") == "flux-worker"
    limits = Path(f"/proc/{spawned.pid}/limits").read_text()
    assert f"Max address space         {512 * MIB}" in limits
    assert "Max core file size        0 " in limits


def test_a_killed_process_is_reaped_before_its_end_is_told(daemon: Daemon):
    """With the signal, and the memory that it took."""
    spawned = daemon.worker()
    daemon.say(control.Kill(spawned.pid))

    ended = daemon.hear()

    assert isinstance(ended, control.Ended)
    assert (ended.pid, ended.signal, ended.exit_code) == (spawned.pid, "SIGKILL", None)
    assert ended.peak_memory > MIB
    assert not exists(spawned.pid)


def test_a_pid_that_is_not_its_own_is_never_killed(daemon: Daemon):
    """Whatever it is asked."""
    other = subprocess.Popen(["sleep", "600"])
    daemon.say(control.Kill(other.pid))
    daemon.say(control.Ping())
    daemon.hear()

    assert other.poll() is None
    other.kill()
    other.wait()


def test_without_a_daemon_it_ends_with_all_its_processes(daemon: Daemon):
    """Also when the daemon was killed: the socket ends."""
    daemon.worker()
    poll = select.poll()
    poll.register(daemon.descriptors[0], select.POLLIN)

    daemon.socket.close()

    assert daemon.process.wait() == 0
    assert poll.poll()  # returns when the worker has ended


def test_what_is_no_message_ends_it(daemon: Daemon):
    """The daemon will see, and start another."""
    daemon.socket.send(b"\xc1")

    assert daemon.process.wait() != 0


def test_it_ends_at_once_if_its_parent_is_another():
    """A daemon that died before the death signal was asked for leaves no launcher behind."""
    daemon = Daemon(parent=1)

    assert daemon.process.wait() == 0
    daemon.close()
