"""Frames between the daemon and its workers.

A frame is a 4-byte big-endian length and one msgpack array whose first element names its kind.
Payloads are byte strings inside it that the daemon never looks into. Numbers of events are those of
`core.events.NUMBERS`. Instants and durations are int milliseconds.

A worker sends `Report`s numbered from 1 under each fence; the daemon answers each with one `Ack`
after everything in it is durable. `Input`s of one execution arrive in the order of their sequence.
What breaks the grammar raises `ProtocolError`: the peer is then ended, never repaired.

Nothing here does I/O: `Splitter` turns received bytes into frames, `pack` turns a frame into bytes.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from flux.errors import ProtocolError

MAX_FRAME: Final = 32 * 1024 * 1024
SPLIT_AT: Final = 4 * 1024 * 1024  # reports and histories above this leave in several frames
_LENGTH: Final = 4


class Frame(msgspec.Struct, array_like=True, frozen=True, tag=True, tag_field="frame", gc=False):
    """Base of all frames; the class name is the tag on the wire."""


# ------------------------------------------------------------------ daemon to worker


class Source(Frame, frozen=True):
    """The pinned source of a version, sent before the first grant that needs it.

    `files` maps paths relative to the version's root to their bytes; `entry` is the one that holds
    the workflow; `root` is the folder it came from, for tracebacks and data files beside it.
    """

    digest: str
    entry: str
    root: str
    files: dict[str, bytes]


class Grant(Frame, frozen=True):
    """The right to run one execution, until it is released, ended or lost.

    `workflow` is the name of the workflow object's declared name in the source `digest`; `instant` the daemon's
    time; `token` goes back in the first report, later ones carry the `handle` of its acknowledgement.
    """

    execution: str
    fence: int
    token: str
    namespace: str
    workflow: str
    digest: str
    instant: int
    created: int
    principal: str


class History(Frame, frozen=True):
    """Part of the log of a granted execution: msgpack of a list of `Recorded`, in order."""

    execution: str
    fence: int
    last: bool
    events: bytes


class Recorded(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One event inside `History.events`."""

    sequence: int
    type: int
    instant: int
    call: str | None
    parent: str | None
    name: str | None
    attempt: int
    seen: int
    digest: bytes | None
    detail: str | None
    payload: bytes | None


class Ack(Frame, frozen=True):
    """Report `n` is durable. Bodies of its begins may start, except those whose index is in `denied`.

    `refused`: its `idle` or `end` did not hold, since an input had been numbered that it had not seen;
    that input is on its way or has arrived. `handle` stands in for the token from now on. `instant`: the
    daemon's time, so that what ends after this is not stamped before it; 0: not told.
    """

    execution: str
    fence: int
    n: int
    sequence: int
    handle: int
    denied: tuple[int, ...] = ()
    refused: bool = False
    instant: int = 0


class Input(Frame, frozen=True):
    """One input for a loaded execution: `type` is the number of PAUSE_CLOSED, TIMER_FIRED, WORKFLOW_CANCELLING
    or TASK_DENIED; `call` names the pause, timer or call."""

    execution: str
    fence: int
    sequence: int
    type: int
    call: str | None
    instant: int
    payload: bytes | None


class Release(Frame, frozen=True):
    """Unload this execution if it is quiet, and answer `Released`; if it is not, answer nothing."""

    execution: str
    fence: int


class Forget(Frame, frozen=True):
    """The lease is gone or the execution ended without you: drop it, report nothing."""

    execution: str
    fence: int


class Renewed(Frame, frozen=True):
    """The leases of this worker hold until its own receipt of this plus `ttl`."""

    ttl: int


class Drain(Frame, frozen=True):
    """Deliver nothing more; let running bodies finish and report them; then end the process."""


# ------------------------------------------------------------------ worker to daemon


class Hello(Frame, frozen=True):
    """First frame of a worker."""

    worker: str
    pid: int
    protocol: int


class Fact(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An outcome. `type` is the number of one of `core.events.FACTS`; `detail` small JSON."""

    type: int
    call: str
    attempt: int
    instant: int
    seen: int
    parent: str | None = None
    detail: str | None = None
    payload: bytes | None = None


class Begin(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A wish to start a body. `type` is the number of one of `core.events.BEGINS`; `args` the codec's bytes.

    `kind`: "loop", "process" or "thread". `timeout`: milliseconds, 0 for none. `exempt`: no authorization.
    """

    type: int
    call: str
    name: str
    attempt: int
    kind: str
    parent: str | None = None
    digest: bytes | None = None
    args: bytes | None = None
    timeout: int = 0
    exempt: bool = False


class Waiting(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A wait opened or closed. `kind`: "pause" or "timer"; `due` for timers; `name` and `payload` for pauses."""

    call: str
    kind: str
    open: bool
    due: int = 0
    parent: str | None = None
    name: str | None = None
    payload: bytes | None = None


class Idle(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Nothing runs; only what the daemon sends can move this execution."""

    seen: int


class End(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The workflow ended. `type` is the number of WORKFLOW_COMPLETED, FAILED or CANCELLED."""

    type: int
    seen: int
    instant: int
    detail: str | None = None
    payload: bytes | None = None


class Report(Frame, frozen=True):
    """What happened since the last report, and what wants to begin. Facts stand in delivery order."""

    execution: str
    fence: int
    handle: int
    n: int
    facts: tuple[Fact, ...] = ()
    begins: tuple[Begin, ...] = ()
    waits: tuple[Waiting, ...] = ()
    idle: Idle | None = None
    end: End | None = None
    token: str | None = None


class Released(Frame, frozen=True):
    """The execution is unloaded, nothing of it runs here any more."""

    execution: str
    fence: int


class Heartbeat(Frame, frozen=True):
    """Sent from a thread. `age`: milliseconds since the loop last turned.

    `execution`, `call`, `attempt`, `since`: the body that holds the loop, if one does, and for how many ms.
    """

    age: int
    execution: str | None = None
    call: str | None = None
    attempt: int = 0
    since: int = 0


class Log(Frame, frozen=True):
    """Output of user code: `stream` is "stdout", "stderr" or a log level. `call` None: the workflow's own."""

    execution: str
    fence: int
    call: str | None
    attempt: int
    stream: str
    instant: int
    text: str


FromDaemon = Source | Grant | History | Ack | Input | Release | Forget | Renewed | Drain
FromWorker = Hello | Report | Released | Heartbeat | Log

_ENCODER: Final = msgspec.msgpack.Encoder()
_FROM_DAEMON: Final[msgspec.msgpack.Decoder[FromDaemon]] = msgspec.msgpack.Decoder(FromDaemon)
_FROM_WORKER: Final[msgspec.msgpack.Decoder[FromWorker]] = msgspec.msgpack.Decoder(FromWorker)
_HISTORY: Final = msgspec.msgpack.Decoder(list[Recorded])

PROTOCOL: Final = 1


def pack(frame: Frame) -> bytes:
    """The bytes of `frame`, length first.

    Raises:
        ProtocolError: it is above MAX_FRAME.
    """
    body = _ENCODER.encode(frame)
    if len(body) > MAX_FRAME:
        raise ProtocolError(f"a frame of {len(body)} bytes is above the limit of {MAX_FRAME}")
    return len(body).to_bytes(_LENGTH, "big") + body


def from_daemon(body: bytes | memoryview) -> FromDaemon:
    """The frame in `body`, as a worker receives it."""
    try:
        return _FROM_DAEMON.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as exc:
        raise ProtocolError(f"not a frame of a daemon: {exc}") from exc


def from_worker(body: bytes | memoryview) -> FromWorker:
    """The frame in `body`, as the daemon receives it."""
    try:
        return _FROM_WORKER.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as exc:
        raise ProtocolError(f"not a frame of a worker: {exc}") from exc


def pack_events(rows: Iterable[tuple[object, ...]]) -> bytes:
    """`History.events` of rows with the columns of `Recorded`."""
    return _ENCODER.encode(list(rows))


def unpack_events(events: bytes) -> list[Recorded]:
    """The recorded events inside a `History`."""
    try:
        return _HISTORY.decode(events)
    except (msgspec.DecodeError, ValueError) as exc:
        raise ProtocolError(f"not a history: {exc}") from exc


class Splitter:
    """Cuts a stream of received bytes into frame bodies.

    A frame that arrives in many pieces is copied once: nothing is looked at before its last byte is there.
    """

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._need = _LENGTH

    def feed(self, data: bytes | memoryview) -> list[bytes]:
        """The bodies that `data` completes.

        Raises:
            ProtocolError: a length above the limit; the stream cannot be read any further.
        """
        buffer = self._buffer
        buffer += data
        if len(buffer) < self._need:
            return []
        start, bodies, total = 0, [], len(buffer)
        while True:
            self._need = _LENGTH
            if total - start < _LENGTH:
                break
            size = int.from_bytes(buffer[start : start + _LENGTH], "big")
            if size > self._limit:
                raise ProtocolError(f"a frame of {size} bytes is announced, the limit is {self._limit}")
            self._need = _LENGTH + size
            if total - start < self._need:
                break
            bodies.append(bytes(buffer[start + _LENGTH : start + self._need]))
            start += self._need
        del buffer[:start]
        return bodies

    @property
    def pending(self) -> int:
        """Bytes of a frame that has not arrived whole."""
        return len(self._buffer)
