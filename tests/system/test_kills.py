"""`kill -9` at random moments: every execution completes, finished tasks never run again."""

import random
import select
from collections import Counter
from pathlib import Path

import pytest

from flux.clock import SYSTEM
from tests.system.api import Json
from tests.system.conftest import MakeHouse
from tests.system.flows.steps import TASKS
from tests.system.house import House

SECONDS = 0.03  # of one body, so that many kills fall into one
FINAL = {"WORKFLOW_COMPLETED", "WORKFLOW_FAILED", "WORKFLOW_CANCELLED"}


@pytest.fixture(scope="module")
def house(make_house: MakeHouse) -> House:
    """A house that offers `steps`."""
    house = make_house()
    house.offer("steps")
    return house


@pytest.fixture
def kills(full: bool) -> int:
    """How many executions are hit, once each."""
    return 20 if full else 5


def test_killing_the_daemon_costs_at_most_the_task_in_flight(house: House, kills: int, tmp_path: Path) -> None:
    """After a restart it goes on where the log ends; what the log has as finished does not run again."""
    for moment in moments(house, kills, tmp_path):
        ledger = tmp_path / f"{moment}"
        execution = start(house, ledger)
        pass_by(moment)
        house.kill()
        house.start()

        check(house, execution, ledger)


def test_killing_the_worker_costs_at_most_the_task_in_flight(house: House, kills: int, tmp_path: Path) -> None:
    """Nothing is restarted by hand: the daemon notices, another worker goes on."""
    hit = 0
    for moment in moments(house, kills, tmp_path):
        ledger = tmp_path / f"{moment}"
        execution = start(house, ledger)
        pass_by(moment)
        worker = house.workers().get(house.show(execution)["worker"])
        if worker is not None:
            worker.kill()
            hit += 1

        check(house, execution, ledger)
    assert hit > kills / 2


def start(house: House, ledger: Path) -> str:
    """A new execution, which has begun."""
    ledger.touch()
    execution = house.submit("steps", {"ledger": str(ledger), "seconds": SECONDS})
    house.until_event(execution, "TASK_STARTED")
    return execution


def moments(house: House, number: int, folder: Path) -> list[float]:
    """Random milliseconds within the time that an execution takes which nobody disturbs."""
    began = SYSTEM.monotonic()
    execution = start(house, folder / "calm")
    check(house, execution, folder / "calm")
    took = SYSTEM.monotonic() - began
    return [random.uniform(0, 0.9 * took) for _ in range(number)]


def pass_by(milliseconds: float) -> None:
    """Let a moment pass: here it is the moment that is tested."""
    select.select([], [], [], milliseconds / 1000)


def check(house: House, execution: str, ledger: Path) -> None:
    """See that an execution ends as the log promises."""
    shown = house.rest(execution)
    events = house.events(execution)
    ran = Counter(map(int, ledger.read_text().split()))

    assert (shown["state"], shown["output"]) == ("COMPLETED", list(range(TASKS)))
    assert sorted(ran) == list(range(TASKS))
    assert sum(ran.values()) <= TASKS + 1, f"more than the task in flight ran again: {ran}"
    assert [event["type"] for event in events if event["type"] in FINAL] == ["WORKFLOW_COMPLETED"]
    for call in {event["call_id"] for event in events if event["call_id"]}:
        kinds = [event["type"] for event in events if event["call_id"] == call]
        assert kinds == ["TASK_STARTED"] * (len(kinds) - 1) + ["TASK_COMPLETED"]
        assert ran[number_of(events, call)] <= kinds.count("TASK_STARTED")


def number_of(events: list[Json], call: str) -> int:
    """Which of the ten tasks a call is."""
    order = [event["call_id"] for event in events if event["type"] == "TASK_COMPLETED"]
    return order.index(call)
