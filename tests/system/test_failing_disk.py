"""A disk that is full, and one that does not sync, under a whole daemon in the test's loop.

Workers and the launcher are real processes; only the daemon runs here, since SQLite must reach its file by a
disk that fails when the test says so.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from flux import config
from flux.daemon import EXIT_STORAGE, Daemon
from flux.errors import DiskFull
from flux.testing.faulty_disk import FaultyDisk
from tests.system.api import Answer, Api, Json
from tests.system.flows.steps import TASKS
from tests.system.house import FLOWS
from tests.system.processes import PATIENCE, process

NAP = 1.5  # seconds: long enough to fill the disk first, on a crowded machine too
MakeDaemon = Callable[[], Awaitable[Daemon]]


@pytest.fixture
def disk() -> Iterator[FaultyDisk]:
    """A disk that fails when it is told to."""
    with FaultyDisk.registered() as disk:
        yield disk


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket, with workflows in it."""
    folder = Path(tempfile.mkdtemp(prefix="flux-"))
    (folder / "workflows").mkdir()
    for name in ("steps", "nap"):
        shutil.copy(FLOWS / f"{name}.py", folder / "workflows")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def make_daemon(folder: Path, disk: FaultyDisk) -> AsyncIterator[MakeDaemon]:
    """Starts daemons in that folder, one after the other; what the last one left is closed."""
    made: list[Daemon] = []

    async def make() -> Daemon:
        if made:
            await made.pop().close()
        settings = config.load(
            flags={
                "paths.state": str(folder / "state"),
                "paths.workflows": str(folder / "workflows"),
                "paths.socket": str(folder / "flux.sock"),
                "executor.workers": "2",
                "executor.processes": "2",
                "executor.drain_timeout": "0",
            },
            environment={"PATH": os.environ["PATH"], "HOME": str(folder)},
        )
        daemon = Daemon(settings, "test", disk=disk.name)
        made.append(daemon)
        await daemon.start()
        return daemon

    yield make
    disk.full = disk.broken_sync = False
    for daemon in made:
        await daemon.close()


class Client:
    """The API, asked from a thread, since the daemon runs on the loop."""

    def __init__(self, folder: Path) -> None:
        self._api = Api(folder / "flux.sock")
        self._folder = folder

    async def get(self, path: str) -> Answer:
        """What the daemon answers to GET."""
        return await asyncio.to_thread(self._api.get, path)

    async def post(self, path: str, value: Json) -> Answer:
        """What the daemon answers to a value that is sent."""
        return await asyncio.to_thread(self._api.post, path, value)

    async def submit(self, workflow: str, value: Json) -> str:
        """A new execution."""
        return await asyncio.to_thread(self._api.submit, workflow, value)

    async def rest(self, execution: str) -> Json:
        """An execution at rest."""
        return await asyncio.to_thread(self._api.rest, execution)

    async def until_event(self, execution: str, kind: str, times: int = 1) -> None:
        """Return when that has happened n times."""
        await asyncio.to_thread(self._api.until_event, execution, kind, times=times)

    async def kinds(self, execution: str) -> list[str]:
        """The types of all events of an execution."""
        return [event["type"] for event in await asyncio.to_thread(self._api.events, execution)]

    async def offered(self) -> None:
        """Return when the workflows of the folder are offered."""
        await turns(lambda: asyncio.to_thread(self._api.offered_files), lambda found: len(found) == 2)


async def turns(ask: Callable[[], Awaitable[object]], is_so: Callable[[Json], object]) -> None:
    """Ask again and again until it `is_so`; for what sends no event."""
    async with asyncio.timeout(PATIENCE / 1000):
        while not is_so(await ask()):  # noqa: ASYNC110 - what a disk refuses, and what a folder offers, rings no bell
            await asyncio.sleep(0.01)


async def refusals(disk: FaultyDisk, number: int) -> None:
    """Return when the disk has refused some more."""
    enough = disk.refused + number

    async def refused() -> int:
        return disk.refused

    await turns(refused, lambda found: found >= enough)


def words(path: Path) -> list[str]:
    """What stands in a ledger."""
    return path.read_text().split()


@pytest.fixture
def client(folder: Path) -> Client:
    """A client of the daemon in the folder."""
    return Client(folder)


@pytest.mark.parametrize("kills_a_worker", [False, True], ids=["alone", "while a worker dies"])
async def test_a_full_disk_refuses_new_work_and_makes_the_rest_wait(
    make_daemon: MakeDaemon, disk: FaultyDisk, client: Client, ledger: Path, tmp_path: Path, kills_a_worker: bool
) -> None:
    """507 with the reason; nothing acknowledged is lost, nothing runs twice, and it goes on by itself."""
    await make_daemon()
    await client.offered()
    (tmp_path / "naps").touch()
    busy = await client.submit("steps", {"ledger": str(ledger), "seconds": 0.25})
    await client.until_event(busy, "TASK_STARTED", times=2)
    asleep = await client.submit("nap", [str(tmp_path / "naps"), str(NAP)])
    await client.until_event(asleep, "WORKFLOW_WAITING")

    disk.full = True
    refused = await client.post("/workflows/default/steps/run", {"ledger": str(ledger), "seconds": 0})
    await asyncio.sleep(1.1 * NAP)  # the timer comes due meanwhile, and a body ends
    await refusals(disk, 2)  # both are tried again
    if kills_a_worker:
        shown = (await client.get(f"/executions/{busy}")).document
        pids = {row["worker"]: row["pid"] for row in (await client.get("/stats")).document["workers"]}
        process(pids[shown["worker"]]).kill()
        await refusals(disk, 4)  # of taking back what it held, too
    standing = [(await client.get(f"/executions/{one}")).document["state"] for one in (asleep, busy)]
    disk.full = False

    assert (refused.status, refused.document["code"], refused.document["retryable"]) == (507, "disk_full", True)
    assert standing == ["WAITING", "RUNNING"]
    ended = [await client.rest(one) for one in (asleep, busy)]
    assert [one["state"] for one in ended] == ["COMPLETED", "COMPLETED"]
    assert len(words(ledger)) <= TASKS + kills_a_worker
    assert words(tmp_path / "naps") == ["asleep", "awake"]
    assert (await client.kinds(asleep)).count("TIMER_FIRED") == 1
    assert (await client.kinds(busy)).count("TASK_COMPLETED") == TASKS
    assert ("WORKFLOW_RECOVERED" in await client.kinds(busy)) == kills_a_worker
    again = await client.submit("steps", {"ledger": str(ledger), "seconds": 0})
    assert (await client.rest(again))["state"] == "COMPLETED"


async def test_a_sync_that_fails_ends_the_daemon_and_the_next_one_recovers_from_disk(
    make_daemon: MakeDaemon, disk: FaultyDisk, client: Client, ledger: Path
) -> None:
    """A failed fsync is never tried again: what it left in memory cannot be trusted, what is on the disk can."""
    daemon = await make_daemon()
    await client.offered()
    execution = await client.submit("steps", {"ledger": str(ledger), "seconds": 0.05})
    await client.until_event(execution, "TASK_STARTED", times=3)

    disk.broken_sync = True
    async with asyncio.timeout(PATIENCE / 1000):
        code = await daemon.until_stopped()
    disk.broken_sync = False
    await make_daemon()
    shown = await client.rest(execution)

    assert code == EXIT_STORAGE
    assert (shown["state"], shown["output"]) == ("COMPLETED", list(range(TASKS)))
    assert len(words(ledger)) <= TASKS + 1
    assert (await client.kinds(execution)).count("WORKFLOW_COMPLETED") == 1


async def test_a_daemon_does_not_start_on_a_full_disk_and_says_so(make_daemon: MakeDaemon, disk: FaultyDisk) -> None:
    """It cannot even note that it is there; as soon as there is room, it starts."""
    disk.full = True
    with pytest.raises(DiskFull, match="the disk is full"):
        await make_daemon()

    disk.full = False
    await make_daemon()
