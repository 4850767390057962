"""The state machine: what may follow what, and what an execution is after its events."""

import dataclasses
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux.core.events import ABANDONED, Event, EventType
from flux.core.execution import ASLEEP, FINAL, OPEN, RESTING, Execution, State, Wait, fold, next_state
from flux.errors import IllegalTransition
from tests.core.executions import NOW, a_new_execution, a_pause, a_timer, an_event, an_execution, standing_in

_T = EventType

TASKS = [
    "TASK_STARTED", "TASK_COMPLETED", "TASK_FAILED", "TASK_CANCELLED", "TASK_DENIED", "TASK_ATTEMPT_FAILED",
    "TASK_FALLBACK_STARTED", "TASK_FALLBACK_COMPLETED", "TASK_FALLBACK_FAILED",
    "TASK_ROLLBACK_STARTED", "TASK_ROLLBACK_COMPLETED", "TASK_ROLLBACK_FAILED",
]  # fmt: skip


def _staying(state: str, *events: str) -> dict[str, str]:
    return dict.fromkeys(events, state)


ASLEEP_ROW = {
    "WORKFLOW_RESUMED": "QUEUED",
    "WORKFLOW_WOKEN": "QUEUED",
    "WORKFLOW_CANCELLING": "CANCELLING",
    "WORKFLOW_FAILED": "FAILED",
}
# Written out once more, by hand: a change of the rules must be made in two places.
ALLOWED: dict[str | None, dict[str, str]] = {
    None: {"WORKFLOW_QUEUED": "QUEUED"},
    "QUEUED": {
        "WORKFLOW_STARTED": "RUNNING",
        "WORKFLOW_CANCELLING": "CANCELLING",
        "WORKFLOW_CANCELLED": "CANCELLED",
        "WORKFLOW_FAILED": "FAILED",
        **_staying("QUEUED", "PAUSE_CLOSED", "TIMER_FIRED"),
    },
    "RUNNING": {
        "WORKFLOW_PAUSED": "PAUSED",
        "WORKFLOW_WAITING": "WAITING",
        "WORKFLOW_RECOVERED": "QUEUED",
        "WORKFLOW_CANCELLING": "CANCELLING",
        "WORKFLOW_COMPLETED": "COMPLETED",
        "WORKFLOW_FAILED": "FAILED",
        "WORKFLOW_CANCELLED": "CANCELLED",
        **_staying("RUNNING", *TASKS, "PAUSE_OPENED", "PAUSE_CLOSED", "TIMER_FIRED"),
    },
    "WAITING": {**ASLEEP_ROW, **_staying("WAITING", "PAUSE_CLOSED", "TIMER_FIRED")},
    "PAUSED": {**ASLEEP_ROW, **_staying("PAUSED", "PAUSE_CLOSED", "TIMER_FIRED")},
    "CANCELLING": {
        "WORKFLOW_FAILED": "FAILED",
        "WORKFLOW_CANCELLED": "CANCELLED",
        **_staying("CANCELLING", "WORKFLOW_STARTED", "WORKFLOW_RECOVERED"),
        **_staying("CANCELLING", *TASKS, "PAUSE_OPENED", "PAUSE_CLOSED", "TIMER_FIRED"),
    },
    "COMPLETED": {},
    "FAILED": {},
    "CANCELLED": {},
}
CASES = [
    pytest.param(state, kind, ALLOWED[state].get(kind), id=f"{state}-{kind}")
    for state in (None, *State)
    for kind in EventType
]


@pytest.mark.parametrize(("state", "kind", "expected"), CASES)
def test_the_table_says_what_may_follow_what(state: State | None, kind: EventType, expected: str | None):
    """Every state with every event: it leads where the table says, or nowhere."""
    event = an_event(kind, call="step#1")
    if expected is None:
        with pytest.raises(IllegalTransition):
            fold(standing_in(state), [event])
    else:
        assert fold(standing_in(state), [event]).state == expected


def test_groups_of_states_say_what_they_mean():
    """Final ones are ended, resting ones wait for a person or for nothing, the others are open."""
    assert {"COMPLETED", "FAILED", "CANCELLED"} == FINAL
    assert FINAL | {State.PAUSED} == RESTING
    assert set(State) - FINAL == OPEN
    assert {"WAITING", "PAUSED"} == ASLEEP


def test_what_cannot_follow_names_both_and_the_execution():
    """Whoever reads the message knows where to look."""
    with pytest.raises(IllegalTransition, match="TASK_STARTED cannot happen to a PAUSED execution") as caught:
        next_state("e1", State.PAUSED, _T.TASK_STARTED)

    assert caught.value.facts == {"execution": "e1", "state": State.PAUSED}


@pytest.mark.parametrize("kind", [_T.WORKFLOW_RESUMED, _T.WORKFLOW_WOKEN], ids=str)
def test_what_wakes_where_it_is_loaded_runs_at_once(kind: EventType):
    """With a slot free it needs no grant; else it is queued and forgets where it was."""
    paused = an_execution(state=State.PAUSED, worker="w1", bodies={"step#1": 1})

    in_place = fold(paused, [an_event(kind, worker="w1")])
    anew = fold(paused, [an_event(kind)])

    assert (in_place.state, in_place.worker, dict(in_place.bodies)) == (State.RUNNING, "w1", {"step#1": 1})
    assert (anew.state, anew.worker, dict(anew.bodies)) == (State.QUEUED, None, {})
    assert anew.needs_grant


def test_a_grant_brings_the_fence_and_begins_to_count_reports_anew():
    """`attempt` of the event is the fencing token; the first grant is when it started."""
    queued = an_execution(reports=7, bodies={"old#1": 1})

    first = fold(queued, [an_event(_T.WORKFLOW_STARTED, attempt=3, worker="w1")])
    again = fold(an_execution(started=NOW), [an_event(_T.WORKFLOW_STARTED, attempt=4, worker="w2")])

    assert (first.fence, first.worker, first.reports, dict(first.bodies)) == (3, "w1", 0, {})
    assert first.started == NOW + 1_000
    assert again.started == NOW


def test_bodies_run_from_their_begin_to_their_fact():
    """Rollbacks and fallbacks are bodies too; a denial is the end of a wish."""
    running = fold(
        an_execution(state=State.RUNNING),
        [
            an_event(_T.TASK_STARTED, 2, call="a#1", attempt=2),
            an_event(_T.TASK_STARTED, 3, call="b#1", attempt=1),
            an_event(_T.TASK_ATTEMPT_FAILED, 4, call="b#1", attempt=1),
            an_event(_T.TASK_ROLLBACK_STARTED, 5, call="b#1", attempt=1),
        ],
    )
    done = fold(
        running,
        [an_event(_T.TASK_ROLLBACK_COMPLETED, 6, call="b#1"), an_event(_T.TASK_FAILED, 7, call="b#1")],
    )

    assert dict(running.bodies) == {"a#1": 2, "b#1": 1}
    assert dict(done.bodies) == {"a#1": 2}


def test_pauses_open_and_close_by_events():
    """What a pause shows is kept with it, and so is where it was opened."""
    opened = fold(
        an_execution(state=State.RUNNING),
        [an_event(_T.PAUSE_OPENED, call="pause:ship#1", parent="a#1", name="ship", payload=b'"x"')],
    )
    closed = fold(opened, [an_event(_T.PAUSE_CLOSED, 3, call="pause:ship#1", payload=b"1")])

    assert opened.waits == {
        "pause:ship#1": Wait(kind="pause", opened=NOW + 1_000, parent="a#1", name="ship", output=b'"x"')
    }
    assert not closed.waits
    assert (opened.input_sequence, closed.input_sequence) == (0, 3)


def test_a_pause_that_was_given_up_counts_as_no_input():
    """Nobody has to have seen it."""
    paused = an_execution(state=State.RUNNING, waits={"pause:a#1": a_pause("a")})

    after = fold(paused, [an_event(_T.PAUSE_CLOSED, call="pause:a#1", detail=ABANDONED)])

    assert (after.input_sequence, after.waits) == (0, {})


def test_a_fired_timer_is_an_input_and_closes_its_wait():
    """Whoever knows of timers keeps them beside the log; that one fired is an event."""
    sleeping = an_execution(state=State.WAITING, waits={"~t#1": a_timer(NOW), "~t#2": a_timer(NOW + 1)})

    after = fold(sleeping, [an_event(_T.TIMER_FIRED, 5, call="~t#1")])

    assert list(after.waits) == ["~t#2"]
    assert after.input_sequence == 5


def test_a_lost_worker_leaves_no_bodies_and_may_leave_a_suspicion():
    """The event says how many deaths count from now on and whether it must be alone next."""
    running = an_execution(state=State.RUNNING, worker="w1", bodies={"a#1": 1})

    lost = fold(running, [an_event(_T.WORKFLOW_RECOVERED, attempt=2, seen=1, worker="w1")])

    assert (lost.state, lost.worker, dict(lost.bodies)) == (State.QUEUED, None, {})
    assert (lost.deaths, lost.alone) == (2, True)


def test_a_recorded_fact_ends_a_suspicion():
    """Whatever killed the workers is behind it."""
    suspected = an_execution(state=State.RUNNING, worker="w1", deaths=2, alone=True, bodies={"a#1": 1})

    begun = fold(suspected, [an_event(_T.TASK_STARTED, call="b#1", attempt=1)])
    done = fold(suspected, [an_event(_T.TASK_COMPLETED, call="a#1", attempt=1)])

    assert (begun.deaths, begun.alone) == (2, True)
    assert (done.deaths, done.alone) == (0, False)


@pytest.mark.parametrize("kind", [_T.WORKFLOW_COMPLETED, _T.WORKFLOW_FAILED, _T.WORKFLOW_CANCELLED], ids=str)
def test_what_has_ended_has_nothing_any_more(kind: EventType):
    """No worker, no bodies, no waits; when and why it ended stays."""
    running = an_execution(state=State.RUNNING, worker="w1", bodies={"a#1": 1}, waits={"pause:a#1": a_pause()})

    ended = fold(running, [an_event(kind, name="worker_crashed")])

    assert (ended.worker, dict(ended.bodies), dict(ended.waits)) == (None, {}, {})
    assert (ended.finished, ended.reason, ended.is_final) == (NOW + 1_000, "worker_crashed", True)


@pytest.mark.parametrize(
    ("state", "worker", "expected"),
    [
        (State.QUEUED, None, True),
        (State.CANCELLING, None, True),
        (State.CANCELLING, "w1", False),
        (State.RUNNING, "w1", False),
        (State.WAITING, None, False),
        (State.PAUSED, None, False),
        (State.COMPLETED, None, False),
    ],
)
def test_only_what_could_go_on_and_has_no_worker_wants_one(state: State, worker: str | None, expected: bool):
    """The queue holds these and no others."""
    assert an_execution(state=state, worker=worker).needs_grant is expected


def test_a_changed_copy_is_that_of_dataclasses():
    """`changed` is only the faster way to it, for every field there is."""
    execution = an_execution(state=State.PAUSED, waits={"p": a_pause()}, narrowing=("workflow:a:*",))
    other = {"state": State.FAILED, "fence": 9, "waits": {}, "reason": "x", "narrowing": None, "key": 4}

    assert execution.changed(**other) == dataclasses.replace(execution, **other)  # type: ignore[arg-type]  # on purpose
    assert execution.changed() == execution


def test_what_no_event_tells_stands_beside_the_fold():
    """Reports and timers: they win over what the events say."""
    running = an_execution(state=State.RUNNING, worker="w1")

    after = fold(running, [], reports=4, waits={"~t#1": a_timer(NOW)})

    assert (after.reports, list(after.waits)) == (4, ["~t#1"])


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """A history that the state machine allows, from the first event on."""
    state: str | None = None
    events: list[Event] = []
    for sequence in range(1, draw(st.integers(1, 40)) + 1):
        if not ALLOWED[state]:
            break
        event = Event(
            type=EventType(draw(st.sampled_from(sorted(ALLOWED[state])))),
            instant=NOW + draw(st.integers(0, 100_000)),
            sequence=sequence,
            position=sequence * 3,
            call=draw(st.sampled_from(["a#1", "a#2", "pause:p#1", "~t#1"])),
            name=draw(st.sampled_from([None, "a", "p"])),
            attempt=draw(st.integers(0, 3)),
            seen=draw(st.integers(0, 1)),
            worker=draw(st.sampled_from([None, "w1", "w2"])),
            detail=draw(st.sampled_from([None, ABANDONED])),
        )
        events.append(event)
        state = fold(a_new_execution(), events).state
    return events


def _pieces(events: list[Event], cuts: list[int]) -> Iterator[list[Event]]:
    places = [0, *sorted(cut % (len(events) + 1) for cut in cuts), len(events)]
    return (events[start:end] for start, end in pairwise(places))


@settings(deadline=None)
@given(events=histories(), cuts=st.lists(st.integers(0, 1_000), max_size=5))
def test_a_history_folds_the_same_however_it_is_cut(events: list[Event], cuts: list[int]):
    """Same events, same state: at once, one by one, or in the pieces in which they were written."""
    at_once = fold(a_new_execution(), events)

    one_by_one: Execution = a_new_execution()
    for event in events:
        one_by_one = fold(one_by_one, [event])
    in_pieces: Execution = a_new_execution()
    for piece in _pieces(events, cuts):
        in_pieces = fold(in_pieces, piece)

    assert one_by_one == at_once
    assert in_pieces == at_once
    assert at_once.sequence == len(events)


@settings(deadline=None)
@given(events=histories())
def test_folding_leaves_its_argument_as_it_was(events: list[Event]):
    """Records are immutable, and so is what they hold."""
    before = fold(a_new_execution(), events[:1])
    copy = dataclasses.replace(before, bodies=dict(before.bodies), waits=dict(before.waits))

    fold(before, events[1:])

    assert before == copy
