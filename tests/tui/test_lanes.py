"""The lines of a timeline."""

from tui import lanes as lay
from tui import timeline
from tui.lanes import GROUP, Lane, lanes
from tui.timeline import Timeline

from .builders import facts
from .stories import failed_order
from .test_dossier import dossier_of


def many(count: int, *, done: int) -> Timeline:
    """A fan-out of `count` calls, `done` of them completed."""
    events: list[tuple[int, str, str]] = []
    for number in range(count):
        events.append((number, "TASK_STARTED", f"load#{number}"))
        if number < done:
            events.append((number + 100, "TASK_COMPLETED", f"load#{number}"))
    return timeline.fold(timeline.empty("flow"), facts(*sorted(events)))


def outline(found: tuple[Lane, ...]) -> list[str]:
    """Name and depth of each lane."""
    return [f"{'  ' * lane.depth}{lane.name}" for lane in found]


def test_a_failed_call_shows_its_attempts() -> None:
    """That is what the person came for; calls that went well are one line each."""
    found = lanes(dossier_of(failed_order()).timeline)

    assert outline(found) == [
        "order_fulfil",
        "validate_order",
        "reserve_stock",
        "charge_card",
        "  try 1",
        "  try 2",
        "  try 3",
        "  rollback",
    ]
    assert [lane.error for lane in found[4:7]] == [
        "ServerError: 503",
        "ReadTimeout: 0.5 s",
        "CardDeclined: 402 payment required",
    ]


def test_what_is_below_a_lane_can_be_hidden() -> None:
    """And shown again."""
    found = lanes(dossier_of(failed_order()).timeline, frozenset({"charge_card#1"}))

    assert outline(found)[-1] == "charge_card"
    assert found[-1].folded is True


def test_many_calls_of_one_name_are_one_line() -> None:
    """With how many of them are done; five thousand lines help nobody."""
    found = lanes(many(5000, done=17))

    assert len(found) == 2
    assert (found[1].kind, found[1].done, found[1].size, found[1].state) == ("group", 17, 5000, "RUNNING")
    assert len(found[1].spans) <= 3


def test_a_few_calls_of_one_name_have_a_line_each() -> None:
    """As long as they fit."""
    assert len(lanes(many(GROUP, done=0))) == GROUP + 1


def test_a_group_can_be_opened() -> None:
    """Its calls are then below it."""
    timeline_of_many = many(GROUP + 1, done=GROUP + 1)
    (_, group) = lanes(timeline_of_many)

    opened = lanes(timeline_of_many, frozenset({group.key}))

    assert [lane.depth for lane in opened] == [0, 0] + [1] * (GROUP + 1)
    assert opened[-1].name == f"load #{GROUP}"
    assert group.state == "COMPLETED"


def test_a_failure_in_a_group_is_seen_from_outside() -> None:
    """One of 5,000 must not be hidden by the others."""
    events = [(n, "TASK_STARTED", f"load#{n}") for n in range(10)]
    found = timeline.fold(timeline.empty("flow"), facts(*events, (20, "TASK_FAILED", "load#3")))

    group = lanes(found)[1]

    assert (group.state, group.error) == ("FAILED", "1 failed")


def test_calls_made_in_a_body_stand_below_it() -> None:
    """Unfolded from the start: they are part of what happened."""
    found = timeline.fold(
        timeline.empty("flow"),
        facts((0, "TASK_STARTED", "a#1"), (1, "TASK_STARTED", "a#1@1/b#1"), (2, "TASK_STARTED", "c#1")),
    )

    assert outline(lanes(found)) == ["flow", "a", "  b", "c"]
    assert outline(lanes(found, frozenset({"a#1"}))) == ["flow", "a", "c"]


def test_keys_of_lanes_are_unique() -> None:
    """The cursor is kept by them."""
    found = lanes(dossier_of(failed_order()).timeline)

    assert len({lane.key for lane in found}) == len(found)
    assert lay.GROUP == GROUP
