"""Files that cannot be loaded: each is told of with its place, and stands in nobody's way."""

from pathlib import Path

import pytest

from tests.system.conftest import MakeHouse
from tests.system.house import House
from tests.system.processes import until

GOOD = """
from flux import ExecutionContext, workflow

@workflow
async def {name}(ctx: ExecutionContext[str]) -> str:
    return "hello, " + ctx.input
"""
BAD = {
    "syntax": ("import os\n\ndef broken(:\n    pass\n", "SyntaxError", 3, "invalid syntax"),
    "import_error": ("import os\nimport no_such_module_here\n", "ModuleNotFoundError", 2, "no_such_module_here"),
    "raises": ("x = {}\n\ny = x['missing']\n", "KeyError", 3, "missing"),
    "leaves": ("import os\n\nos._exit(7)\n", "Exited", 0, "exit code 7"),
    "crashes": ("import ctypes\n\nctypes.string_at(0)\n", "Crashed", 3, "SIGSEGV"),
    "eats": ("eaten = []\nwhile True:\n    eaten.append(bytes(1 << 26))\n", "MemoryError", 3, ""),
    "twins": (GOOD.format(name="twin") + GOOD.format(name="twin"), "InvalidDefinition", 10, "lines 4 and 10"),
    "namesakes": (
        GOOD.format(name="one") + GOOD.format(name="two").replace("@workflow", "@workflow.with_options(name='one')"),
        "InvalidDefinition",
        10,
        "lines 4 and 10",
    ),
    "endless": ("x = 0\nwhile True:\n    x += 1\n", "TimeoutError", 3, "longer than 20 s"),
}


@pytest.fixture(scope="module")
def house(make_house: MakeHouse) -> House:
    """A house with every bad file in its folder, and one good one."""
    house = make_house(worker_memory="1G")
    house.drop("endless.py", BAD["endless"][0])  # first: the others must not wait for it
    for name, (text, *_) in BAD.items():
        if name != "endless":
            house.drop(f"{name}.py", text)
    house.drop("good.py", GOOD.format(name="good"))
    return house


def test_a_good_file_among_bad_ones_is_offered(house: House) -> None:
    """Also while another file is still being imported, for ever."""
    until(lambda: house.post("/workflows/default/good/run/sync", "you").status == 200, "the good one can be called")


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_does_not_load_is_told_of_with_its_place(house: House, name: str) -> None:
    """Type, message, file and line; the daemon lives, and nothing is offered from it."""
    _, kind, line, words = BAD[name]
    until(lambda: f"{name}.py" in house.load_errors(), f"{name} is told of")
    error = house.load_errors()[f"{name}.py"]

    assert (error["type"], error["line"] or 0) == (kind, line), error
    assert words in error["message"]
    assert error["file"] == str(house.workflows / f"{name}.py")
    assert not [row for row in house.get("/workflows").document["items"] if Path(row["file"]).stem == name]


def test_two_files_cannot_offer_one_name(house: House) -> None:
    """The first keeps it; the second is told of, with the file that has the name, and offered when that is gone."""
    first = house.drop("first.py", GOOD.format(name="wanted"))
    until(lambda: house.get("/workflows/default/wanted").status == 200, "the first is offered")
    second = house.drop("second.py", GOOD.format(name="wanted").replace("hello", "second"))
    until(lambda: "second.py" in house.load_errors(), "the second is told of")

    error = house.load_errors()["second.py"]
    assert (error["type"], str(first) in error["message"]) == ("Conflict", True)
    assert house.post("/workflows/default/wanted/run/sync", "you").document["output"] == "hello, you"

    first.unlink()
    until(lambda: "second.py" not in house.load_errors(), "the second is offered")
    assert house.post("/workflows/default/wanted/run/sync", "you").document["output"] == "second, you"
    second.unlink()
