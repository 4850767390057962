"""What clients may ask: pages, events, tasks; every query with the eyes of its caller."""

import pytest

from flux.core.events import EventType
from flux.core.execution import State
from flux.core.permissions import Grants
from flux.core.principal import Caller
from flux.engine import catalog, grants, output, queries
from flux.engine.output import Line
from flux.engine.queries import PageQuery
from flux.errors import Conflict, Invalid, NotFound
from flux.store.catalog import LoadError
from tests.engine.desk import CALLER, Desk, end

_T = EventType


@pytest.fixture
async def desk(desk: Desk) -> Desk:
    """With a second workflow, `default/other`."""
    await desk.register("work", "other", digest="d2")
    return desk


@pytest.fixture
async def reader(desk: Desk) -> Caller:
    """Somebody who may read executions of `default/other` and no others."""
    return await desk.caller("reader", "workflow:default:other:read")


def page(desk: Desk, caller: Caller = CALLER, **wish: object) -> queries.Page:
    """One page."""
    return desk.gate.read(queries.page, PageQuery(**wish), caller)  # type: ignore[arg-type]  # builder


def ids(found: queries.Page) -> list[str]:
    """The ids on a page."""
    return [execution.id for execution in found.items]


# ---------------------------------------------------------------------- pages


async def test_pages_follow_each_other_without_gap_or_overlap(desk: Desk) -> None:
    """Newest first; what comes while somebody turns pages does not move them."""
    made = [(await desk.submit()).id for _ in range(7)]
    seen: list[str] = []
    before: int | None = 0
    while before is not None:
        found = page(desk, limit=3, before=before)
        seen += ids(found)
        before = found.next
        await desk.submit()

    assert seen == made[::-1]


async def test_a_page_says_how_many_there_are_in_all_and_when(desk: Desk) -> None:
    """Of the filtered ones; as of a position of the log."""
    for _ in range(5):
        await desk.submit()
    await desk.submit("other")

    found = page(desk, limit=2, name="work")

    assert (len(found.items), found.count) == (2, 5)
    assert found.as_of == desk.gate.live.numbers.position


@pytest.mark.parametrize(("limit", "got"), [(0, 1), (-5, 1), (1, 1), (1_000_000, 4)])
async def test_a_page_has_one_to_a_thousand_rows(desk: Desk, limit: int, got: int) -> None:
    """Whatever is asked for."""
    for _ in range(4):
        await desk.submit()

    assert len(page(desk, limit=limit).items) == got


async def test_filters_hold_together(desk: Desk) -> None:
    """State, namespace and name."""
    running = await desk.started()
    queued = await desk.submit()
    other = await desk.submit("other")

    assert ids(page(desk, states=(State.RUNNING,))) == [running.execution]
    assert ids(page(desk, states=(State.RUNNING, State.QUEUED))) == [other.id, queued.id, running.execution]
    assert ids(page(desk, name="other")) == [other.id]
    assert ids(page(desk, namespace="nowhere")) == []
    assert page(desk, states=(State.RUNNING,), name="other").count == 0


async def test_a_list_shows_pauses_of_what_is_loaded_and_of_what_is_not(desk: Desk) -> None:
    """A parked one is a row; its pauses are in the log."""
    parked, loaded = await desk.paused("w2"), await desk.paused()
    await desk.gate.write(grants.released, "w2", parked.execution, parked.fence)

    assert [list(execution.waits) for execution in page(desk).items] == [["pause:ship#1"]] * 2
    assert [execution.worker for execution in page(desk).items] == ["w1", None]
    assert ids(page(desk)) == [loaded.execution, parked.execution]


async def test_what_one_may_not_see_takes_no_place_and_is_not_counted(desk: Desk, reader: Caller) -> None:
    """Not in the rows, not in the total, not in the cursor."""
    mine = []
    for _ in range(3):
        await desk.submit()
        mine.append((await desk.submit("other")).id)

    first = page(desk, reader, limit=2)
    second = page(desk, reader, limit=2, before=first.next or 0)

    assert (ids(first), first.count) == (mine[:0:-1], 3)
    assert (ids(second), second.count, second.next) == (mine[:1], 3, None)


async def test_a_key_that_is_good_for_less_shows_less(desk: Desk) -> None:
    """Its principal may read everything."""
    await desk.submit()
    bot = await desk.caller(
        "bot", "workflow:*:*:read", narrowing=Grants(["workflow:default:other:read"])
    )  # fmt: skip
    other = await desk.submit("other")

    assert (ids(page(desk, bot)), page(desk, bot).count) == ([other.id], 1)


async def test_who_may_read_nothing_sees_nothing(desk: Desk) -> None:
    """An empty page, which is no error."""
    await desk.submit()
    nobody = await desk.caller("nobody")

    found = page(desk, nobody)

    assert (found.items, found.count, found.next) == ([], 0, None)


async def test_totals_by_state_count_only_what_one_may_see(desk: Desk, reader: Caller) -> None:
    """They are kept, not counted; and they follow every change."""
    granted = await desk.started()
    await desk.submit("other")
    before = desk.gate.read(queries.states, CALLER), desk.gate.read(queries.states, reader)
    await desk.accept(desk.frame(granted, end=end()))

    assert before == ({State.RUNNING: 1, State.QUEUED: 1}, {State.QUEUED: 1})
    assert desk.gate.read(queries.states, CALLER) == {State.COMPLETED: 1, State.QUEUED: 1}
    again = Desk.over(desk.database)
    assert again.gate.read(queries.states, CALLER) == {State.COMPLETED: 1, State.QUEUED: 1}


# ---------------------------------------------------------------------- one execution


async def test_what_is_hidden_is_not_found(desk: Desk, reader: Caller) -> None:
    """It looks as if it were not there."""
    hidden, seen = await desk.submit(), await desk.submit("other")

    with pytest.raises(NotFound, match=f"there is no execution {hidden.id}"):
        desk.gate.read(queries.execution, hidden.id, reader)
    with pytest.raises(NotFound, match="there is no execution nobody"):
        desk.gate.read(queries.execution, "nobody", reader)
    assert desk.gate.read(queries.execution, seen.id, reader).id == seen.id


async def test_an_ended_execution_is_read_from_its_row(desk: Desk) -> None:
    """Memory has forgotten it."""
    granted = await desk.started()
    await desk.accept(desk.frame(granted, end=end()))

    found = desk.gate.read(queries.execution, granted.execution, CALLER)

    assert found.state is State.COMPLETED
    assert granted.execution not in desk.gate.live.executions


async def test_an_id_is_found_by_a_part_of_it(desk: Desk, reader: Caller) -> None:
    """If only one fits of those that the caller may see."""
    hidden, seen = await desk.submit(), await desk.submit("other")

    def find(text: str, caller: Caller = CALLER) -> str:
        return desk.gate.read(queries.find, text, caller)

    assert find(seen.id) == seen.id
    assert find(seen.id[-6:].lower()) == seen.id
    assert find(seen.id[:-1], reader) == seen.id
    with pytest.raises(Conflict, match="more than one"):
        find(seen.id[:8])
    assert find(seen.id[:8], reader) == seen.id
    with pytest.raises(NotFound):
        find(hidden.id[-6:], reader)
    with pytest.raises(NotFound):
        find("ZZZZZ")
    with pytest.raises(Invalid, match="at least 4"):
        find("01H")


async def test_inputs_outputs_and_errors_are_those_of_the_log(desk: Desk) -> None:
    """Each in its place, and None where there is none."""
    done, failed, paused = await desk.started(), await desk.started(), await desk.paused()
    await desk.accept(desk.frame(done, end=end(payload=b'"done"')))
    await desk.accept(desk.frame(failed, end=end(_T.WORKFLOW_FAILED, payload=b'{"type":"X"}')))

    def told(identity: str) -> tuple[bytes | None, bytes | None, bytes | None]:
        found = desk.execution(identity)
        return tuple(  # type: ignore[return-value]  # three of them
            desk.gate.read(query, found) for query in (queries.input_of, queries.output_of, queries.error_of)
        )

    assert told(done.execution) == (b"null", b'"done"', None)
    assert told(failed.execution) == (b"null", None, b'{"type":"X"}')
    assert told(paused.execution) == (b"null", b'"x"', None)


async def test_labels_are_kept(desk: Desk) -> None:
    """As they were given."""
    with_them, without = await desk.submit(labels={"env": "prod", "ä": "ö"}), await desk.submit()

    assert desk.gate.read(queries.labels_of, with_them) == {"env": "prod", "ä": "ö"}
    assert desk.gate.read(queries.labels_of, without) == {}


# ---------------------------------------------------------------------- the log


async def test_the_log_of_one_execution_is_read_in_pieces(desk: Desk) -> None:
    """Where to go on is the position of the last; at the end it stays."""
    granted = await desk.started("w1", "a#1", "b#1")
    await desk.submit()

    def after(position: int, limit: int = 2) -> tuple[int, list[int]]:
        where, found = desk.gate.read(
            queries.events_after, position, CALLER, identity=granted.execution, limit=limit
        )  # fmt: skip
        return where, [event.sequence for _, event in found]

    first, sequences = after(0)
    second, more = after(first)

    assert (sequences, more) == ([1, 2], [3, 4])
    assert after(second) == (second, [])


async def test_the_whole_log_shows_what_one_may_see(desk: Desk, reader: Caller) -> None:
    """What is hidden is passed over, and the place to go on lies behind it all the same."""
    await desk.submit()
    seen = await desk.submit("other")
    await desk.submit()

    where, found = desk.gate.read(queries.events_after, 0, reader)

    assert [(owner, event.type) for owner, event in found] == [(seen.id, _T.WORKFLOW_QUEUED)]
    assert where == desk.gate.live.numbers.position


async def test_the_log_of_a_hidden_execution_is_not_found(desk: Desk, reader: Caller) -> None:
    """Like everything else about it."""
    hidden = await desk.submit()

    with pytest.raises(NotFound):
        desk.gate.read(queries.events_after, 0, reader, identity=hidden.id)


async def test_captured_output_is_read_from_a_line_on(desk: Desk) -> None:
    """Lines of what does not exist were dropped."""
    execution = await desk.submit()
    lines = [Line(identity, None, 0, "stdout", 1, text) for identity, text in
             [(execution.id, "a"), ("nobody", "b"), (execution.id, "c")]]  # fmt: skip
    await desk.gate.write(output.append, lines)

    found = desk.gate.read(queries.logs_of, execution)

    assert [line.text for line in found] == ["a", "c"]
    assert [line.text for line in desk.gate.read(queries.logs_of, execution, after=found[0].id)] == ["c"]


# ---------------------------------------------------------------------- workflows


async def test_workflows_are_listed_for_those_who_may_read_them(desk: Desk, reader: Caller) -> None:
    """By name; hidden ones are not found, nor their versions."""
    both = [version.name for version in desk.gate.read(queries.workflows, CALLER)]

    assert both == ["other", "work"]
    assert [version.name for version in desk.gate.read(queries.workflows, reader)] == ["other"]
    assert desk.gate.read(queries.workflow, "default", "other", reader).number == 1
    assert [version.number for version in desk.gate.read(queries.versions, "default", "work", CALLER)] == [2, 1]
    for query in (queries.workflow, queries.versions):
        with pytest.raises(NotFound):
            desk.gate.read(query, "default", "work", reader)
        with pytest.raises(NotFound):
            desk.gate.read(query, "default", "nobody", CALLER)


async def test_a_pinned_source_is_found_by_its_digest(desk: Desk) -> None:
    """One that is gone is an error that names it."""
    assert desk.gate.read(queries.pinned, "d2").entry == "work.py"
    with pytest.raises(NotFound, match="d9"):
        desk.gate.read(queries.pinned, "d9")


async def test_files_that_do_not_load_are_shown_to_those_who_may_see_what_they_offer(
    desk: Desk, reader: Caller
) -> None:
    """Paths and messages tell of what is hidden: a file that never loaded is shown to who may read everything."""
    mine = LoadError("work.py", "x", "SyntaxError", "bad", 1, 5)
    other = LoadError("/w/other.py", "x", "SyntaxError", "bad", 1, 5)
    nobody = await desk.caller("nobody")
    await desk.gate.write(catalog.failed, mine)
    await desk.gate.write(catalog.failed, other)

    assert desk.gate.read(queries.load_errors, CALLER) == [other, mine]
    assert desk.gate.read(queries.load_errors, reader) == [mine]
    assert desk.gate.read(queries.load_errors, nobody) == []
