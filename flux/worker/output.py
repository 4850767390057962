"""Output: what user code prints and logs in a worker, told to the daemon line by line.

`ORIGIN` says on whose behalf code runs; whoever starts a body or drives a workflow sets it in the
context. Output without an origin is the only execution's if there is one only, else it goes to the
worker's own stderr. What is printed in one turn of the loop leaves as one frame for each stream, at
`CHUNK` at the latest; `flush` sends what a loop that hangs would keep.

A task leaves at most `limit` bytes, then one line that says so. Sizes are bytes of UTF-8. All of it may
be called from any thread.
"""

import io
import logging
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, TextIO

from flux.clock import Clock
from flux.wire.frames import Log

CHUNK: Final = 32 * 1024
LIMIT: Final = 1024 * 1024
TRUNCATED: Final = "… truncated\n"


class Origin:
    """On whose behalf code runs: one attempt of a task, or the workflow itself (`call` None).

    `is_muted`: what it prints now, it has printed before.
    """

    __slots__ = ("attempt", "call", "execution", "fence", "is_muted", "written")

    def __init__(self, execution: str, fence: int, call: str | None = None, attempt: int = 0) -> None:
        self.execution = execution
        self.fence = fence
        self.call = call
        self.attempt = attempt
        self.written = 0
        self.is_muted = False


ORIGIN: Final[ContextVar[Origin | None]] = ContextVar("flux_origin", default=None)


class Output:
    """The captured output of one process.

    Args:
        send: takes the frames, from any thread.
        turn: has its argument called soon by the loop's thread; itself called by any.
        sole: the only execution's origin, if there is one execution only.
        own: where output goes that belongs to nobody.
    """

    def __init__(
        self,
        send: Callable[[Log], None],
        turn: Callable[[Callable[[], None]], object],
        sole: Callable[[], Origin | None],
        clock: Clock,
        own: TextIO,
        limit: int = LIMIT,
    ) -> None:
        self._send = send
        self._turn = turn
        self._sole = sole
        self._clock = clock
        self._own = own
        self._limit = limit
        self._lock = threading.RLock()  # a signal handler or destructor may print while we hold it
        self._parts: dict[tuple[Origin, str], list[str]] = {}
        self._sizes: dict[tuple[Origin, str], int] = {}
        self._is_due = False

    def install(self) -> None:
        """Take over `sys.stdout`, `sys.stderr` and the root logger of this process."""
        sys.stdout = Stream(self, "stdout", self._own)
        sys.stderr = Stream(self, "stderr", self._own)
        root = logging.getLogger()
        root.handlers[:] = [LogHandler(self)]
        root.setLevel(logging.INFO)

    def write(self, stream: str, text: str) -> None:
        """Take `text` in on behalf of whoever runs here."""
        origin = ORIGIN.get() or self._sole()
        if origin is None:
            self._own.write(text)
            self._own.flush()
        else:
            self.write_for(origin, stream, text)

    def write_for(self, origin: Origin, stream: str, text: str) -> None:
        """Take `text` in on behalf of `origin`, unless that has said it before."""
        if origin.is_muted:
            return
        with self._lock:
            self._keep(origin, stream, text)

    def flush(self) -> None:
        """Send what is kept."""
        with self._lock:
            self._is_due = False
            parts, self._parts, self._sizes = self._parts, {}, {}
            for (origin, stream), texts in parts.items():
                self._emit(origin, stream, "".join(texts))

    def _keep(self, origin: Origin, stream: str, text: str) -> None:
        text = self._bounded(origin, text)
        if not text:
            return
        key = (origin, stream)
        self._parts.setdefault(key, []).append(text)
        size = self._sizes[key] = self._sizes.get(key, 0) + len(text)
        if size >= CHUNK:
            self._emit(origin, stream, "".join(self._parts.pop(key)))
            del self._sizes[key]
        elif not self._is_due:
            self._is_due = True
            self._turn(self.flush)

    def _bounded(self, origin: Origin, text: str) -> str:
        """As much of `text` as `origin` may still leave."""
        room = self._limit - origin.written
        if room <= 0:
            return ""
        if len(text) * 4 < room:
            origin.written += len(text) if text.isascii() else len(text.encode(errors="replace"))
            return text
        data = text.encode(errors="replace")
        origin.written += len(data)
        if len(data) < room:
            return text
        return data[:room].decode(errors="ignore") + "\n" + TRUNCATED

    def _emit(self, origin: Origin, stream: str, text: str) -> None:
        for start in range(0, len(text), CHUNK):
            self._send(
                Log(
                    execution=origin.execution,
                    fence=origin.fence,
                    call=origin.call,
                    attempt=origin.attempt,
                    stream=stream,
                    instant=self._clock.now(),
                    text=_sendable(text[start : start + CHUNK]),
                )
            )


def _sendable(text: str) -> str:
    """`text` without lone surrogates, which UTF-8 cannot hold."""
    return text if text.isascii() else text.encode(errors="replace").decode()


class Stream(io.TextIOBase):
    """What stands for `sys.stdout` and `sys.stderr`. `buffer` writes bytes past us, to the worker's log."""

    def __init__(self, output: Output, name: str, own: TextIO) -> None:
        self._output = output
        self._name = name
        self._descriptor = own.fileno()
        self.buffer = own.buffer

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has a plain attribute, we never change it
        """Always UTF-8."""
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]  # as above
        """How characters that UTF-8 cannot hold are written."""
        return "replace"

    def writable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """The descriptor of the worker's own log, for programs that a body starts."""
        return self._descriptor

    def write(self, text: str) -> int:
        """Take `text` in; its length."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._output.write(self._name, text)
        return len(text)


class LogHandler(logging.Handler):
    """Takes what is logged; the level's name is the stream."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Take in one record."""
        try:
            self._output.write(record.levelname, self.format(record) + "\n")
        except Exception:  # logging must not break what logs; its own rule
            self.handleError(record)
