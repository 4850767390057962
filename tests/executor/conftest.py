"""A pool with a real launcher, and what it told; an executor whose workers are strangers."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flux.executor.pool import Death, Pool, PoolConfig, WorkerHandle
from flux.store.database import Database
from flux.testing.faulty_disk import FaultyDisk
from flux.wire.frames import Frame, from_worker
from tests.engine.desk import Desk
from tests.executor.strangers import Stage

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "FLUX_SECRET": "planted", "KEPT": "yes"}


class Told:
    """Everything a pool told."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[tuple[WorkerHandle, Frame]] = asyncio.Queue()
        self.deaths: asyncio.Queue[tuple[WorkerHandle, Death]] = asyncio.Queue()
        self.processes: dict[tuple[int, int], str] = {}  # (pid, start) -> kind, of those that live
        self.all_processes: list[tuple[int, int, str]] = []

    def on_frames(self, worker: WorkerHandle, bodies: list[bytes]) -> None:
        for body in bodies:
            self.frames.put_nowait((worker, from_worker(body)))

    def on_death(self, worker: WorkerHandle, death: Death) -> None:
        self.deaths.put_nowait((worker, death))

    def on_process(self, pid: int, start: int, kind: str, is_alive: bool) -> None:
        if is_alive:
            self.processes[pid, start] = kind
            self.all_processes.append((pid, start, kind))
        else:
            del self.processes[pid, start]

    def living(self, kind: str) -> list[int]:
        """The pids of processes of that kind that were not told to have ended."""
        return [pid for (pid, _), known in self.processes.items() if known == kind]


MakePool = Callable[..., Awaitable[tuple[Pool, Told]]]


@pytest.fixture
async def make_pool() -> AsyncIterator[MakePool]:
    """Starts pools with settings of the test's, and leaves no process behind."""
    pools: list[tuple[Pool, Told]] = []

    async def make(**settings: Any) -> tuple[Pool, Told]:
        told = Told()
        config = PoolConfig(**{"environment": ENVIRONMENT, "processes": 2, **settings})
        pool = Pool(config, told.on_frames, told.on_death, told.on_process)
        pools.append((pool, told))
        await pool.start()
        return pool, told

    yield make
    for pool, told in pools:
        await pool.stop()
        assert not told.processes
        assert not [pid for pid, _, _ in told.all_processes if exists(pid)]


@pytest.fixture
async def pool(make_pool: MakePool) -> tuple[Pool, Told]:
    """A pool with the usual settings, and what it told."""
    return await make_pool()


def exists(pid: int) -> bool:
    """Whether there is a process of that pid, be it only to be reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def gone(pid: int) -> None:
    """Wait until process `pid` has ended, whoever reaps it."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(pidfd, ended.set)
    await ended.wait()
    asyncio.get_running_loop().remove_reader(pidfd)
    os.close(pidfd)


@pytest.fixture
def disk() -> Iterator[FaultyDisk]:
    """A disk that fails when it is told to."""
    with FaultyDisk.registered() as disk:
        yield disk


@pytest.fixture
async def desk(disk: FaultyDisk, tmp_path: Path) -> AsyncIterator[Desk]:
    """An engine with the workflow `default/work`, on that disk."""
    database = Database.open(tmp_path / "flux.db", vfs=disk.name)
    desk = Desk.over(database)
    await desk.register("work")
    yield desk
    database.close()


@pytest.fixture
async def stage(desk: Desk) -> AsyncIterator[Stage]:
    """An executor over that engine; the test opens it."""
    stage = Stage(desk)
    yield stage
    await stage.close()
