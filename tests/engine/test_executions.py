"""Submit: who may, what is stored, and what a repeated request gets."""

from dataclasses import replace
from pathlib import Path

import pytest

from flux.core.events import EventType
from flux.core.execution import Execution, State
from flux.core.permissions import Grants
from flux.core.principal import Caller
from flux.engine import catalog, executions, parked
from flux.engine.executions import MAX_QUEUED, Submit
from flux.errors import Busy, Conflict, Denied, DiskFull, NotFound
from flux.store import events
from flux.store.database import Database
from flux.testing.faulty_disk import FaultyDisk
from tests.engine.desk import CALLER, Desk

_T = EventType
PREFIX = "workflow:default:work"
ALL = (f"{PREFIX}:run", f"{PREFIX}:task:step:execute")


def a_submit(name: str = "work", caller: Caller = CALLER, **more: object) -> Submit:
    """The wish to start `default/NAME`."""
    return Submit(**{"namespace": "default", "name": name, "input": b"null", "caller": caller, **more})  # type: ignore[arg-type]  # builder


# ---------------------------------------------------------------------- submit


async def test_a_submitted_execution_is_queued_and_stored(desk: Desk) -> None:
    """With everything it was asked for, pinned to the version of the moment."""
    bot = await desk.caller("bot", *ALL)
    made = await desk.submit(caller=bot, priority=7, labels={"env": "prod"}, input=b'{"x":1}')

    stored = parked.load(desk.database.reader, made.id)
    (queued,) = events.of(desk.database.reader, made.key)
    assert stored == made
    assert (made.state, made.priority, made.version) == (State.QUEUED, 7, "d1")
    assert made.principal == bot.principal.id
    assert (queued.type, queued.payload, queued.actor) == (_T.WORKFLOW_QUEUED, b'{"x":1}', bot.principal.id)


async def test_an_unknown_workflow_is_not_found(desk: Desk) -> None:
    """Nothing is stored."""
    with pytest.raises(NotFound, match="default/nobody"):
        await desk.submit("nobody")
    with pytest.raises(NotFound, match="no version 9"):
        await desk.submit(version=9)


async def test_a_workflow_that_one_may_not_even_see_is_not_there(desk: Desk) -> None:
    """Whoever may neither run nor read it learns nothing of it."""
    stranger = await desk.caller("stranger", "workflow:default:other:run")

    with pytest.raises(NotFound, match="default/work"):
        await desk.submit(caller=stranger)


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        ((f"{PREFIX}:read",), list(ALL)),
        ((f"{PREFIX}:run",), [ALL[1]]),
        ((f"{PREFIX}:read", f"{PREFIX}:task:*:execute"), [ALL[0]]),
    ],
    ids=["reader", "runner without the task", "tasks without run"],
)
async def test_what_is_missing_is_listed_before_anything_starts(
    desk: Desk, held: tuple[str, ...], missing: list[str]
) -> None:
    """Run on the workflow, execute on every task that it is known to call; nothing is stored."""
    bot = await desk.caller("bot", *held)
    position = desk.gate.live.numbers.position

    with pytest.raises(Denied) as caught:
        await desk.submit(caller=bot)

    assert caught.value.facts["missing_permissions"] == missing
    assert desk.gate.live.numbers.position == position


async def test_permissions_of_one_namespace_open_no_other(desk: Desk) -> None:
    """Who may do everything in `billing` may do nothing in `default`."""
    bot = await desk.caller("bot", "workflow:billing:*")

    with pytest.raises(NotFound):
        await desk.submit(caller=bot)


async def test_the_same_key_gives_the_same_execution(desk: Desk) -> None:
    """Asked again, however far it has come; another principal's key of that name is another key."""
    bot = await desk.caller("bot", *ALL)
    first = await desk.submit(key="k")
    await desk.grant(first.id)
    again = await desk.submit(key="k")
    other = await desk.submit(key="k", caller=bot)

    assert (again.id, again.state) == (first.id, State.RUNNING)
    assert other.id != first.id


async def test_the_same_key_with_another_input_is_a_conflict(desk: Desk) -> None:
    """The message names the key, the facts the execution that has it."""
    first = await desk.submit(key="k", input=b"1")

    with pytest.raises(Conflict, match="'k'") as caught:
        await desk.submit(key="k", input=b"2")

    assert caught.value.facts["execution"] == first.id


async def test_a_repeated_request_needs_no_offered_workflow(desk: Desk) -> None:
    """The file was deleted between two tries of one client: it gets what the first one made."""
    first = await desk.submit(key="k")
    await desk.gate.write(catalog.withdraw, "work.py", CALLER)

    assert (await desk.submit(key="k")).id == first.id
    with pytest.raises(NotFound):
        await desk.submit(key="other")


async def test_a_repeated_request_needs_the_right_to_run(desk: Desk) -> None:
    """It may have been taken away since."""
    bot = await desk.caller("bot", *ALL)
    await desk.submit(key="k", caller=bot)

    with pytest.raises(Denied):
        await desk.submit(key="k", caller=replace(bot, narrowing=Grants(["workflow:default:work:read"])))


async def test_an_id_that_is_taken_is_a_conflict(desk: Desk) -> None:
    """Whoever chooses ids must look first."""
    await desk.submit(identity="mine-1")

    with pytest.raises(Conflict, match="mine-1"):
        await desk.submit(identity="mine-1")


async def test_a_queue_that_is_too_long_takes_nothing_more(desk: Desk) -> None:
    """It hides a problem; the client is told when to come back."""
    desk.gate.live.queued = MAX_QUEUED

    with pytest.raises(Busy) as caught:
        await desk.submit()

    assert caught.value.facts["retry_after"] == 5


async def test_an_older_version_can_be_asked_for(desk: Desk) -> None:
    """By its number."""
    await desk.register("work", digest="d2")

    newest, older = await desk.submit(), await desk.submit(version=1)

    assert (newest.version, older.version) == ("d2", "d1")


# ---------------------------------------------------------------------- many


async def test_a_bad_line_stops_no_other(desk: Desk) -> None:
    """Each line has its own answer, in its place; what failed wrote nothing."""
    await desk.submit(key="k", input=b"1")
    commands = [a_submit(), a_submit("nobody"), a_submit(key="k", input=b"2"), a_submit(priority=3)]

    results = await desk.gate.write(executions.submit_many, commands)

    assert [type(result) for result in results] == [Execution, NotFound, Conflict, Execution]
    keys = [result.key for result in results if isinstance(result, Execution)]
    assert keys == [2, 3]


async def test_one_request_is_one_line_of_audit(desk: Desk) -> None:
    """However many executions it starts; one that starts none is none."""
    before = len(desk.audit())
    made = await desk.gate.write(executions.submit_many, [a_submit() for _ in range(5)])
    await desk.gate.write(executions.submit_many, [a_submit("nobody")])
    await desk.gate.write(executions.submit_many, [])
    ids = [result.id for result in made if isinstance(result, Execution)]

    lines = desk.audit()[before:]
    assert [(line.action, line.object) for line in lines] == [
        ("workflow.run", f"executions:{ids[0]}..{ids[-1]} (5)"),
    ]


async def test_the_same_key_twice_in_one_request_is_one_execution(desk: Desk) -> None:
    """The second line sees the first, though nothing is committed yet."""
    first, second = await desk.gate.write(executions.submit_many, [a_submit(key="k"), a_submit(key="k")])

    assert isinstance(first, Execution)
    assert isinstance(second, Execution)
    assert first.id == second.id


async def test_a_full_disk_in_a_line_refuses_the_whole_request(tmp_path: Path) -> None:
    """SQLite may have ended the transaction under it: no line is told that it was stored, and none is."""
    with FaultyDisk.registered() as disk:
        database = Database.open(tmp_path / "flux.db", vfs=disk.name)
        desk = Desk.over(database)
        await desk.register("work")
        tx = desk.transaction()
        tx.execute("PRAGMA cache_size = 1")
        tx.execute("PRAGMA cache_spill = 1")
        disk.full = True
        lines = [a_submit(input=b'"' + b"x" * 20_000 + b'"') for _ in range(200)]

        with pytest.raises(DiskFull):
            await desk.gate.write(executions.submit_many, lines)
        disk.full = False
        await desk.submit()

        assert desk.fatal == []
        assert [execution.key for execution in desk.gate.live.executions.values()] == [1]
        assert desk.database.reader.all("SELECT count(*) FROM executions") == [(1,)]
        database.close()
