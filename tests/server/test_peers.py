"""The process at the other end of a Unix socket: real processes, real sockets."""

import os
import pwd
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from flux.errors import Unauthenticated
from flux.server.peers import peer_of, refuse_descendant, user_name

NOBODY_S_PID = 2**22 + 1  # above what Linux gives out

STAY = "s.connect(path); s.recv(1)"
# Its child starts a child of its own and ends, so that this one has lost its parent when it connects.
ORPHAN = """
    import ctypes
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    me = os.getpid()
    if os.fork() == 0:
        if os.fork():
            os._exit(0)
        while os.getppid() != me:
            pass
        s.connect(path)
        s.recv(1)
        os._exit(0)
    os.wait()
    os.wait()
"""


def script(body):
    """A client in a process of its own, which connects to the path that it is told."""
    begin = "import os, socket, sys\npath = sys.argv[1]\ns = socket.socket(socket.AF_UNIX)\n"
    return begin + textwrap.dedent(body)


@pytest.fixture
def listener(tmp_path):
    """A Unix socket that waits for somebody."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        server.settimeout(20)
        yield server


def started(listener, body):
    """A process that runs the client."""
    return subprocess.Popen([sys.executable, "-I", "-S", "-c", script(body), listener.getsockname()])


def ended(connection, process):
    """Let the client go."""
    connection.close()
    process.wait(20)


def test_the_kernel_says_who_connected(listener):
    """User and process, not what the peer says of itself."""
    process = started(listener, STAY)
    connection, _ = listener.accept()

    peer = peer_of(connection)

    ended(connection, process)
    assert (peer.pid, peer.uid, peer.name) == (process.pid, os.getuid(), pwd.getpwuid(os.getuid()).pw_name)
    assert str(peer) == f"uid {os.getuid()} pid {process.pid}"


def test_a_process_that_the_daemon_did_not_start_may_call(listener):
    """The chain of its ancestors is read to its end."""
    process = started(listener, STAY)
    connection, _ = listener.accept()

    refuse_descendant(connection, peer_of(connection), NOBODY_S_PID)

    ended(connection, process)


def test_a_child_of_the_daemon_may_not(listener):
    """Workers have the daemon's uid: without this every workflow would be admin."""
    process = started(listener, STAY)
    connection, _ = listener.accept()

    with pytest.raises(Unauthenticated) as refused:
        refuse_descendant(connection, peer_of(connection), os.getpid())

    ended(connection, process)
    assert "runs user code" in str(refused.value.facts["reason"])


def test_nor_may_a_grandchild(listener):
    """A workflow may start any program."""
    child = "import subprocess; subprocess.run([sys.executable, '-I', '-S', '-c', sys.argv[2], path])"
    inner = script(STAY)
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", script(child), listener.getsockname(), inner])
    connection, _ = listener.accept()

    with pytest.raises(Unauthenticated):
        refuse_descendant(connection, peer_of(connection), os.getpid())

    assert peer_of(connection).pid != process.pid
    ended(connection, process)


def test_nor_may_an_orphan_whose_parent_has_gone(listener):
    """The daemon is a subreaper: who loses his parent becomes its child."""
    process = started(listener, ORPHAN)
    connection, _ = listener.accept()

    with pytest.raises(Unauthenticated) as refused:
        refuse_descendant(connection, peer_of(connection), process.pid)

    ended(connection, process)
    assert "runs user code" in str(refused.value.facts["reason"])


def test_a_peer_that_has_ended_is_refused(listener):
    """Its number may be somebody else's by now, and its ancestors cannot be known any more."""
    process = started(listener, "s.connect(path)")
    process.wait(20)
    connection, _ = listener.accept()

    with pytest.raises(Unauthenticated) as refused:
        refuse_descendant(connection, peer_of(connection), NOBODY_S_PID)

    connection.close()
    assert "cannot be read" in str(refused.value.facts["reason"])


def test_the_daemon_is_no_descendant_of_itself():
    """What the daemon asks itself is not user code: that never runs in it."""
    mine, other = socket.socketpair()
    with mine, other:
        refuse_descendant(mine, peer_of(mine), os.getpid())


def descriptors():
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_looking_leaves_no_descriptor_open():
    """One per connection would be the end after some thousands."""
    mine, other = socket.socketpair()
    with mine, other:
        before = descriptors()
        for _ in range(10):
            refuse_descendant(mine, peer_of(mine), NOBODY_S_PID)

        assert descriptors() == before


def test_a_user_without_a_name_is_known_by_number():
    """Containers often have such users."""
    assert user_name(os.getuid()) == pwd.getpwuid(os.getuid()).pw_name
    assert user_name(4_294_000_000) == "4294000000"
