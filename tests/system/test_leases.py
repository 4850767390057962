"""A worker that says nothing until its lease ends is dead before anything of its is granted again."""

import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.conftest import MakeHouse
from tests.system.house import House
from tests.system.processes import Process, process, until

LEASE = 1.5  # seconds
FINAL = {"WORKFLOW_COMPLETED", "WORKFLOW_FAILED", "WORKFLOW_CANCELLED"}


@pytest.fixture(scope="module")
def house(make_house: MakeHouse) -> House:
    """A house with short leases."""
    house = make_house(lease=str(LEASE), heartbeat="0.3")
    house.offer("witness", "steps")
    return house


@pytest.fixture
def stopped() -> Iterator[list[Process]]:
    """Processes that a test has stopped: they go on at its end, if they live."""
    found: list[Process] = []
    yield found
    for one in found:
        one.go_on()


def test_a_worker_that_is_stopped_past_its_lease_is_dead_before_its_execution_is_granted_again(
    house: House, tmp_path: Path, stopped: list[Process]
) -> None:
    """It could wake up in the middle of a body: so it is killed, with its task processes, then the next one begins."""
    execution = house.submit("witness", {"folder": str(tmp_path), "loop_blocks": False, "process_blocks": False})
    until(lambda: (tmp_path / "loop").exists() and (tmp_path / "process").exists(), "both bodies run")
    pids = [int(pid) for name in ("loop", "process") for pid in (tmp_path / name).read_text().split()]
    old = [process(pid) for pid in pids]  # the worker, its program, the task process, and that one's
    (tmp_path / ".old").write_text("".join(f"{one.pid}:{one.start}\n" for one in old))
    (tmp_path / ".old").rename(tmp_path / "old")

    stopped.append(old[0])
    old[0].stop()
    shown = house.rest(execution)

    assert (shown["state"], shown["output"]) == ("COMPLETED", [[], []])
    events = house.events(execution)
    told = [event["detail"] for event in events if event["type"] == "WORKFLOW_RECOVERED"]
    assert told == [{"cause": "lease"}]
    assert [event["attempt"] for event in events if event["type"] == "WORKFLOW_STARTED"] == [1, 2]
    assert [event["type"] for event in events if event["type"] in FINAL] == ["WORKFLOW_COMPLETED"]


@pytest.mark.parametrize(
    "overtime", [-0.05, 0.0, 0.3, *(pytest.param(late, marks=pytest.mark.slow) for late in (-0.3, 0.05, 0.1, 0.6, 0.9))]
)
def test_a_worker_that_wakes_up_around_the_end_of_its_lease_leaves_no_execution_behind(
    house: House, ledger: Path, stopped: list[Process], overtime: float
) -> None:
    """Whichever of the two sees first that the lease is over: the execution goes on, and ends once."""
    execution = house.submit("steps", {"ledger": str(ledger), "seconds": 0.05})
    house.until_event(execution, "TASK_STARTED", times=3)
    worker = house.worker_of(execution)
    stopped.append(worker)

    worker.stop()
    select.select([], [], [], LEASE + overtime)
    worker.go_on()
    shown = house.rest(execution)

    assert shown["state"] == "COMPLETED"
    assert len(ledger.read_text().split()) <= 11
    kinds = [event["type"] for event in house.events(execution)]
    assert [kind for kind in kinds if kind in FINAL] == ["WORKFLOW_COMPLETED"]
