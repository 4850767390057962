"""What `run()` returns, whatever the workflow has returned."""

import json

import pytest

from flux.context import ExecutionContext
from flux.errors import PayloadTypeError
from tests.language.values import Color, Order, Slotted, point, through_the_log


def _context(output: object) -> ExecutionContext[object]:
    return ExecutionContext(
        execution_id="E1",
        workflow_namespace="default",
        workflow_name="order",
        input=Order(1, (2,)),
        state="COMPLETED",  # type: ignore[arg-type]  # as text it reads the same
        output=output,
    )


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (Order(1, (2, 3)), {"id": 1, "parts": [2, 3]}),
        ([Color.RED], [1]),
        ({"at": point(1, 2)}, {"at": [1, 2]}),
    ],
    ids=["dataclass", "enum", "named tuple"],
)
def test_to_json_shows_values_of_the_authors_own_classes(output: object, shown: object):
    """Nobody has to find the class again to look at the value."""
    seen = json.loads(_context(output).to_json())

    assert seen["output"] == shown
    assert seen["input"] == {"id": 1, "parts": [2]}


def test_to_json_shows_values_of_classes_that_are_local_to_a_function():
    """Such a class has no name that could be found again, and needs none."""
    local = type("Local", (Order,), {})

    seen = _context(local(1, ())).to_dict()

    assert seen["output"] == {"id": 1, "parts": []}


def test_to_json_refuses_what_no_execution_could_have_returned():
    """It is no way around the codec."""
    with pytest.raises(PayloadTypeError):
        _context(object()).to_json()


def test_the_slots_of_an_exception_are_kept():
    """An exception may hold what it knows in slots, beside the attributes that every exception has."""
    error = Slotted(404)
    error.hint = "look again"

    seen = through_the_log(error, Slotted)

    assert isinstance(seen, Slotted)
    assert (seen.status, seen.hint) == (404, "look again")
