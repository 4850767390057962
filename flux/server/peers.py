"""The process at the other end of a Unix socket: its user, and whether it runs user code for us.

Workers run as the daemon's own user, so the user alone would make every workflow an admin. The daemon is
a subreaper: whatever it or its children ever started, however often it forked and lost its parents, has
the daemon among its ancestors. A process whose line of ancestors reaches the daemon, or cannot be read,
is refused. The daemon itself is no descendant of its own.

Process ids are used again. Where the kernel gives a pidfd of the peer (Linux 6.5), it proves after the
look that the process we looked at still was the peer.
"""

import errno
import os
import pwd
import select
import socket
import struct
from pathlib import Path
from typing import Final

from flux.engine.authenticator import LocalUser
from flux.errors import Unauthenticated

_CREDENTIALS: Final = struct.Struct("iII")  # struct ucred: pid, uid, gid
_SO_PEERPIDFD: Final = 77  # asm-generic/socket.h; Python has no name for it yet
_TRIES: Final = 5  # a line of ancestors changes while it is read only if one of them ends just then


def peer_of(connection: socket.socket) -> LocalUser:
    """Who opened this connection, as the kernel noted it then."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(found)
    return LocalUser(uid=uid, pid=pid, name=user_name(uid))


def refuse_descendant(connection: socket.socket, peer: LocalUser, ancestor: int) -> None:
    """Nothing, unless the peer descends from the process `ancestor`.

    Raises:
        Unauthenticated: it does, or nobody can tell. `facts["reason"]` is for the audit.
    """
    try:
        line = _line_of(connection, peer.pid)
    except (OSError, ValueError, IndexError) as exc:
        raise _refused(f"the ancestors of process {peer.pid} cannot be read") from exc
    if ancestor in line[1:]:
        raise _refused(f"process {peer.pid} runs user code of this daemon")


def user_name(uid: int) -> str:
    """The name of a user; its number where the machine has no name for it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _line_of(connection: socket.socket, pid: int) -> list[int]:
    """The process that opened the connection, and its ancestors. Raises OSError if it has ended by now."""
    pidfd = _pidfd(connection)
    try:
        line = _line(pid)
        if pidfd is not None and _has_ended(pidfd):
            raise ProcessLookupError(f"process {pid} has ended")
    finally:
        if pidfd is not None:
            os.close(pidfd)
    return line


def _line(pid: int) -> list[int]:
    """The process and its ancestors, read twice alike, so that nobody of them was exchanged on the way."""
    before: list[tuple[int, int]] = []
    for _ in range(_TRIES):
        now = _read_line(pid)
        if now == before:
            return [one for one, _ in now]
        before = now
    raise ProcessLookupError(f"the ancestors of process {pid} change all the time")


def _read_line(pid: int) -> list[tuple[int, int]]:
    """(pid, start in ticks) of the process and each of its ancestors that can be seen from here."""
    line: list[tuple[int, int]] = []
    while pid != 0 or not line:  # 0: the parent of the first process, or one outside of our pid namespace
        after_name = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        line.append((pid, int(after_name[19])))
        pid = int(after_name[1])
    return line


def _pidfd(connection: socket.socket) -> int | None:
    """A descriptor of the very process that connected; None where the kernel knows nothing of such.

    Any other failure means that the process is gone. Its number may be somebody else's by now, so that
    looking at it would be a way in: connect, hand the connection on, end, and wait.
    """
    try:
        return connection.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD)
    except OSError as exc:
        if exc.errno == errno.ENOPROTOOPT:
            return None
        raise


def _has_ended(pidfd: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


def _refused(reason: str) -> Unauthenticated:
    return Unauthenticated("the process at the other end may not call", reason=reason)
