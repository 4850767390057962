"""What clients get to see of what the core knows."""

import pytest

from flux import codec
from flux.core.events import Event, EventType
from flux.core.execution import Execution, State, Wait
from flux.engine.queries import TaskView
from flux.server import views

NOW = 1_700_000_100_000


def an_execution(**more: object) -> Execution:
    """An execution of `default/work`."""
    settings: dict[str, object] = {
        "id": "E", "namespace": "default", "name": "work", "version": "d", "principal": "P", "sequence": 3,
        "created": NOW - 10_000, "updated": NOW - 5_000, "bodies": {}, "waits": {},
    }  # fmt: skip
    return Execution(**{**settings, **more})  # type: ignore[arg-type]  # builder


def a_task(call: str, error: BaseException | None) -> TaskView:
    """A task that ended so."""
    payload = None if error is None else codec.encode_error(error)
    return TaskView(
        call=call, parent=None, name="t", state="FAILED", started=1, ended=2, attempts=(), args=None, result=None,
        error=payload,
    )  # fmt: skip


def test_instants_are_rfc_3339_and_durations_seconds():
    """Running time counts from the start, and goes on while it runs."""
    running = views.row(an_execution(state=State.RUNNING, started=NOW - 2_500), NOW, str)
    done = views.row(an_execution(state=State.COMPLETED, started=NOW - 2_500, finished=NOW - 500), NOW, str)
    queued = views.row(an_execution(), NOW, str)

    assert running["created_at"] == "2023-11-14T22:14:50.000Z"
    assert (running["duration"], done["duration"], queued["duration"]) == (2.5, 2.0, None)
    assert (queued["started_at"], done["finished_at"]) == (None, "2023-11-14T22:14:59.500Z")


def test_a_principal_is_shown_by_name():
    """Ids are for programs."""
    assert views.row(an_execution(), NOW, {"P": "alice"}.__getitem__)["principal"] == "alice"


def test_pauses_stand_in_the_order_in_which_they_are_answered():
    """Timers are no pauses; a pause without a name is called by its place."""
    waits = {
        "pause:b#1": Wait(kind="pause", opened=20, name="b", output=codec.encode((1, 2))),
        "~sleep#1": Wait(kind="timer", due=99, opened=1),
        "pause:a#1": Wait(kind="pause", opened=10),
    }

    found = views.pauses(an_execution(state=State.PAUSED, waits=waits))

    assert [(pause["name"], pause["output"]) for pause in found] == [("pause:a#1", None), ("b", [1, 2])]


@pytest.mark.parametrize(
    ("error", "expected"),
    [(ValueError("x"), "two"), (KeyError("x"), None), (None, None)],
    ids=["of the newest that fits", "of none", "no error"],
)
def test_an_error_names_the_task_that_it_came_from(error, expected):
    """A failure that the workflow caught before is not blamed."""
    tasks = [
        a_task("one", ValueError("x")),
        a_task("two", ValueError("x")),
        a_task("three", OSError("y")),
        a_task("four", None),
    ]
    payload = None if error is None else codec.encode_error(error)

    found = views.origin(payload, tasks)

    assert (found.call if found else None) == expected


def test_an_error_that_was_wrapped_names_the_task_of_its_cause():
    """`raise OrderFailed from exc` does not hide where it began."""
    try:
        try:
            raise ValueError("inner")
        except ValueError as exc:
            raise RuntimeError("outer") from exc
    except RuntimeError as error:
        payload = codec.encode_error(error)

    origin = views.origin(payload, [a_task("charge#1", ValueError("inner"))])
    failure = views.failure(payload, origin)

    assert failure is not None
    assert (failure["type"], failure["task"], failure["call_id"]) == ("RuntimeError", "t", "charge#1")
    assert failure["cause"]["message"] == "inner"


@pytest.mark.parametrize(
    ("call", "name"),
    [("charge#1", "charge"), ("g1/charge#1@2/refund#3", "refund"), (None, None)],
)
def test_a_step_names_its_task_even_where_the_event_does_not(call, name):
    """Only the event that begins an attempt carries the name."""
    event = Event(type=EventType.TASK_COMPLETED, instant=NOW, call=call)

    assert views.step("E", event)["name"] == name
