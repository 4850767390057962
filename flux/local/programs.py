"""Workflows of this process, and where bodies of their tasks run.

A `def` task runs in a task process if that can find it: a function at the top of a module that lies in
a file. Its module's file is pinned for that, as it is at that moment. Else it runs in a thread, and
one warning says so.
"""

import asyncio
import sys
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final

from flux.codec import ClassIndex
from flux.core.catalog import DEFAULT_NAMESPACE, Version, needed
from flux.runtime import TaskSpec
from flux.task import Task
from flux.wire.frames import Source
from flux.worker.job import Job, Loaded, Outcome
from flux.worker.processes import TaskProcesses
from flux.worker.sources import gather
from flux.workflow import Workflow

DIGEST: Final = "local:"  # before `namespace/name`: the version of what is not pinned


def version_of(workflow: Workflow[Any, Any]) -> Version:
    """What the catalog would say of a workflow of this process."""
    namespace = workflow.namespace or DEFAULT_NAMESPACE
    return Version(
        namespace=namespace,
        name=workflow.name,
        number=1,
        digest=f"{DIGEST}{namespace}/{workflow.name}",
        path=workflow.file or "",
        registered=0,
        tasks=(),
        about="{}",
        permissions=needed(namespace, workflow.name, ()),
    )


class Programs:
    """The workflows that this process was asked to run; the newest definition of a name counts."""

    def __init__(self) -> None:
        self._loaded: dict[str, Loaded] = {}
        self._warned: set[object] = set()
        self.sources: dict[str, Source] = {}

    def add(self, workflow: Workflow[Any, Any]) -> Version:
        """Take in a workflow; its version."""
        version = version_of(workflow)
        module = sys.modules.get(workflow.fn.__module__) or ModuleType(workflow.fn.__module__)
        main = sys.modules["__main__"]
        near = workflow.fn if isinstance(workflow.fn, FunctionType) else None
        classes = ClassIndex.growing(*dict.fromkeys((module, main)), near=near)
        self._loaded[version.digest] = Loaded(
            digest=version.digest, module=module, workflows={workflow.name: workflow}, classes=classes
        )
        return version

    def load(self, digest: str) -> Loaded:
        """The workflow that was taken in under this digest."""
        return self._loaded[digest]

    def place(self, spec: TaskSpec) -> str:
        """Where bodies of a task run: as declared, or in a thread if no process could find the function."""
        if spec.place != "process" or _file_of(spec.fn) is not None:
            return spec.place
        if spec.fn not in self._warned:
            self._warned.add(spec.fn)
            warnings.warn(
                f"task {spec.name!r} runs in a thread: no other process can find {spec.fn.__qualname__}; "
                "define it at the top of a module in a file to have it run in a process of its own",
                RuntimeWarning,
                stacklevel=2,
            )
        return "thread"

    def pin(self, job: Job) -> Job:
        """The job as a task process can run it: its function is in the entry of a pinned source."""
        module = sys.modules[job.module]
        file = Path(str(module.__file__)).resolve()
        root = file.parent
        while (root / "__init__.py").exists():
            root = root.parent
        source = gather(root, file.relative_to(root).as_posix())
        self.sources[source.digest] = source
        return replace(job, digest=source.digest, module="__main__")


class LocalProcesses:
    """Task processes of this process; the first body that needs one starts what makes them."""

    def __init__(self, programs: Programs, start: Callable[[], Awaitable[TaskProcesses]]) -> None:
        self._programs = programs
        self._start = start
        self._starting: asyncio.Task[TaskProcesses] | None = None

    async def run(self, job: Job) -> Outcome:
        """How the body ended. Cancelling the awaiting task kills its process."""
        if self._starting is None or _has_failed(self._starting):
            self._starting = asyncio.ensure_future(self._start())
        started = await asyncio.shield(self._starting)
        return await started.run(self._programs.pin(job))


def _has_failed(starting: asyncio.Task[TaskProcesses]) -> bool:
    return starting.done() and (starting.cancelled() or starting.exception() is not None)


def _file_of(fn: Callable[..., object]) -> Path | None:
    """The file in which another process finds `fn` at the top of a module; None if there is none."""
    module = sys.modules.get(fn.__module__)
    file = getattr(module, "__file__", None)
    if module is None or file is None or "<" in fn.__qualname__ or not Path(file).is_file():
        return None
    for thing in vars(module).values():
        inner = thing.fn if isinstance(thing, Task) else thing
        if inner is fn:
            return Path(file)
    return None
