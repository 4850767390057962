"""The log is the truth: whatever happened, rows and memory are what its fold says."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from flux.core.execution import ASLEEP, Execution
from flux.engine import parked
from flux.store import events
from flux.store import executions as rows
from flux.store.database import Database
from flux.testing.faulty_disk import FaultyDisk
from tests.engine.desk import Desk
from tests.engine.scenario import Scenario, counted, folded, kept

STEPS = 120


def comparable(execution: Execution) -> Execution:
    """The execution without what is no fold: where it rests, and what only memory knows of it."""
    worker = None if execution.state in ASLEEP else execution.worker
    return replace(execution, worker=worker, reports=0, bodies={}, waits={}, sequence=0, input_sequence=0, updated=0)


@pytest.mark.parametrize("seed", range(12))
async def test_rows_counters_and_memory_are_what_the_log_says(tmp_path: Path, full: bool, seed: int) -> None:
    """After every step the counters are those of a recount; in the end every row is the fold of its log.

    Calls fail in the middle, workers die, the disk is full at times, a principal is disabled.
    """
    random = Random(seed)
    with FaultyDisk.registered() as disk:
        database = Database.open(tmp_path / "flux.db", vfs=disk.name)
        desk = Desk.over(database, slots=3)
        scenario = await Scenario.over(desk, disk, random)
        for _ in range(STEPS * 10 if full else STEPS):
            await scenario.step()
            assert kept(desk) == counted(desk)

        await scenario.settle()
        assert desk.gate.live.queued == 0
        for row in rows.page(database.reader, places=None, before=10**6, limit=-1):
            check(desk, row)
        assert desk.fatal == []
        database.close()


def check(desk: Desk, row: Execution) -> None:
    """The row, the record in memory and the record that a stranger reads are all the fold of the log."""
    log = events.of(desk.database.reader, row.key)
    truth = folded(desk, row)
    live = desk.gate.live.executions.get(row.id)
    read = parked.load(desk.database.reader, row.id)

    assert [event.sequence for event in log] == list(range(1, len(log) + 1))
    assert comparable(row) == comparable(truth)
    assert row.sequence <= truth.sequence
    assert read.sequence == truth.sequence
    assert read.input_sequence == truth.input_sequence
    assert pauses(read) == pauses(truth)
    if live is not None:
        assert comparable(live) == comparable(truth)
        assert (live.sequence, live.input_sequence) == (truth.sequence, truth.input_sequence)
        assert dict(live.bodies) == dict(truth.bodies)
        assert live.waits == read.waits


def pauses(execution: Execution) -> dict[str, object]:
    """The open pauses: those that the log alone tells."""
    return {call: wait for call, wait in execution.waits.items() if wait.kind == "pause"}
