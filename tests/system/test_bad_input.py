"""What clients and authors get wrong: each time a clear answer, nothing lost, the daemon alive."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.conftest import MakeHouse
from tests.system.house import House

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def house(make_house: MakeHouse) -> House:
    """A house that offers `greeting`, `returns` and `vandal`."""
    house = make_house()
    house.offer("greeting", "returns", "vandal")
    return house


@pytest.fixture(autouse=True)
def _unharmed(house: House) -> Iterator[None]:
    """The daemon is the same after each test, and does its work."""
    daemon = house.daemon
    yield
    assert house.daemon == daemon
    assert house.run("greeting", "Ann")["state"] == "PAUSED"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b'{"a": 1,}', "line 1, column", id="a comma too many"),
        pytest.param(b'{"a": \n oops}', "line 2, column 2", id="a word"),
        pytest.param(b'"\xff"', "not UTF-8", id="bytes"),
        pytest.param(b"[NaN]", "NaN", id="NaN"),
        pytest.param(b'{"a": 1, "a": 2}', "twice", id="a key twice"),
        pytest.param(b"[" * 5000 + b"]" * 5000, "deeper", id="a deep nest"),
    ],
)
def test_wrong_json_is_refused_with_its_place(house: House, body: bytes, words: str) -> None:
    """400, and nothing is stored."""
    before = house.get("/stats").document["states"]

    answer = house.request("POST", "/workflows/default/greeting/run", body)

    assert (answer.status, answer.document["code"]) == (400, "invalid")
    assert words in answer.document["detail"]
    assert house.get("/stats").document["states"] == before


def test_an_unknown_workflow_is_not_found(house: House) -> None:
    """404, with the name."""
    answer = house.post("/workflows/default/nobody/run", 1)

    assert (answer.status, answer.document["code"]) == (404, "not_found")
    assert "default/nobody" in answer.document["detail"]


def test_an_unknown_execution_is_not_found(house: House) -> None:
    """404, whatever is asked of it."""
    for answer in (house.get(f"/executions/{'0' * 26}"), house.post(f"/executions/{'0' * 26}/resume")):
        assert (answer.status, answer.document["code"]) == (404, "not_found")


def test_resume_in_the_wrong_state_is_refused(house: House) -> None:
    """409 with the state and what is possible now; the execution is as it was."""
    execution = house.run("greeting", "Ann")["execution_id"]
    house.post(f"/executions/{execution}/resume", {"input": "Bob"})
    done = house.rest(execution)

    answer = house.post(f"/executions/{execution}/resume", {"input": "Cid"})

    assert (answer.status, answer.document["code"]) == (409, "wrong_state")
    assert (answer.document["state"], answer.document["allowed"]) == ("COMPLETED", [])
    assert house.show(execution) == done


def test_a_pause_of_another_name_is_not_found(house: House) -> None:
    """404 with the pauses that are open."""
    execution = house.run("greeting", "Ann")["execution_id"]

    answer = house.post(f"/executions/{execution}/resume", {"input": "Bob", "pause": "never"})

    assert (answer.status, "again" in answer.document["detail"]) == (404, True)


@pytest.mark.parametrize("path", ["run", "run/sync", "run/batch"])
def test_an_input_of_17_mib_is_refused(house: House, path: str) -> None:
    """413 with the limit and a hint."""
    body = json.dumps("x" * (17 * MIB)).encode()

    answer = house.request("POST", f"/workflows/default/greeting/{path}", body)

    assert (answer.status, answer.document["code"]) == (413, "payload_too_large")
    assert "reference" in answer.document["hint"]


def test_an_input_just_below_the_limit_goes_all_the_way(house: House) -> None:
    """16 MiB of body: submitted, granted, read by the workflow, shown."""
    name = "x" * (16 * MIB - 100)

    execution = house.run("greeting", name)

    assert (execution["state"], len(execution["input"])) == ("PAUSED", len(name))


@pytest.mark.parametrize("who", ["loop", "process", "workflow"])
def test_a_result_that_cannot_be_kept_is_named_with_its_path(house: House, who: str) -> None:
    """At the first run, by type and path inside the value."""
    shown = house.run("returns", who)

    assert (shown["state"], shown["error"]["type"]) == ("FAILED", "PayloadTypeError")
    assert 'result["rows"][1]: the type `object`' in shown["error"]["message"]


def test_a_result_that_is_too_large_is_refused_with_its_size(house: House) -> None:
    """The message says how large it is and what to do."""
    shown = house.run("returns", "huge")

    assert (shown["state"], shown["error"]["type"]) == ("FAILED", "PayloadTooLarge")
    assert "reference" in shown["error"]["message"]


@pytest.mark.parametrize("what", ["half", "garbage", "frame"])
def test_what_is_no_frame_ends_the_worker_and_the_execution_goes_on(house: House, tmp_path: Path, what: str) -> None:
    """Half a frame, bytes without sense, a frame without sense: nothing of it is taken for anything."""
    shown = house.run("vandal", [what, str(tmp_path / "once")])

    assert (shown["state"], shown["output"], shown["attempt"]) == ("COMPLETED", "behaved", 2)
    causes = [one["detail"]["cause"] for one in house.events(shown["execution_id"]) if one["detail"]]
    assert causes == ["crash" if what == "half" else "protocol"]


def test_whoever_never_stops_writing_garbage_fails(house: House) -> None:
    """Three workers of its own later it is clear whose fault it is."""
    shown = house.run("vandal", ["garbage", ""])

    assert (shown["state"], shown["error"]["type"]) == ("FAILED", "WorkerCrashed")
    assert "broke the protocol" in shown["error"]["message"]
