"""Records between a worker's parts: what a task process is asked to run, how it ended, what a source gives.

A `Job` is one body: one attempt of one call, run in a process that serves nobody else meanwhile. The
function is named, never sent: the process finds it in the pinned source of `digest`. Values are bytes
of the codec, durations int milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from flux.codec import ClassIndex
    from flux.workflow import Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One body to run in a task process.

    Attributes:
        digest: of the pinned source that holds the function.
        module: the function's `__module__`: a name given by the loader, or that of an installed module.
        qualname: the function's `__qualname__`; it must be reachable from the module.
        args: `codec.encode_call` of the arguments.
        timeout: from the start of the body, not of the wait for a free process; 0 for none.
        injects: JSON-able values of the keywords that the runtime adds.
    """

    execution: str
    fence: int
    call: str
    attempt: int
    digest: str
    module: str
    qualname: str
    args: bytes
    timeout: int = 0
    injects: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a body in a task process ended.

    Attributes:
        status: "died": the process ended in the body for a reason of its own. "timeout": it was killed
            since the body ran longer than allowed.
        payload: the encoded result when completed, the encoded error when failed, else None.
        detail: when died: `signal` (name or None), `exit_code` (int or None), `peak_memory` (bytes).
    """

    status: Literal["completed", "failed", "died", "timeout"]
    payload: bytes | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


class Processes(Protocol):
    """What runs bodies in task processes."""

    async def run(self, job: Job) -> Outcome:
        """How the body ended. Cancelling the awaiting task kills the process, and waits until it is gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A pinned source that was imported.

    Attributes:
        workflows: declared name -> workflow, of the entry module.
        classes: what the codec may rebuild values with: the entry module and its local imports.
    """

    digest: str
    module: ModuleType
    workflows: "Mapping[str, Workflow]"
    classes: "ClassIndex"
