"""The daemon under a service manager: it says when it is ready, that it lives, and drains when it is told to stop."""

import os
import select
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.house import House
from tests.system.processes import until

STEPS = """
import asyncio
from pathlib import Path
from flux import task, workflow

@task
async def step(number, ledger):
    with Path(ledger).open("a") as lines:
        lines.write(f"start {number}\\n")
    await asyncio.sleep(0.4)
    with Path(ledger).open("a") as lines:
        lines.write(f"end {number}\\n")

@workflow
async def steps(ctx):
    for number in range(4):
        await step(number, ctx.input)
"""


class Service(House):
    """A house whose daemon has a service manager to talk to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, workers="1", processes="1")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(folder / "notify"))

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), "NOTIFY_SOCKET": str(self.folder / "notify")}

    def told(self) -> list[str]:
        """What the manager was told and has not read yet."""
        lines: list[str] = []
        while select.select([self.manager], [], [], 0)[0]:
            lines += self.manager.recv(4096).decode().splitlines()
        return lines


@pytest.fixture
def service() -> Iterator[Service]:
    """A service, started; nothing of it is left at the end."""
    folder = Path(tempfile.mkdtemp(prefix="flux-"))
    house = Service(folder)
    try:
        house.start()
        yield house
    finally:
        house.close()
        house.manager.close()
        shutil.rmtree(folder)


def test_it_is_ready_when_the_api_answers(service: Service) -> None:
    """READY with the daemon's own pid, then signs of life and a sentence about what it does."""
    lines: list[str] = []

    def is_told() -> bool:
        lines.extend(service.told())
        return "READY=1" in lines and "WATCHDOG=1" in lines

    until(is_told, "the manager is told that the daemon is ready")

    assert f"MAINPID={service.daemon.pid}" in lines
    assert any(line.startswith("STATUS=0 running, 0 queued") for line in lines)
    assert service.get("/readyz").status == 200


def test_a_stop_lets_the_running_task_end_and_the_next_start_goes_on(service: Service, ledger: Path) -> None:
    """TERM: the body in flight is recorded, exit code 0; after the restart no step runs a second time."""
    service.drop("steps.py", STEPS)
    until(lambda: service.get("/workflows/default/steps").status == 200, "the workflow is offered")
    execution = service.post("/workflows/default/steps/run", str(ledger)).document["execution_id"]
    until(lambda: "start 1" in ledger.read_text(), "the second step runs")

    code = service.end()
    told = service.told()
    service.start()
    until(lambda: service.show(execution)["state"] == "COMPLETED", "the execution ends")

    assert code == 0
    assert "STOPPING=1" in told
    assert ledger.read_text().splitlines() == [f"{word} {number}" for number in range(4) for word in ("start", "end")]


def test_a_hangup_is_answered_and_nothing_stops(service: Service) -> None:
    """HUP: RELOADING, then READY again; the same process goes on."""
    until(lambda: "READY=1" in service.told(), "the daemon is ready")
    os.kill(service.daemon.pid, 1)
    lines: list[str] = []

    def is_told() -> bool:
        lines.extend(service.told())
        return "READY=1" in lines

    until(is_told, "the manager is told that the daemon is ready again")

    assert "RELOADING=1" in lines
    assert service.get("/livez").status == 200
