"""Control messages: how processes are asked for, handed over and ended.

Three pairs speak them: daemon and launcher, worker and launcher (both over a Unix socket that keeps
message borders, with descriptors beside a message), worker and task process (a stream, cut by the
length like worker frames). A message is one msgpack array whose first element names its kind.

Messages with borders stay below `MAX_MESSAGE`; what can be long (sources, arguments, results) goes
over streams. Durations are int milliseconds, memory is bytes. Nothing here does I/O.
"""

from typing import Final, TypeVar

import msgspec

from flux.errors import ProtocolError
from flux.wire.frames import MAX_FRAME, Source

MAX_MESSAGE: Final = 64 * 1024


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the launcher is told on its command line, as JSON.

    `parent`: pid of the daemon. `processes`: task processes at the same time, over all workers.
    `output`: bytes of captured output that one task may leave.
    """

    parent: int
    processes: int
    worker_memory: int
    process_memory: int
    heartbeat: int
    output: int


class Control(msgspec.Struct, array_like=True, frozen=True, tag=True, tag_field="frame", gc=False):
    """Base of all control messages; the class name is the tag."""


# ------------------------------------------------------------------ daemon to launcher


class SpawnWorker(Control, frozen=True):
    """Fork a worker called `worker`. Answer: `Spawned` with [pidfd, stream]."""

    id: int
    worker: str


class SpawnInspector(Control, frozen=True):
    """Fork an inspector for the file `path` below `root`. Answer: `Spawned` with [pidfd, stream, output, trace].

    It ends itself after `limit`, and leaves in `trace` where it was then.
    """

    id: int
    path: str
    root: str
    limit: int


class Attach(Control, frozen=True):
    """Treat the asker as a worker. Answer: `Attached` with [socket], on which it may ask for task processes."""

    id: int


class Kill(Control, frozen=True):
    """End a process that the sender was told about. Answer: its `Ended`, in any case the only one."""

    pid: int


class Ping(Control, frozen=True):
    """Answer `Pong`."""


# ------------------------------------------------------------------ launcher to daemon


class Ready(Control, frozen=True):
    """The runtime is loaded; forks are cheap from now on."""


class Spawned(Control, frozen=True):
    """A process exists. `id` is that of the request, 0 for a task process; [pidfd] comes with it, and more."""

    id: int
    pid: int
    start: int
    kind: str


class Attached(Control, frozen=True):
    """Answer to `Attach`."""

    id: int


class Refused(Control, frozen=True):
    """The process of request `id` could not be made."""

    id: int
    reason: str


class Ended(Control, frozen=True):
    """A process is dead and reaped; of a worker, its task processes too. `signal`: its name, or None."""

    pid: int
    signal: str | None
    exit_code: int | None
    peak_memory: int


class Pong(Control, frozen=True):
    """Answer to `Ping`."""


# ------------------------------------------------------------------ worker and launcher


class Want(Control, frozen=True):
    """A task process is wanted, best one that knows the source `digest`. Answer, perhaps late: `Granted`."""

    request: int
    digest: str


class Drop(Control, frozen=True):
    """`request` is not wanted any more. If it was granted meanwhile, the worker answers that with `Free`."""

    request: int


class Granted(Control, frozen=True):
    """Process `pid` serves `request` until `Free`. When it is new, [stream, stdout, stderr] come with it."""

    request: int
    pid: int


class Free(Control, frozen=True):
    """Process `pid` has nothing to do. It may be ended, or given again."""

    pid: int


# ------------------------------------------------------------------ worker and task process


class Run(Control, frozen=True):
    """Run one body; see `worker.job.Job`. Its source was sent before."""

    digest: str
    module: str
    qualname: str
    args: bytes
    injects: dict[str, object]


class Started(Control, frozen=True):
    """The source is loaded, the body starts now."""


class Logged(Control, frozen=True):
    """The body logged a record of `level`."""

    level: str
    text: str


class Done(Control, frozen=True):
    """How the body ended: the encoded result, or the encoded error when not `completed`."""

    completed: bool
    payload: bytes


# ------------------------------------------------------------------ inspector to daemon: Source, then Findings


class WorkflowFound(msgspec.Struct, frozen=True, kw_only=True):
    """One workflow object in an inspected file. `namespace` None: not declared.

    `tasks`: names of the tasks that it is known to call and that need a permission; `exempt`: those that need none.
    """

    name: str
    namespace: str | None
    line: int
    doc: str | None
    tasks: list[str]
    exempt: list[str]
    options: dict[str, object]
    input_schema: dict[str, object] | None


class LoadError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a file could not be loaded. `line` 0: not known."""

    type: str
    message: str
    file: str
    line: int


class Findings(Control, frozen=True):
    """What importing a source showed."""

    workflows: list[WorkflowFound]
    error: LoadError | None


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What one file holds. `digest`, `entry`, `root` and `files` are those of its `Source`.

    They are empty if the file could not be read. A file without workflows is no error. `output`: what it printed
    while it was imported.
    """

    digest: str
    entry: str
    root: str
    files: dict[str, bytes]
    workflows: list[WorkflowFound] = []
    error: LoadError | None = None
    output: str = ""


ToLauncher = SpawnWorker | SpawnInspector | Attach | Kill | Ping | Want | Drop | Free
FromLauncher = Ready | Spawned | Attached | Refused | Ended | Pong | Granted
ToProcess = Source | Run
FromInspector = Source | Findings
FromProcess = Started | Logged | Done

_ENCODER: Final = msgspec.msgpack.Encoder()
_TO_LAUNCHER: Final[msgspec.msgpack.Decoder[ToLauncher]] = msgspec.msgpack.Decoder(ToLauncher)
_FROM_LAUNCHER: Final[msgspec.msgpack.Decoder[FromLauncher]] = msgspec.msgpack.Decoder(FromLauncher)
_TO_PROCESS: Final[msgspec.msgpack.Decoder[ToProcess]] = msgspec.msgpack.Decoder(ToProcess)
_FROM_PROCESS: Final[msgspec.msgpack.Decoder[FromProcess]] = msgspec.msgpack.Decoder(FromProcess)
_FROM_INSPECTOR: Final[msgspec.msgpack.Decoder[FromInspector]] = msgspec.msgpack.Decoder(FromInspector)

_T = TypeVar("_T")


def encode(message: Control | Source) -> bytes:
    """The bytes of `message`, without a length before them.

    Raises:
        ProtocolError: it is above MAX_FRAME.
    """
    body = _ENCODER.encode(message)
    if len(body) > MAX_FRAME:
        raise ProtocolError(f"a message of {len(body)} bytes is above the limit of {MAX_FRAME}")
    return body


def _decode(decoder: "msgspec.msgpack.Decoder[_T]", body: bytes, sender: str) -> _T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as exc:
        raise ProtocolError(f"not a message of {sender}: {exc}") from exc


def to_launcher(body: bytes) -> ToLauncher:
    """The message in `body`, as the launcher receives it."""
    return _decode(_TO_LAUNCHER, body, "a daemon or worker")


def from_launcher(body: bytes) -> FromLauncher:
    """The message in `body`, as the daemon or a worker receives it."""
    return _decode(_FROM_LAUNCHER, body, "a launcher")


def to_process(body: bytes) -> ToProcess:
    """The message in `body`, as a task process receives it."""
    return _decode(_TO_PROCESS, body, "a worker")


def from_process(body: bytes) -> FromProcess:
    """The message in `body`, as a worker receives it from a task process."""
    return _decode(_FROM_PROCESS, body, "a task process")


def from_inspector(body: bytes) -> FromInspector:
    """The message in `body`, as the daemon receives it from an inspector."""
    return _decode(_FROM_INSPECTOR, body, "an inspector")


def settings_to_text(settings: Settings) -> str:
    """`settings` as one argument of a command line."""
    return msgspec.json.encode(settings).decode()


def settings_of_text(text: str) -> Settings:
    """The settings in an argument of a command line."""
    return msgspec.json.decode(text, type=Settings)
