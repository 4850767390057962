"""Captured output on its way into the file."""

from flux.engine import output
from flux.engine.output import Line
from flux.store import logs
from tests.engine.desk import Desk, end


async def test_lines_are_written_for_what_is_live_parked_or_ended(desk: Desk) -> None:
    """Output may come late; what belongs to nobody is dropped without harm to the rest."""
    live, parked, ended = await desk.started(), await desk.paused(), await desk.started()
    await desk.accept(desk.frame(ended, end=end()))
    names = [live.execution, parked.execution, "nobody", ended.execution]

    await desk.gate.write(output.append, [Line(name, "a#1", 2, "stderr", 5, f"{name}\n") for name in names])

    for granted in (live, parked, ended):
        (line,) = logs.of(desk.database.reader, granted.key)
        assert line[1:] == ("a#1", 2, "stderr", 5, f"{granted.execution}\n")
    assert desk.database.reader.all("SELECT count(*) FROM logs") == [(3,)]
