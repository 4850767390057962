"""Many inputs in one request."""

import json

from flux.core.execution import State
from flux.server.batch import PIECE
from flux.server.bodies import MAX_LINES

BATCH = "/workflows/default/work/run/batch"
HEADERS = {"Content-Type": "application/x-ndjson"}


async def answers(site, body, *, status=200, **options):
    """The lines that answer a batch."""
    headers = {**HEADERS, **options.pop("headers", {})}
    async with site.session.post(BATCH, data=body, headers=headers, **options) as response:
        text = await response.text()
    assert response.status == status, text
    return [json.loads(line) for line in text.splitlines()]


def lines(*values: object) -> bytes:
    """The values as NDJSON."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


async def test_a_line_for_a_line_in_order(site):
    """Each input becomes an execution of its own; one commit for all of them."""
    await answers(site, b"")
    before = site.desk.gate.counters.commits

    found = await answers(site, lines(*range(10)), params={"label": "import:7"})

    assert site.desk.gate.counters.commits == before + 1
    stored = [site.desk.execution(answer["execution_id"]) for answer in found]
    assert [one.key for one in stored] == list(range(1, 11))
    assert {one.state for one in stored} == {State.QUEUED}
    async with site.session.get(f"/executions/{stored[3].id}") as response:
        shown = await response.json()
    assert (shown["input"], shown["labels"]) == (3, {"import": "7"})


async def test_a_large_batch_is_several_commits(site):
    """A piece is as much as the gate takes at once, so that others get their turn between."""
    await answers(site, b"")
    before = site.desk.gate.counters.commits

    found = await answers(site, b"null\n" * (2 * PIECE + 1))

    assert len(found) == 2 * PIECE + 1
    assert site.desk.gate.counters.commits == before + 3


async def test_a_wrong_line_is_answered_in_its_place(site):
    """It stops nobody else, and names its number."""
    found = await answers(site, b'1\n{"a":\n\n"\\ud800"\n2')

    assert [answer.get("status", "started") for answer in found] == ["started", 400, 422, "started"]
    assert found[1]["detail"].startswith("line 2 is not JSON")
    assert found[1]["code"] == "invalid"


async def test_a_batch_that_is_sent_again_starts_nothing_twice(site):
    """One idempotency key stands for all lines."""
    headers = {"Idempotency-Key": "monday"}
    first = await answers(site, lines(1, 2), headers=headers)
    again = await answers(site, lines(1, 2, 3), headers=headers)

    assert [answer["execution_id"] for answer in again[:2]] == [answer["execution_id"] for answer in first]
    assert len({answer["execution_id"] for answer in again}) == 3


async def test_a_batch_for_nothing_is_one_404(site):
    """Not one for each line."""
    async with site.session.post("/workflows/default/nothing/run/batch", data=lines(1, 2), headers=HEADERS) as response:
        assert response.status == 404
        assert (await response.json(content_type=None))["code"] == "not_found"


async def test_more_lines_than_a_queue_holds_are_refused(site):
    """Before anything is started."""
    async with site.session.post(BATCH, data=b"1\n" * (MAX_LINES + 1), headers=HEADERS) as response:
        assert response.status == 413
        assert f"{MAX_LINES:,}" in (await response.json(content_type=None))["detail"]
    assert not site.desk.gate.live.executions


async def test_a_batch_waits_for_nothing(site):
    """A parameter that would mean waiting is refused, not ignored."""
    async with site.session.post(BATCH, data=lines(1), headers=HEADERS, params={"wait": "5"}) as response:
        assert response.status == 400
