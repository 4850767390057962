"""Nothing of the old lives when the new begins: whoever is killed, whatever the others do at that moment.

A body that is run again asks `/proc` for the processes that had to die. Its TASK_STARTED is in the log by then.
"""

from pathlib import Path

import pytest

from tests.system.conftest import MakeHouse
from tests.system.house import House
from tests.system.processes import Process, children, process, until


@pytest.fixture(scope="module")
def house(make_house: MakeHouse) -> House:
    """A house that offers `witness`."""
    house = make_house()
    house.offer("witness")
    return house


@pytest.mark.parametrize("manner", ["running", "blocked", "stopped"])
@pytest.mark.parametrize("victim", ["daemon", "launcher", "worker", "task process"])
def test_after_a_kill_no_old_process_lives_when_a_body_starts(
    house: House, tmp_path: Path, victim: str, manner: str
) -> None:
    """Running, held by `time.sleep` or stopped by SIGSTOP: what has lost its right to run is dead, not just unheard."""
    execution = enter(house, tmp_path, loop_blocks=manner == "blocked" and victim != "task process", manner=manner)
    doomed = doom(house, tmp_path, victim)
    if manner == "stopped":
        for one in doomed:
            one.stop()

    strike(house, doomed[0], victim)
    if victim == "task process":
        (tmp_path / "end").touch()  # for the other body, which nobody has killed
    shown = house.rest(execution)

    assert (shown["state"], shown["output"]) == ("COMPLETED", [[], []]), f"they live: {shown}"
    starts = [event["name"] for event in house.events(execution) if event["type"] == "TASK_STARTED"]
    assert starts.count("in_a_process") == 2
    assert starts.count("on_the_loop") == (1 if victim == "task process" else 2)
    assert not [one for one in doomed if one.is_alive]


def test_a_launcher_that_stands_still_is_replaced_with_all_its_processes(house: House, tmp_path: Path) -> None:
    """It can neither fork nor reap: after some unanswered pings it is ended, and nobody had to be killed by hand."""
    execution = enter(house, tmp_path, loop_blocks=False, manner="running")
    doomed = doom(house, tmp_path, "launcher")

    doomed[0].stop()
    shown = house.rest(execution)

    assert (shown["state"], shown["output"]) == ("COMPLETED", [[], []])
    assert not [one for one in doomed if one.is_alive]


def enter(house: House, folder: Path, *, loop_blocks: bool, manner: str) -> str:
    """An execution with a body on the loop and one in a process, both under way."""
    asked = {"folder": str(folder), "loop_blocks": loop_blocks, "process_blocks": manner == "blocked"}
    execution = house.submit("witness", asked)
    until(lambda: (folder / "loop").exists() and (folder / "process").exists(), "both bodies run")
    return execution


def doom(house: House, folder: Path, victim: str) -> list[Process]:
    """Who must be dead after the victim's death, the victim first; also told to the bodies."""
    body, worker = ([process(int(pid)) for pid in (folder / name).read_text().split()] for name in ("process", "loop"))
    launcher, daemon = house.launcher, house.daemon
    everyone = [launcher, *children(launcher)]
    doomed = {
        "daemon": [daemon, *everyone, body[1], worker[1]],
        "launcher": [*everyone, body[1], worker[1]],
        "worker": [*worker, *body],
        "task process": body,
    }[victim]
    assert {worker[0], body[0]} <= set(everyone)
    (folder / ".old").write_text("".join(f"{one.pid}:{one.start}\n" for one in doomed))
    (folder / ".old").rename(folder / "old")
    return doomed


def strike(house: House, victim: Process, name: str) -> None:
    """Kill the victim; the daemon is started again, for everything else it cares itself."""
    if name == "daemon":
        house.kill()
        house.start()
    else:
        victim.kill()
