"""Streams: nothing missing, nothing twice, and readers that do not keep up."""

import asyncio
import json

import pytest

from flux.engine import executions, principals
from flux.engine.executions import Submit
from flux.wire.sse import Parser
from tests.engine.desk import CALLER, begin, fact
from tests.records import THE_ADMIN


class Follower:
    """Reads a stream as it comes."""

    def __init__(self, response):
        self.response = response
        self.parser = Parser()
        self.messages = []

    async def until(self, holds):
        """All messages so far, once one of them satisfies `holds`."""
        async with asyncio.timeout(10):
            while not any(holds(message) for message in self.messages):
                piece = await self.response.content.readany()
                if not piece:
                    raise EOFError("the stream has ended")
                self.messages += self.parser.feed(piece)
        return self.messages

    async def to_the_end(self):
        """All messages of a stream that ends."""
        async with asyncio.timeout(10):
            self.messages += self.parser.feed(await self.response.content.read())
        return self.messages


@pytest.fixture
async def follow():
    """Opens streams; they are closed at the end."""
    opened = []

    async def open_one(site, path, **options):
        response = await site.session.get(path, **options)
        opened.append(response)
        assert response.status == 200, await response.text()
        return Follower(response)

    yield open_one
    for response in opened:
        response.close()


def types(messages):
    """What the messages tell, in their order."""
    return [json.loads(message.data).get("type", message.event) for message in messages]


async def steps(site, execution, number):
    """Let the execution run and complete so many tasks."""
    granted = await site.desk.grant(execution.id)
    for n in range(1, number + 1):
        await site.desk.accept(site.desk.frame(granted, begins=(begin(f"step#{n}", exempt=True),)))
        await site.desk.accept(site.desk.frame(granted, facts=(fact(f"step#{n}", payload=b"1"),)))
    return granted


async def test_one_execution_from_its_beginning(site, follow):
    """Executions and tasks have messages of their own; ids are positions."""
    execution = await site.desk.submit()
    await steps(site, execution, 1)

    follower = await follow(site, f"/executions/{execution.id}/events")
    messages = await follower.until(lambda message: "TASK_COMPLETED" in message.data)

    assert [(message.event, message.id) for message in messages] == [
        ("execution", "1"),
        ("execution", "2"),
        ("task", "3"),
        ("task", "4"),
    ]
    assert json.loads(messages[2].data)["call_id"] == "step#1"
    assert json.loads(messages[0].data)["execution_id"] == execution.id


@pytest.mark.parametrize("place", ["header", "parameter"])
async def test_a_stream_goes_on_after_the_last_id(site, follow, place):
    """Whoever comes back names the last id and gets what follows it."""
    execution = await site.desk.submit()
    await steps(site, execution, 1)
    options = {"headers": {"Last-Event-ID": "2"}} if place == "header" else {"params": {"after": "2"}}

    follower = await follow(site, f"/executions/{execution.id}/events", **options)
    messages = await follower.until(lambda message: message.id == "4")

    assert [message.id for message in messages] == ["3", "4"]


async def test_the_header_counts_before_the_parameter(site, follow):
    """A browser that reconnects repeats the old URL, and knows better in the header."""
    execution = await site.desk.submit()
    await steps(site, execution, 1)

    path = f"/executions/{execution.id}/events?after=0"
    follower = await follow(site, path, headers={"Last-Event-ID": "3"})

    assert [message.id for message in await follower.until(lambda message: message.id == "4")] == ["4"]


async def test_between_the_log_and_what_is_live_nothing_is_lost_or_doubled(site, follow):
    """Readers that begin at every moment of a burst all see the same whole story."""
    execution = await site.desk.submit()
    followers = []
    granted = await site.desk.grant(execution.id)
    for n in range(1, 40):
        await site.desk.accept(site.desk.frame(granted, begins=(begin(f"step#{n}", exempt=True),)))
        if n % 4 == 0:
            followers.append(await follow(site, "/events?after=0" if n % 8 else f"/executions/{execution.id}/events"))
        await site.desk.accept(site.desk.frame(granted, facts=(fact(f"step#{n}", payload=b"1"),)))
    last = str(site.hub.position)

    for follower in followers:
        ids = [message.id for message in await follower.until(lambda message: message.id == last)]
        assert ids == [str(position) for position in range(1, int(last) + 1)]


async def test_a_long_log_is_read_in_pieces(site, follow):
    """More events than one look into the log takes."""
    for _ in range(3):
        execution = await site.desk.submit()
        await steps(site, execution, 120)
    last = str(site.hub.position)

    follower = await follow(site, "/events?after=0")
    messages = await follower.until(lambda message: message.id == last)

    assert len(messages) == int(last) > 700


async def test_all_events_begin_now_unless_asked_otherwise(site, follow):
    """A dashboard that opens does not want the whole past."""
    await site.desk.submit()
    follower = await follow(site, "/events")
    await site.until(lambda: len(site.hub) == 1)
    second = await site.desk.submit()

    messages = await follower.until(lambda message: second.id in message.data)

    assert len(messages) == 1


async def test_until_resting_ends_with_the_event_that_brings_rest(site, follow):
    """The client needs no second request to know that it is over."""
    execution = await site.desk.submit()
    follower = await follow(site, f"/executions/{execution.id}/events?until=resting")
    await site.complete(execution.id)

    assert types(await follower.to_the_end())[-1] == "WORKFLOW_COMPLETED"


async def test_until_resting_ends_at_once_if_it_rests_already(site, follow):
    """With everything that led there, pauses that were answered on the way included."""
    execution = await site.desk.submit()
    await site.pause(execution.id)

    follower = await follow(site, f"/executions/{execution.id}/events?until=resting")

    assert types(await follower.to_the_end())[-1] == "WORKFLOW_PAUSED"


async def test_lines_for_those_who_want_lines(site):
    """NDJSON: one object a line, the same content."""
    execution = await site.desk.submit()
    await site.complete(execution.id)
    headers = {"Accept": "application/x-ndjson"}

    response = await site.session.get(f"/executions/{execution.id}/events?until=resting", headers=headers)

    assert response.content_type == "application/x-ndjson"
    lines = [json.loads(line) for line in (await response.text()).splitlines() if line]
    assert [(line["event"], line["id"], line["data"]["type"]) for line in lines] == [
        ("execution", 1, "WORKFLOW_QUEUED"),
        ("execution", 2, "WORKFLOW_STARTED"),
        ("execution", 3, "WORKFLOW_COMPLETED"),
    ]


async def test_a_run_can_be_streamed(site):
    """The stream of a run begins with the event that made it and ends with the one that ends it."""
    async with site.session.post("/workflows/default/work/run/stream", json=1) as response:
        execution = await site.submitted.get()
        await site.complete(execution.id)
        told = types(await Follower(response).to_the_end())

    assert response.headers["X-Execution-Id"] == execution.id
    assert (told[0], told[-1]) == ("WORKFLOW_QUEUED", "WORKFLOW_COMPLETED")


async def test_a_quiet_stream_shows_that_it_lives_and_moves_on(make_site, follow):
    """Heartbeats are comments; with them goes the position, so that coming back is cheap."""
    site = await make_site(heartbeat=0.01)
    execution = await site.desk.submit()
    other = await site.desk.submit()
    await site.complete(other.id)
    follower = await follow(site, f"/executions/{execution.id}/events")

    seen = b""
    while seen.count(b": still here") < 3:
        piece = await follower.response.content.readany()
        follower.parser.feed(piece)
        seen += piece

    assert follower.parser.last_id == str(site.hub.position)


async def test_a_reader_that_is_too_slow_is_told_and_goes_on(make_site, follow):
    """It loses its queue, not the connection; `reset` says from where it goes on."""
    site = await make_site(queue=20)
    follower = await follow(site, "/events")
    await site.until(lambda: len(site.hub) == 1)
    each = Submit(namespace="default", name="work", input=b"null", caller=CALLER)
    await site.desk.gate.write(executions.submit_many, [each] * 25)

    messages = await follower.until(lambda message: message.event == "reset")
    assert len(messages) == 1
    assert json.loads(messages[0].data)["position"] == int(messages[0].id) == 25
    later = await site.desk.submit()
    assert (await follower.until(lambda message: later.id in message.data))[-1].id == "26"


async def test_a_position_that_the_log_does_not_reach_is_reset(site, follow):
    """After a restore, or at another daemon, old positions mean nothing."""
    await site.desk.submit()

    follower = await follow(site, "/events", params={"after": "999"})
    messages = await follower.until(lambda message: True)

    assert (messages[0].event, messages[0].id) == ("reset", "1")


@pytest.mark.parametrize("position", ["x", "-1", "1.5", "9" * 30])
async def test_a_last_id_that_is_none_is_refused(site, position):
    """Guessing would lose events."""
    response = await site.session.get("/events", headers={"Last-Event-ID": position})

    assert response.status == 400
    assert "Last-Event-ID" in (await response.json(content_type=None))["detail"]


async def test_a_daemon_that_stops_says_goodbye(site, follow):
    """Readers know that they should come back, and do not take the end for the end of the execution."""
    execution = await site.desk.submit()
    follower = await follow(site, f"/executions/{execution.id}/events?until=resting")
    await site.until(lambda: len(site.hub) == 1)
    await site.server.close(5)

    messages = await follower.to_the_end()

    assert [message.event for message in messages] == ["execution", "bye"]
    assert messages[-1].id == "1"


async def test_what_one_may_not_see_any_more_is_not_streamed(site, follow):
    """Permissions hold as they are at each event, also in the middle of a stream."""
    key, account = await site.key(roles=("viewer",))
    follower = await follow(site, "/events?after=0", headers={"Authorization": f"Bearer {key}"})
    before = await site.desk.submit()
    await follower.until(lambda message: before.id in message.data)
    await site.desk.gate.write(principals.disable, account, THE_ADMIN)
    hidden = await site.desk.submit()
    await site.desk.gate.write(principals.enable, account, THE_ADMIN)
    after = await site.desk.submit()

    messages = await follower.until(lambda message: after.id in message.data)

    assert not [message for message in messages if hidden.id in message.data]


async def test_streams_of_one_principal_are_limited(make_site, follow):
    """One client that opens streams without end does not take the daemon down."""
    site = await make_site(streams=2)
    await follow(site, "/events")
    await follow(site, "/events")

    response = await site.session.get("/events")

    assert response.status == 429
    assert response.headers["Retry-After"] == "5"


async def test_a_client_that_leaves_is_forgotten(site, follow):
    """No reader stays behind, and the slot is free again."""
    follower = await follow(site, "/events")
    await site.until(lambda: len(site.hub) == 1)

    follower.response.close()

    await site.until(lambda: len(site.hub) == 0)


async def test_the_list_of_an_executions_events(site):
    """For programs that want them all at once, with payloads."""
    execution = await site.desk.submit()
    await steps(site, execution, 1)
    headers = {"Accept": "application/json"}

    path = f"/executions/{execution.id}/events"
    first = await (await site.session.get(path, params={"limit": "3"}, headers=headers)).json()
    rest = await (await site.session.get(path, params={"after": str(first["next_after"])}, headers=headers)).json()

    assert [event["sequence"] for event in first["items"] + rest["items"]] == [1, 2, 3, 4]
    assert rest["items"][-1]["payload"] == 1
    assert rest["next_after"] is None


async def test_a_stream_of_nothing_is_404(site):
    """The answer comes before the stream begins."""
    response = await site.session.get(f"/executions/{'0' * 26}/events")

    assert response.status == 404
