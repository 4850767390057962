"""A task process: one body at a time, in a process that serves nobody else meanwhile.

It is forked warm, gets pinned sources and `Run`s over a stream, answers each with `Started` and `Done`. Its
fd 1 and 2 are pipes that the worker reads. What is logged goes as `Logged`, so that the level is kept.
It ends when its worker closes the stream, and after a body that ran out of memory.
"""

import asyncio
import faulthandler
import inspect
import logging
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from datetime import datetime
from multiprocessing.connection import Connection
from random import Random
from typing import Final, NoReturn

from flux import codec
from flux.clock import SYSTEM, to_datetime
from flux.context import ExecutionContext, TaskMetadata
from flux.errors import NoExecution
from flux.runtime import RUNTIME, PendingCall, TaskSpec
from flux.wire.control import Control, Done, Logged, Run, Started, encode, to_process
from flux.wire.frames import MAX_FRAME, Source
from flux.worker import guard
from flux.worker.job import Loaded
from flux.worker.loader import find_function, load

_INJECTED: Final[Mapping[str, Callable[..., object]]] = {"metadata": TaskMetadata}


def run(end: socket.socket) -> None:
    """Serve the worker at the other end until it closes it."""
    connection = Connection(end.detach())
    _prepare_output(lambda message: connection.send_bytes(encode(message)))
    sources: dict[str, Source] = {}
    is_fit = True
    while is_fit:
        try:
            message = to_process(connection.recv_bytes(MAX_FRAME))
        except EOFError:
            return
        if isinstance(message, Source):
            sources[message.digest] = message
            continue
        done, is_fit = _answer(message, sources[message.digest], lambda: connection.send_bytes(encode(Started())))
        sys.stdout.flush()
        sys.stderr.flush()
        connection.send_bytes(encode(done))


def _answer(job: Run, source: Source, started: Callable[[], None]) -> tuple[Done, bool]:
    """How the body of `job` ended, and whether this process is fit for another."""
    classes = None
    try:
        loaded = load(source, for_tasks=True)
        classes = loaded.classes
        body = _body(job, loaded)
        started()
        result = Context().run(body)
        return Done(True, codec.encode(result, classes, root="result")), True
    except BaseException as exc:  # whatever it is, the workflow learns it; the process itself goes on
        return Done(False, codec.encode_error(exc, classes)), not isinstance(exc, MemoryError)


def _body(job: Run, loaded: Loaded) -> Callable[[], object]:
    """The function of `job` with its arguments, ready to be called in a context of its own."""
    function = find_function(loaded, job.module, job.qualname)
    args, kwargs = codec.decode_call(job.args, loaded.classes)
    injected = {name: _injected(name, value) for name, value in job.injects.items()}

    def body() -> object:
        RUNTIME.set(_NoCalls())
        result = function(*args, **kwargs, **injected)
        return asyncio.run(_finish(result)) if inspect.isawaitable(result) else result

    return body


async def _finish(awaitable: Awaitable[object]) -> object:
    return await awaitable


def _injected(name: str, value: object) -> object:
    """The keyword `name` as the body receives it."""
    make = _INJECTED.get(name)
    return make(**value) if make is not None and isinstance(value, dict) else value


class _NoCalls:
    """The runtime of a body in a process: it can tell the time, and begin nothing."""

    @property
    def context(self) -> ExecutionContext[object]:
        """Never."""
        _refuse("the execution's context")

    def call(self, spec: TaskSpec, args: tuple[object, ...], kwargs: dict[str, object]) -> PendingCall:
        """Never."""
        _refuse(f"task {spec.name!r}")

    def pause(self, name: str, output: object) -> Awaitable[object]:
        """Never."""
        _refuse(f"pause({name!r})")

    def sleep(self, milliseconds: int) -> Awaitable[None]:
        """Never."""
        _refuse("sleep()")

    def now(self) -> datetime:
        """The clock's time."""
        return to_datetime(SYSTEM.now())

    def random(self, name: str) -> Random:
        """A generator of this process; what a body draws is not recorded."""
        return Random()  # noqa: S311 - authors draw samples with it, not keys


def _refuse(what: str) -> NoReturn:
    raise NoExecution(
        f"{what} was used in the body of a task that runs in a process of its own; "
        "only the bodies of workflows and of `async def` tasks can do that"
    )


def _prepare_output(send: Callable[[Control], None]) -> None:
    """Lines leave as they are printed, records as they are logged; a crash leaves the place where it was."""
    guard.open_output()
    faulthandler.enable(2)
    root = logging.getLogger()
    root.handlers[:] = [_LogHandler(send)]
    root.setLevel(logging.INFO)


class _LogHandler(logging.Handler):
    """Sends each record with its level."""

    def __init__(self, send: Callable[[Control], None]) -> None:
        super().__init__()
        self._sender = send
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record. The handler's own lock keeps threads apart."""
        try:
            self._sender(Logged(record.levelname, self.format(record) + "\n"))
        except Exception:  # logging must not break what logs; its own rule
            self.handleError(record)
