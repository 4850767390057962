"""A storm: processes of all kinds are killed, stopped and let go on at random, while executions run, rest and wake."""

import random
import select
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.conftest import MakeHouse
from tests.system.flows.steps import TASKS
from tests.system.house import House
from tests.system.processes import children

AT_ONCE = 12
FINAL = {"WORKFLOW_COMPLETED", "WORKFLOW_FAILED", "WORKFLOW_CANCELLED"}


@pytest.fixture(scope="module")
def house(make_house: MakeHouse) -> House:
    """A house with short leases that offers `steps` and `nap`."""
    house = make_house(lease="2", heartbeat="0.3")
    house.offer("steps", "nap")
    return house


@pytest.mark.timeout(600)
def test_whatever_is_killed_everything_ends_as_the_log_promises(house: House, tmp_path: Path, full: bool) -> None:
    """No execution is lost, none ends twice, and no body ran more often than the log says it was begun."""
    blows = 60 if full else 6
    running = [begin(house, tmp_path, n) for n in range(AT_ONCE)]
    for _ in range(blows):
        random.choice(BLOWS)(house)
        select.select([], [], [], random.uniform(0, 0.4))
        running.append(begin(house, tmp_path, len(running)))

    for n, execution in enumerate(running):
        check(house, execution, tmp_path / str(n), is_nap=n % 3 == 2)


def begin(house: House, folder: Path, n: int) -> str:
    """One more execution: every third one sleeps in the middle."""
    ledger = folder / str(n)
    ledger.touch()
    if n % 3 == 2:
        return house.submit("nap", [str(ledger), str(random.uniform(0.1, 2))])
    return house.submit("steps", {"ledger": str(ledger), "seconds": random.uniform(0, 0.1)})


def kill_the_daemon(house: House) -> None:
    """And start it again."""
    house.kill()
    house.start()


def kill_the_launcher(house: House) -> None:
    """All workers go with it."""
    for launcher in children(house.daemon):
        launcher.kill()


def kill_a_child(house: House) -> None:
    """A worker, a task process, an inspector: whoever it is."""
    for launcher in children(house.daemon):
        found = children(launcher)
        if found:
            random.choice(found).kill()


def stop_a_child(house: House) -> None:
    """For a moment, or past its lease."""
    for launcher in children(house.daemon):
        found = children(launcher)
        if found:
            victim = random.choice(found)
            victim.stop()
            select.select([], [], [], random.choice([0.1, 0.5, 2.2]))
            victim.go_on()


BLOWS: list[Callable[[House], None]] = [kill_the_daemon, kill_the_launcher, kill_a_child, kill_a_child, stop_a_child]


def check(house: House, execution: str, ledger: Path, *, is_nap: bool) -> None:
    """See that an execution ended as its log says."""
    shown = house.rest(execution)
    events = house.events(execution)
    ran = Counter(ledger.read_text().split())
    calls: dict[str, list[str]] = {}
    for event in events:
        if event["type"].startswith("TASK_"):
            calls.setdefault(event["call_id"], []).append(event["type"])

    assert shown["state"] == "COMPLETED", shown
    assert [event["type"] for event in events if event["type"] in FINAL] == ["WORKFLOW_COMPLETED"]
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert len(calls) == len(ran) == (2 if is_nap else TASKS)
    assert sum(ran.values()) <= sum(kinds.count("TASK_STARTED") for kinds in calls.values())
    for kinds in calls.values():
        assert kinds == ["TASK_STARTED"] * (len(kinds) - 1) + ["TASK_COMPLETED"]
    assert sum(event["type"] == "TIMER_FIRED" for event in events) == is_nap
