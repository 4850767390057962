"""Parts of a worker beside real processes: task processes of a real launcher, run from the test's own loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from flux import codec
from flux.executor.pool import Pool
from flux.wire.frames import Source
from flux.worker.job import Job, Outcome
from flux.worker.output import Origin
from flux.worker.processes import TaskProcesses
from flux.worker.sources import gather
from tests.executor.conftest import MakePool, Told, make_pool, pool

__all__ = ["make_pool", "pool"]

HEAD = "import asyncio, logging, os, signal, sys, threading, time\nfrom flux.task import task\n"


class Bodies:
    """Runs functions of one source in task processes, as a worker does."""

    def __init__(self, pool: Pool, told: Told, folder: Path) -> None:
        self.pool = pool
        self.told = told
        self.output: list[tuple[Origin, str, str]] = []
        self.printed = asyncio.Event()
        self._folder = folder
        self._sources: dict[str, Source] = {}

    async def start(self) -> "Bodies":
        """Become a client of the launcher."""
        self.processes = await self.attach()
        return self

    async def attach(self) -> TaskProcesses:
        """Another client of the launcher, as a second worker would be."""
        end = await self.pool.attach()
        return TaskProcesses(end, asyncio.get_running_loop(), self._sources.__getitem__, self._write)

    def source(self, text: str) -> Source:
        """Pin `text` as the source of the next jobs."""
        (self._folder / "bodies.py").write_text(HEAD + text)
        source = gather(self._folder, "bodies.py")
        self._sources[source.digest] = source
        return source

    def job(self, source: Source, name: str, *args: object, **options: Any) -> Job:
        """A call of the function `name`."""
        module = f"flux_source_{source.digest[:16]}.bodies"
        call: dict[str, Any] = {"execution": "e1", "fence": 1, "call": f"{name}#1", "attempt": 1, **options}
        return Job(digest=source.digest, module=module, qualname=name, args=codec.encode_call(args, {}), **call)

    async def run(self, text: str, name: str, *args: object, **options: Any) -> Outcome:
        """How the function `name` of a source `text` ends."""
        return await self.processes.run(self.job(self.source(text), name, *args, **options))

    def text(self, stream: str) -> str:
        """What was written to that stream."""
        return "".join(text for _, name, text in self.output if name == stream)

    def _write(self, origin: Origin, stream: str, text: str) -> None:
        self.output.append((origin, stream, text))
        self.printed.set()


MakeBodies = Callable[..., Awaitable[Bodies]]


@pytest.fixture
async def make_bodies(make_pool: MakePool, tmp_path: Path) -> AsyncIterator[MakeBodies]:
    """Starts launchers with settings of the test's."""
    made: list[Bodies] = []

    async def make(**settings: Any) -> Bodies:
        made.append(await Bodies(*await make_pool(**settings), tmp_path).start())
        return made[-1]

    yield make
    for bodies in made:
        bodies.processes.close()


@pytest.fixture
async def bodies(make_bodies: MakeBodies) -> Bodies:
    """Task processes with the usual settings."""
    return await make_bodies()
