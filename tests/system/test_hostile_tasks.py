"""Tasks that block, crash, leave or eat memory: a clear failure for them, nothing for their neighbours."""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from flux.clock import from_datetime
from tests.system.api import Json
from tests.system.conftest import Figure, MakeHouse
from tests.system.house import House

NEIGHBOURS = 4
TIMEOUT = 1_000  # milliseconds; of the hostile tasks
STRICT = 2_000  # milliseconds after the timeout, until those of the same worker go on elsewhere
LATE = 10_000  # the same on a machine that others use too


@pytest.fixture(scope="module")
def house(make_house: MakeHouse) -> House:
    """A house that offers `hostile` and `ticking`, with little memory for each process."""
    house = make_house(worker_memory="1G", process_memory="1G")
    house.offer("hostile")
    return house


@pytest.mark.parametrize(
    ("deed", "error", "words"),
    [
        pytest.param("block", "TaskTimeout", "1 s", id="blocks"),
        pytest.param("crash", "WorkerCrashed", "3 times in this attempt, the last time by SIGSEGV", id="segfault"),
        pytest.param("leave", "WorkerCrashed", "3 times in this attempt, the last time by exit code 3", id="os._exit"),
        pytest.param("eat", "MemoryError", "", id="memory"),
    ],
)
def test_a_hostile_task_in_a_process_harms_nobody_else(house: House, deed: str, error: str, words: str) -> None:
    """Its process is its own: it times out, or its call fails and says how; the worker lives on."""
    before = house.workers()

    shown = house.run("hostile", ["process", deed])

    assert shown["state"] == "FAILED"
    assert shown["error"]["type"] == error
    assert words in shown["error"]["message"]
    assert shown["error"]["task"] == "in_a_process"
    assert house.workers() == before
    assert shown["attempt"] == 1


def test_a_body_that_holds_the_loop_is_timed_out_and_its_neighbours_go_on_elsewhere(
    house: House, tmp_path: Path, full: bool, figure: Figure
) -> None:
    """The worker is killed: nothing else in it can move either. Nobody but the culprit is told of a fault."""
    neighbours = surround(house, tmp_path)
    beside = {neighbour: house.show(neighbour)["worker"] for neighbour in neighbours}

    shown = house.run("hostile", ["loop", "block"])
    events = house.events(shown["execution_id"])
    worker, began = next((event["worker"], instant(event)) for event in events if event["type"] == "WORKFLOW_STARTED")
    moved = [neighbour for neighbour in neighbours if beside[neighbour] == worker]
    late = max(goes_on(house, neighbour) for neighbour in moved) - began
    figure("ms from the begin of a body that holds its worker until its neighbours go on", late)

    assert (shown["state"], shown["error"]["type"]) == ("FAILED", "TaskTimeout")
    assert "held its worker" in shown["error"]["message"]
    assert late < TIMEOUT + (STRICT if full else LATE)
    for neighbour in neighbours:
        told = [event for event in house.events(neighbour) if event["type"] == "WORKFLOW_RECOVERED"]
        assert [event["detail"] for event in told] == [{"cause": "neighbour"}] * (neighbour in moved)
    finish(house, neighbours, tmp_path)


@pytest.mark.slow
def test_a_body_without_a_timeout_may_hold_the_loop_for_half_a_minute(house: House, tmp_path: Path) -> None:
    """Then its attempt has failed, with the advice to use `def`; the next attempt runs in a process."""
    neighbours = surround(house, tmp_path)

    shown = house.run("retried", str(tmp_path / "once"))

    (failed,) = (event for event in house.events(shown["execution_id"]) if event["type"] == "TASK_ATTEMPT_FAILED")
    assert shown["state"] == "COMPLETED", shown
    assert "use `def` instead" in json.dumps(failed)
    assert shown["output"] not in [worker.pid for worker in house.workers().values()]
    finish(house, neighbours, tmp_path)


@pytest.mark.parametrize(
    ("deed", "how"),
    [pytest.param("crash", "SIGSEGV", id="segfault"), pytest.param("leave", "exit code 3", id="os._exit")],
)
def test_a_body_that_kills_its_worker_is_found_out_without_blaming_a_neighbour(
    house: House, tmp_path: Path, deed: str, how: str
) -> None:
    """After a death that nobody can explain each goes on alone; three deaths alone, and it has failed by that."""
    neighbours = surround(house, tmp_path)

    shown = house.run("hostile", ["loop", deed])

    assert (shown["state"], shown["error"]["type"]) == ("FAILED", "WorkerCrashed")
    assert f"3 times in this execution, the last time by {how}" in shown["error"]["message"]
    starts = [event for event in house.events(shown["execution_id"]) if event["type"] == "TASK_STARTED"]
    assert len(starts) == 4, "once among neighbours, three times alone"
    finish(house, neighbours, tmp_path)


def test_a_body_that_eats_memory_on_the_loop_gets_a_clear_error(house: House, tmp_path: Path) -> None:
    """The worker's limit turns it into MemoryError in the body; whatever happens, neighbours end well."""
    neighbours = surround(house, tmp_path)

    shown = house.run("hostile", ["loop", "eat"])

    assert (shown["state"], shown["error"]["type"]) == ("FAILED", "MemoryError")
    finish(house, neighbours, tmp_path)


def surround(house: House, folder: Path) -> list[str]:
    """Executions that tick on both workers."""
    ledger, end = folder / "ledger", folder / "end"
    neighbours = [house.submit("ticking", [str(ledger), str(n), str(end)]) for n in range(NEIGHBOURS)]
    for neighbour in neighbours:
        house.until_event(neighbour, "TASK_COMPLETED", times=3)
    assert len({house.show(neighbour)["worker"] for neighbour in neighbours}) == 2
    return neighbours


def finish(house: House, neighbours: list[str], folder: Path) -> None:
    """End the executions that tick, and see that each has done everything, and finished nothing twice."""
    (folder / "end").touch()
    ended = [house.rest(neighbour) for neighbour in neighbours]
    ran = Counter((folder / "ledger").read_text().split())
    for n, (neighbour, shown) in enumerate(zip(neighbours, ended, strict=True)):
        assert shown["state"] == "COMPLETED", shown
        calls: dict[str, list[str]] = {}
        for event in house.events(neighbour):
            if event["call_id"]:
                calls.setdefault(event["call_id"], []).append(event["type"])
        for kinds in calls.values():
            assert kinds == ["TASK_STARTED"] * (len(kinds) - 1) + ["TASK_COMPLETED"]
        for number in range(1, shown["output"] + 1):
            assert 1 <= ran[f"{n}.{number}"] <= len(calls[f"tick#{number}"])


def goes_on(house: House, execution: str) -> int:
    """When a body of the execution was allowed to start after its worker was lost."""
    house.until_event(execution, "WORKFLOW_RECOVERED")
    events = house.events(execution)
    lost = next(event["sequence"] for event in events if event["type"] == "WORKFLOW_RECOVERED")
    return next(instant(e) for e in events if e["sequence"] > lost and e["type"] == "TASK_STARTED")


def instant(event: Json) -> int:
    """When an event happened, in milliseconds."""
    return from_datetime(datetime.fromisoformat(event["instant"]))
