"""Replay is exact: random programs, random delays, workers killed and executions unloaded in between.

Every value and the order of every step that a workflow can observe is compared between the runs of one
execution, and with a replay of its finished log. The controls read the log in the wrong order, and must
be caught.
"""

from collections.abc import Callable
from functools import partial

import pytest

from flux.core.events import NUMBERS
from flux.store.database import Database
from tests.worker.courses import Begin, Course, Step, at_once, differences, replay, scripted, take, without_seen
from tests.worker.ledger import Row
from tests.worker.real_engine import RealDaemon, Room
from tests.worker.virtual import run

NORMAL, FULL = 200, 1_000
ON_THE_ENGINE = 50
CONTROLS = 60


async def _what_is_wrong(seed: int, begin: Begin = scripted) -> list[str]:
    course = await take(seed, begin)
    found = [*course.wrong, *differences(course)]
    steps, end = await replay(course, course.daemon.ledger.rows(whole=False))
    found += _first_difference("replay of the log", course.last_run, steps)
    if end is None or NUMBERS[course.end.type] != end.type or end.payload != course.end.payload:
        found.append(f"the end: {course.end.type} {course.end.payload!r}, replayed {end}")
    return found


def _first_difference(what: str, expected: list[Step], got: list[Step]) -> list[str]:
    if expected == got:
        return []
    pairs = zip(expected, got, strict=False)
    index = next((n for n, (one, other) in enumerate(pairs) if one != other), min(len(expected), len(got)))
    return [f"{what}, step {index}: {expected[index : index + 1]} then {got[index : index + 1]}"]


@pytest.mark.timeout(600)  # for the long form
def test_a_replay_sees_what_the_live_run_saw(full):
    """In 200 random programs (1,000 with --full) no value and no step differs, however often they are interrupted.

    No body runs before the log allows it, and none after its end stands there.
    """
    wrong = {}
    for seed in range(FULL if full else NORMAL):
        found = run(_what_is_wrong(seed))
        if found:
            wrong[seed] = found

    assert wrong == {}


@pytest.mark.timeout(600)  # as above
def test_the_real_engine_keeps_what_replay_needs(full, tmp_path):
    """The same with the engine's own log, gate and state machine in the daemon's place."""

    async def main() -> dict[int, list[str]]:
        room = Room(database)
        await room.offer("fuzzed")
        begin = partial(RealDaemon.begin, room)
        found = {seed: await _what_is_wrong(seed, begin) for seed in range(FULL if full else ON_THE_ENGINE)}
        return {seed: wrong for seed, wrong in found.items() if wrong}

    database = Database.open(tmp_path / "flux.db")
    try:
        assert run(main()) == {}
    finally:
        database.close()


async def _is_caught(seed: int, change: Callable[[list[Row]], list[Row]]) -> bool:
    course: Course = await take(seed)
    steps, end = await replay(course, change(course.daemon.ledger.rows(whole=False)))
    return steps != course.last_run or end is None or end.payload != course.end.payload


@pytest.mark.parametrize("change", [without_seen, at_once])
def test_a_log_read_in_another_order_is_caught(change):
    """Without `seen`, or with outcomes delivered at once, some replays differ, and the comparison sees it."""
    caught = [seed for seed in range(CONTROLS) if run(_is_caught(seed, change))]

    assert caught
