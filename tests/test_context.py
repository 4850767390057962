"""`ExecutionContext` as authors and clients read it."""

import json
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from flux.context import ExecutionContext, ExecutionEvent, ExecutionEventType, ExecutionState
from flux.errors import NoExecution
from tests.inline import running


def a_context(
    state: ExecutionState = ExecutionState.RUNNING, *events: ExecutionEventType, output: object = None
) -> ExecutionContext[dict[str, object]]:
    """An execution of an order."""
    return ExecutionContext(
        execution_id="E1",
        workflow_namespace="shop",
        workflow_name="checkout",
        input={"price": Decimal("9.90")},
        state=state,
        output=output,
        events=tuple(an_event(kind, number) for number, kind in enumerate(events, 1)),
    )


def an_event(kind: ExecutionEventType, sequence: int = 1, value: object = None) -> ExecutionEvent:
    """An event at noon."""
    noon = datetime(2026, 1, 31, 12, 0, 0, 250_000, UTC)
    return ExecutionEvent(
        type=kind, source_id="charge#1", name="charge", time=noon, value=value, sequence=sequence, attempt=1
    )


CLAIMS = ("has_started", "has_finished", "has_succeeded", "has_failed", "is_paused", "is_cancelled")


@pytest.mark.parametrize(
    ("state", "true"),
    [
        ("QUEUED", set()),
        ("RUNNING", {"has_started"}),
        ("WAITING", {"has_started"}),
        ("PAUSED", {"has_started", "is_paused"}),
        ("CANCELLING", {"has_started"}),
        ("COMPLETED", {"has_started", "has_finished", "has_succeeded"}),
        ("FAILED", {"has_started", "has_finished", "has_failed"}),
        ("CANCELLED", {"has_started", "has_finished", "is_cancelled"}),
    ],
)
def test_every_claim_follows_from_the_state(state: str, true: set[str]) -> None:
    """There is one truth about where an execution stands."""
    context = a_context(ExecutionState(state))

    assert {claim for claim in CLAIMS if getattr(context, claim)} == true


def test_an_execution_that_waits_for_its_turn_again_has_started() -> None:
    """QUEUED comes back after a resume or a lost worker."""
    context = a_context(ExecutionState.QUEUED, ExecutionEventType.WORKFLOW_QUEUED, ExecutionEventType.WORKFLOW_STARTED)

    assert context.has_started


@pytest.mark.parametrize("field", ["input", "state", "output", "events", "execution_id"])
def test_nothing_of_a_context_can_be_assigned(field: str) -> None:
    """The log decides what is so; a record of it does not."""
    with pytest.raises(FrozenInstanceError):
        setattr(a_context(), field, None)


def test_a_context_of_a_type_is_still_a_plain_record() -> None:
    """`ExecutionContext[Order](...)` says something to type checkers only."""
    fields = {"execution_id": "E1", "workflow_namespace": "a", "workflow_name": "b", "state": ExecutionState.QUEUED}

    assert ExecutionContext[int](**fields, input=1) == ExecutionContext(**fields, input=1)  # type: ignore[arg-type]  # a table


def test_to_dict_holds_everything_and_summary_leaves_out_the_events() -> None:
    """Values are shown as the codec shows them: exact values become readable ones."""
    context = a_context(ExecutionState.RUNNING, ExecutionEventType.TASK_COMPLETED)

    assert context.summary() == {
        "execution_id": "E1",
        "workflow_namespace": "shop",
        "workflow_name": "checkout",
        "state": "RUNNING",
        "attempt": 1,
        "input": {"price": "9.90"},
        "output": None,
    }
    assert context.to_dict() == {
        **context.summary(),
        "events": [
            {
                "sequence": 1,
                "type": "TASK_COMPLETED",
                "source_id": "charge#1",
                "name": "charge",
                "attempt": 1,
                "value": None,
                "time": "2026-01-31T12:00:00.250Z",
            }
        ],
    }


def test_to_json_is_to_dict_as_text() -> None:
    """Any JSON reader gets the same."""
    context = a_context(ExecutionState.COMPLETED, ExecutionEventType.TASK_COMPLETED, output={1, 2})

    assert json.loads(context.to_json()) == context.to_dict()


def test_an_error_is_shown_by_type_and_message() -> None:
    """A failed execution's output is its error, and never an empty object."""
    context = a_context(ExecutionState.FAILED, output=ValueError("card declined"))

    output = context.to_dict()["output"]

    assert isinstance(output, dict)
    assert (output["type"], output["message"]) == ("ValueError", "card declined")


async def test_get_gives_the_execution_that_runs_here() -> None:
    """Code deep inside a task finds out what it works for."""
    with running():
        context = await ExecutionContext.get()

    assert context.execution_id == "E1"


async def test_get_outside_of_an_execution_says_so() -> None:
    """It never answers with an empty context."""
    with pytest.raises(NoExecution):
        await ExecutionContext.get()
