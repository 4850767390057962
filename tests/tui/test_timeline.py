"""Events folded into calls and spans."""

from tui import timeline
from tui.records import fact
from tui.timeline import Call, Timeline

from .builders import facts
from .recorded import told
from .stories import failed_order


def folded(*events: tuple[int, str] | tuple[int, str, str] | tuple[int, str, str, dict[str, object]]) -> Timeline:
    """The timeline of these events."""
    return timeline.fold(timeline.empty("flow"), facts(*events))


def spans(call: Call) -> list[tuple[int, int | None, str, str]]:
    """Start, end, kind and outcome of what a call did."""
    return [(span.start, span.end, span.kind, span.outcome) for span in call.spans]


def test_an_execution_is_queued_then_running() -> None:
    """The wait for a worker is told apart from the work."""
    root = folded((0, "WORKFLOW_QUEUED"), (80, "WORKFLOW_STARTED"), (500, "WORKFLOW_COMPLETED")).root

    assert spans(root) == [(0, 80, "queued", ""), (80, 500, "running", "completed")]
    assert root.state == "COMPLETED"


def test_a_retried_call_has_a_span_for_each_attempt_and_delay() -> None:
    """With the error of each attempt that failed."""
    error = {"type": "ReadTimeout", "message": "0.5 s\nmore"}
    call = folded(
        (0, "TASK_STARTED", "charge#1"),
        (10, "TASK_ATTEMPT_FAILED", "charge#1", {"detail": {"delay": 100}, "payload": error}),
        (110, "TIMER_FIRED", "charge#1@1"),
        (111, "TASK_STARTED", "charge#1", {"attempt": 2}),
        (130, "TASK_COMPLETED", "charge#1"),
    ).calls["charge#1"]

    assert spans(call) == [
        (0, 10, "running", "failed"),
        (10, 111, "retrying", ""),
        (111, 130, "running", "completed"),
    ]
    assert (call.state, call.attempts, call.spans[0].error) == ("COMPLETED", 2, "ReadTimeout: 0.5 s")


def test_a_call_that_failed_for_good_is_failed() -> None:
    """After its attempts come rollback and fallback, each with a span."""
    call = folded(
        (0, "TASK_STARTED", "a#1"),
        (5, "TASK_ATTEMPT_FAILED", "a#1", {"payload": {"type": "Declined", "message": "no"}}),
        (6, "TASK_ROLLBACK_STARTED", "a#1"),
        (9, "TASK_ROLLBACK_COMPLETED", "a#1"),
        (9, "TASK_FALLBACK_STARTED", "a#1"),
        (12, "TASK_FALLBACK_FAILED", "a#1", {"payload": {"type": "Gone", "message": ""}}),
        (12, "TASK_FAILED", "a#1"),
    ).calls["a#1"]

    assert [kind for _, _, kind, _ in spans(call)] == ["running", "rollback", "fallback"]
    assert (call.state, call.error) == ("FAILED", "Gone")


def test_a_lost_worker_ends_what_ran_there() -> None:
    """The same attempt begins again; the time in which nobody ran it is a gap."""
    found = folded(
        (0, "WORKFLOW_QUEUED"),
        (1, "WORKFLOW_STARTED"),
        (2, "TASK_STARTED", "a#1"),
        (50, "WORKFLOW_RECOVERED"),
        (60, "WORKFLOW_STARTED", "", {"attempt": 2}),
        (61, "TASK_STARTED", "a#1"),
        (70, "TASK_COMPLETED", "a#1"),
    )

    assert spans(found.calls["a#1"]) == [(2, 50, "running", "lost"), (61, 70, "running", "completed")]
    assert spans(found.root)[1] == (1, 50, "running", "lost")


def test_a_pause_is_a_lane_of_its_own() -> None:
    """It lasts until it is answered, whatever the execution does beside it."""
    found = folded(
        (0, "WORKFLOW_QUEUED"),
        (1, "WORKFLOW_STARTED"),
        (2, "PAUSE_OPENED", "pause:ok#1", {"name": "ok"}),
        (3, "WORKFLOW_PAUSED"),
        (90, "PAUSE_CLOSED", "pause:ok#1"),
        (90, "WORKFLOW_RESUMED"),
    )

    pause = found.calls["pause:ok#1"]
    assert (pause.name, pause.kind, pause.state) == ("ok", "pause", "COMPLETED")
    assert spans(pause) == [(2, 90, "waiting", "")]
    assert spans(found.root)[-1] == (90, None, "queued", "")


def test_an_execution_that_is_still_loaded_goes_on_at_once() -> None:
    """It is not queued again after an answer."""
    found = folded((0, "WORKFLOW_QUEUED"), (1, "WORKFLOW_PAUSED"), (9, "WORKFLOW_RESUMED", "", {"worker": "w1"}))

    assert (found.root.state, found.root.spans[-1].kind) == ("RUNNING", "running")


def test_cancelling_lasts_until_the_end() -> None:
    """Whatever the clean-up does meanwhile."""
    found = folded(
        (0, "WORKFLOW_QUEUED"),
        (1, "WORKFLOW_STARTED"),
        (2, "TASK_STARTED", "a#1"),
        (3, "WORKFLOW_CANCELLING"),
        (4, "TASK_CANCELLED", "a#1"),
        (5, "WORKFLOW_WAITING"),
    )
    assert (found.root.state, found.calls["a#1"].state) == ("CANCELLING", "CANCELLED")

    ended = timeline.fold(found, facts(*[(0, "X")] * 6, (9, "WORKFLOW_CANCELLED")))
    assert ended.root.state == "CANCELLED"


def test_a_call_made_in_a_body_knows_its_parent() -> None:
    """By the event, or by its id if that does not say."""
    found = folded(
        (0, "TASK_STARTED", "charge#1"),
        (1, "TASK_STARTED", "charge#1@1/check#1"),
        (2, "TASK_STARTED", "other#1", {"parent": "charge#1"}),
    )

    assert [call.parent for call in found.calls.values()] == ["", "charge#1", "charge#1"]


def test_folding_in_pieces_gives_the_same() -> None:
    """Events come as they happen; those that come twice count once."""
    story = failed_order()
    all_of_them = [fact(told(story, number, raw)) for number, raw in enumerate(story.events, 1)]
    whole = timeline.fold(timeline.empty("order"), all_of_them)

    pieces = timeline.empty("order")
    for at in range(0, len(all_of_them), 3):
        pieces = timeline.fold(pieces, all_of_them[max(at - 2, 0) : at + 3])

    assert pieces == whole
    assert whole.calls["charge_card#1"].state == "FAILED"


def test_a_denied_call_is_failed_though_nothing_ran() -> None:
    """It has a moment of its own, so that it can be seen."""
    call = folded((5, "TASK_DENIED", "secret#1", {"detail": {"message": "lacks task:secret:execute"}})).calls[
        "secret#1"
    ]

    assert spans(call) == [(5, 5, "running", "failed")]
    assert call.error == "lacks task:secret:execute"


def test_an_event_of_a_newer_daemon_changes_nothing() -> None:
    """It is still in the list of events."""
    found = folded((0, "WORKFLOW_QUEUED"), (1, "WORKFLOW_DREAMT"), (2, "TASK_DREAMT", "a#1"))

    assert found.root.state == "QUEUED"
    assert found.calls["a#1"].spans == ()
