"""A worker process: one loop, one stream to the daemon, one thread for heartbeats, many executions.

The launcher forks it. It puts the parts together and then only runs the loop; what an execution is, the
`Host` knows. When the daemon's stream ends, the process ends at once: without a daemon nothing here
may have an effect any more. So it does after an error that nobody foresaw: what its executions are to
do is in the daemon's log, and another worker reads it afresh.
"""

import asyncio
import faulthandler
import os
import socket
import sys
from typing import NoReturn

from flux.clock import SYSTEM
from flux.errors import ProtocolError
from flux.wire.control import Settings
from flux.wire.frames import PROTOCOL, FromDaemon, Hello, Source
from flux.worker.connection import BROKEN, Connection
from flux.worker.heartbeat import Pulse
from flux.worker.host import Host
from flux.worker.job import Loaded
from flux.worker.loader import load
from flux.worker.output import Output
from flux.worker.processes import TaskProcesses

try:
    from uvloop import Loop as EventLoop
except ImportError:  # no wheel for this platform; asyncio's own loop does the same
    from asyncio import SelectorEventLoop as EventLoop  # type: ignore[assignment]  # one of them is there


def run(worker: str, stream: socket.socket, launcher: socket.socket, settings: Settings) -> NoReturn:
    """Be the worker called `worker` until the daemon is gone, or all is drained."""
    faulthandler.enable()
    loop = EventLoop()
    asyncio.set_event_loop(loop)
    sources: dict[str, Source] = {}

    def receive(frame: FromDaemon) -> None:
        if isinstance(frame, Source):
            sources[frame.digest] = frame
        else:
            host.receive(frame)

    def source(digest: str) -> Source:
        if digest not in sources:
            raise ProtocolError(f"source {digest} was granted before it was sent")
        return sources[digest]

    def loaded(digest: str) -> Loaded:
        return load(source(digest))

    connection = Connection(stream, loop, receive, _end)
    output = Output(
        connection.send,
        turn=loop.call_soon_threadsafe,
        sole=lambda: host.sole(),  # noqa: PLW0108 - the host needs what needs the output
        clock=SYSTEM,
        own=sys.stderr,
        limit=settings.output,
    )
    # The kernel is about to end this process with its launcher: no body may be asked for again until it does.
    processes = TaskProcesses(launcher, loop, source, output.write_for, orphaned=lambda: _end(0))

    def drained() -> None:
        loop.call_soon(leave)  # after what this turn still has to say

    def leave() -> None:
        output.flush()
        connection.finish()
        _end(0)

    host = Host(send=connection.send, clock=SYSTEM, processes=processes, load=loaded, drained=drained)
    pulse = Pulse(loop, connection.send_now, host.holding, SYSTEM, settings.heartbeat, output.flush)
    output.install()
    connection.send(Hello(worker=worker, pid=os.getpid(), protocol=PROTOCOL))
    pulse.start()
    loop.run_forever()
    _end(BROKEN)  # somebody stopped the loop


def _end(code: int) -> NoReturn:
    os._exit(code)
