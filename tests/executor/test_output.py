"""Output on its way to the file: it rides along with other writes, or is written a second later."""

import asyncio
from pathlib import Path

from flux.engine import queries
from flux.executor import output as executor_output
from flux.executor.output import Output
from flux.executor.peers import Worker
from flux.store.database import Database
from flux.testing.faulty_disk import FaultyDisk
from flux.wire.frames import Frame, Log
from tests.engine.desk import Desk


class Silent:
    """A peer that nobody sends anything to."""

    id = "w1"
    pid = 1

    def send(self, frame: Frame) -> None:
        """Never."""
        raise AssertionError(frame)


WORKER = Worker(Silent(), lease_until=1 << 60)


def printed(execution: str, text: str) -> Log:
    """A line that the workflow itself printed."""
    return Log(execution, 1, None, 0, "stdout", 5, text)


async def test_output_is_there_when_the_next_write_is(tmp_path: Path) -> None:
    """It shares the commit of whoever writes next, and is written once."""
    desk = Desk.over(Database.open(tmp_path / "flux.db"))
    await desk.register("work")
    output = Output(desk.gate)
    execution = await desk.submit()
    commits = desk.gate.counters.commits
    output.add(WORKER, printed(execution.id, "one\n"))
    output.add(WORKER, printed(execution.id, "two\n"))

    await desk.submit()
    await desk.submit()

    assert [line.text for line in desk.gate.read(queries.logs_of, execution)] == ["one\n", "two\n"]
    assert desk.gate.counters.commits == commits + 2
    desk.database.close()


async def test_a_full_disk_loses_no_line(tmp_path: Path) -> None:
    """What could not be written goes with a later batch."""
    with FaultyDisk.registered() as disk:
        desk = Desk.over(Database.open(tmp_path / "flux.db", vfs=disk.name))
        await desk.register("work")
        output = Output(desk.gate)
        execution = await desk.submit()
        output.add(WORKER, printed(execution.id, "kept\n"))
        disk.full = True
        refused = await asyncio.gather(desk.submit(), return_exceptions=True)
        disk.full = False

        await desk.submit()

        assert isinstance(refused[0], Exception)
        assert [line.text for line in desk.gate.read(queries.logs_of, execution)] == ["kept\n"]
        desk.database.close()


async def test_what_has_no_room_is_counted(tmp_path: Path) -> None:
    """Beyond the bound lines are dropped, and one line says how many."""
    desk = Desk.over(Database.open(tmp_path / "flux.db"))
    await desk.register("work")
    output = Output(desk.gate)
    execution = await desk.submit()
    for _ in range(executor_output.MAX_LINES + 7):
        output.add(WORKER, printed(execution.id, "x\n"))

    await desk.submit()
    await desk.submit()

    lines = desk.gate.read(queries.logs_of, execution, after=executor_output.MAX_LINES)
    assert [line.text for line in lines] == ["… 7 lines were dropped\n"]
    desk.database.close()
