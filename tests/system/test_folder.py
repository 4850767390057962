"""Drop a file, call it; edit it while it is in use; break it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from flux.clock import SYSTEM
from tests.system.conftest import Figure, MakeHouse
from tests.system.house import FLOWS, House
from tests.system.processes import until

SOON = 10_000  # milliseconds; it takes a tenth of a second on a machine that has nothing else to do
GREETING = (FLOWS / "greeting.py").read_text("utf-8")
HELLO = """
from flux import ExecutionContext, workflow

@workflow
async def {name}(ctx: ExecutionContext[str]) -> str:
    return "hello, " + ctx.input
"""


@pytest.fixture(scope="module")
def house(make_house: MakeHouse) -> House:
    """A house whose folder is empty."""
    return make_house()


@pytest.fixture(autouse=True)
def _empty(house: House) -> Iterator[None]:
    """Leave the folder as it was found."""
    yield
    for path in house.workflows.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    until(lambda: not house.get("/workflows").document["items"], "nothing is offered")


def test_a_file_that_is_dropped_can_be_called_at_once(house: House, figure: Figure) -> None:
    """Within a second on a quiet machine; by a plain POST to the socket, which answers with the output."""
    dropped = SYSTEM.monotonic()
    house.drop("hello.py", HELLO.format(name="hello"))
    until(lambda: house.post("/workflows/default/hello/run/sync", "you").status == 200, "hello can be called", SOON)
    figure("ms from the file to the first output", SYSTEM.monotonic() - dropped)

    answer = house.post("/workflows/default/hello/run/sync", "world")

    assert answer.document["output"] == "hello, world"
    assert answer.document["state"] == "COMPLETED"


def test_a_folder_is_a_namespace(house: House) -> None:
    """What lies in a folder below is offered under the folder's name."""
    house.drop("billing/hello.py", HELLO.format(name="hello"))
    until(lambda: offered(house) == {"billing/hello": 1}, "it is offered", SOON)

    assert house.post("/workflows/billing/hello/run/sync", "you").document["output"] == "hello, you"
    assert house.post("/workflows/default/hello/run/sync", "you").status == 404


def test_an_edit_does_not_touch_what_is_under_way(house: House) -> None:
    """An execution that pauses finishes on the code it began with; a new one runs the new code."""
    house.drop("greeting.py", GREETING)
    until(lambda: "default/greeting" in offered(house), "greeting is offered", SOON)
    old = house.run("greeting", "Ann")
    before = offered(house)["default/greeting"]

    house.drop("greeting.py", GREETING.replace('"old"', '"new"'))
    until(lambda: offered(house)["default/greeting"] != before, "the new version is offered", SOON)
    new = house.run("greeting", "Bob")
    for execution in (old, new):
        assert execution["state"] == "PAUSED"
        assert house.post(f"/executions/{execution['execution_id']}/resume", {"input": "Cid"}).status == 202

    assert house.rest(old["execution_id"])["output"] == ["old hello, Ann", "old hello, Cid"]
    assert house.rest(new["execution_id"])["output"] == ["new hello, Bob", "new hello, Cid"]


def test_an_edit_while_the_daemon_is_down_does_not_touch_what_is_under_way(house: House) -> None:
    """The pinned source is in the database: a new daemon finishes the old execution on the old code."""
    house.drop("greeting.py", GREETING)
    until(lambda: "default/greeting" in offered(house), "greeting is offered", SOON)
    old = house.run("greeting", "Ann")
    before = offered(house)["default/greeting"]

    house.kill()
    house.drop("greeting.py", GREETING.replace('"old"', '"new"'))
    house.start()
    until(lambda: offered(house)["default/greeting"] != before, "the new version is offered", SOON)
    house.post(f"/executions/{old['execution_id']}/resume", {"input": "Cid"})

    assert house.rest(old["execution_id"])["output"] == ["old hello, Ann", "old hello, Cid"]
    assert house.run("greeting", "Bob")["pauses"][0]["name"] == "again"


def test_a_file_that_breaks_keeps_its_last_good_version(house: House) -> None:
    """The error shows with file and line; what loaded last is served until the file is mended."""
    house.drop("hello.py", HELLO.format(name="hello"))
    until(lambda: "default/hello" in offered(house), "hello is offered", SOON)

    house.drop("hello.py", HELLO.format(name="hello") + "\n    oops(\n")
    until(lambda: house.load_errors(), "the error shows", SOON)
    error = house.load_errors()["hello.py"]
    shown = house.get("/workflows/default/hello").document["error"]
    answer = house.post("/workflows/default/hello/run/sync", "you")

    assert (Path(error["file"]).name, error["line"], error["type"]) == ("hello.py", 8, "SyntaxError")
    assert shown == error
    assert answer.document["output"] == "hello, you"

    house.drop("hello.py", HELLO.format(name="hello").replace("hello, ", "mended, "))
    until(lambda: not house.load_errors(), "the error is gone", SOON)
    assert house.post("/workflows/default/hello/run/sync", "you").document["output"] == "mended, you"


def test_a_file_that_is_deleted_is_withdrawn(house: House) -> None:
    """No new executions, 404; those that are open finish."""
    path = house.drop("greeting.py", GREETING)
    until(lambda: "default/greeting" in offered(house), "greeting is offered", SOON)
    open_one = house.run("greeting", "Ann")

    path.unlink()
    until(lambda: not offered(house), "greeting is withdrawn", SOON)

    assert house.post("/workflows/default/greeting/run", "Bob").status == 404
    house.post(f"/executions/{open_one['execution_id']}/resume", {"input": "Cid"})
    assert house.rest(open_one["execution_id"])["state"] == "COMPLETED"


def offered(house: House) -> dict[str, int]:
    """The numbers of the versions that are offered, by reference."""
    return {row["ref"]: row["version"] for row in house.get("/workflows").document["items"]}
