"""The asynchronous client, against a real server."""

import asyncio
from contextlib import aclosing

import pytest

from flux.client import FluxClient
from flux.client.blocking import SyncClient
from flux.errors import Conflict, Invalid, NotFound, Unreachable, WrongState
from tests.client.strangers import stranger


async def test_a_run_waits_until_the_execution_rests(site, client):
    """One call from the input to the output."""
    running = asyncio.create_task(client.run("work", {"order": 7}, labels={"env": "test"}))
    execution = await site.submitted.get()
    await site.complete(execution.id, b'{"total":3}')

    found = await running

    assert (found["state"], found["output"], found["labels"]) == ("COMPLETED", {"total": 3}, {"env": "test"})


async def test_a_run_with_a_timeout_gives_what_is_there_by_then(site, client):
    """The execution goes on; its id is in the answer."""
    found = await client.run("default/work", timeout=0.05)

    assert found["state"] == "QUEUED"


async def test_submit_wait_resume_cancel(site, client):
    """What a program does with an execution, step by step."""
    made = await client.submit("work", 1)
    waiting = asyncio.create_task(client.wait(made["execution_id"]))
    await site.until(lambda: len(site.waits) == 1)
    await site.pause(made["execution_id"])

    assert (await waiting)["state"] == "PAUSED"
    assert (await client.resume(made["execution_id"], True))["pauses"] == []
    assert (await client.cancel(made["execution_id"]))["outcome"] == "accepted"


async def test_many_inputs_go_in_one_request(site, client):
    """An answer for each input, in order."""
    answers = [answer async for answer in client.submit_many("work", range(50))]

    keys = [site.desk.gate.live.executions[answer["execution_id"]].key for answer in answers]
    assert keys == sorted(keys)
    assert len(keys) == 50


async def test_everything_can_be_looked_at(site, client):
    """Each look is one method."""
    execution = await site.desk.submit()
    await site.complete(execution.id, b"7")

    assert (await client.execution(execution.id[-8:]))["execution_id"] == execution.id
    assert (await client.executions(workflow="default/work"))["count"] == 1
    assert await client.output(execution.id) == 7
    assert await client.tasks(execution.id) == []
    assert (await client.logs(execution.id))["next_after"] == 0
    assert [event["sequence"] async for event in client.history(execution.id)] == [1, 2, 3]
    assert [one["ref"] for one in (await client.workflows())["items"]] == ["default/work"]
    assert (await client.workflow("work"))["name"] == "work"
    assert (await client.source("work", version=1))["entry"] == "work.py"
    assert len(await client.versions("work")) == 1
    assert (await client.info())["name"] == "fluxd"
    assert (await client.stats())["position"] == 3
    assert (await client.whoami())["method"] == "peer"
    assert await client.is_ready()
    assert [one["name"] for one in await client.register("a.py", b"x = 1")] == ["uploaded"]


async def test_refusals_are_raised_as_the_errors_that_they_were(site, client):
    """The classes of the daemon are the classes of the client, with their facts."""
    execution = await site.desk.submit()
    await client.submit("work", 1, key="k")

    with pytest.raises(NotFound):
        await client.execution("0" * 26)
    with pytest.raises(WrongState) as refused:
        await client.resume(execution.id)
    with pytest.raises(Conflict):
        await client.submit("work", 2, key="k")
    with pytest.raises(Invalid):
        await client.executions(states=["DONE"])

    assert refused.value.facts["allowed"] == ["cancel"]


async def test_events_are_followed_until_the_execution_rests(site, client):
    """The stream ends by itself, with the last event delivered."""
    execution = await site.desk.submit()

    async def follow():
        return [update async for update in client.events(execution.id, until_resting=True)]

    following = asyncio.create_task(follow())
    await site.until(lambda: len(site.hub) == 1)
    await site.complete(execution.id)

    types = [update.data["type"] for update in await following]
    assert types == ["WORKFLOW_QUEUED", "WORKFLOW_STARTED", "WORKFLOW_COMPLETED"]


async def test_all_executions_can_be_followed_across_a_restart(site, client):
    """A client that follows everything misses nothing of what happens while the daemon is away."""
    first = await site.desk.submit()
    async with aclosing(client.events(after=0)) as updates:
        before = await anext(updates)
        await site.restart()
        second = await site.desk.submit()
        after = [update async for update in the_next(updates, 2)]

    assert before.data["execution_id"] == first.id
    assert [(update.event, update.data.get("execution_id")) for update in after] == [
        ("bye", None),
        ("execution", second.id),
    ]


async def the_next(updates, number):
    """The next so many updates."""
    for _ in range(number):
        yield await anext(updates)


async def test_without_reconnecting_the_goodbye_is_the_end(site, client):
    """Whoever wants to show that the daemon is away follows without coming back by himself."""
    updates = client.events(reconnect=False)
    following = asyncio.create_task(anext(updates))
    await site.until(lambda: len(site.hub) == 1)
    await site.restart()

    assert (await following).event == "bye"
    with pytest.raises(StopAsyncIteration):
        await anext(updates)


async def test_a_run_can_be_followed(site, client):
    """The first update tells the id, the last the end."""

    async def follow():
        return [update async for update in client.stream("work", 1)]

    following = asyncio.create_task(follow())
    execution = await site.submitted.get()
    await site.complete(execution.id)

    updates = await following
    assert updates[0].data["execution_id"] == execution.id
    assert updates[-1].data["state"] == "COMPLETED"


async def test_where_nobody_listens_is_said_with_what_to_do(tmp_path):
    """Address, reason, and the next step."""
    async with FluxClient(f"unix:{tmp_path}/none.sock") as client:
        with pytest.raises(Unreachable, match="no such socket") as refused:
            await client.info()

    assert "flux dev" in str(refused.value.facts["hint"])


@pytest.mark.parametrize(
    ("bytes_", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", "broke off|cannot be reached"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "broke off|cannot be reached"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", "status 500 is no Flux daemon"),
    ],
    ids=["half an answer", "no HTTP", "no problem document"],
)
async def test_strangers_are_unreachable(short, bytes_, words):
    """Whatever answers at the address, the error is one of ours."""
    async with stranger(short / "s.sock", bytes_) as url, FluxClient(url) as client:
        with pytest.raises(Unreachable, match=words):
            await client.info()


def test_the_blocking_client_is_one_word_away():
    """For scripts and notebooks without an event loop."""
    client = FluxClient.sync("http://127.0.0.1:1")

    assert isinstance(client, SyncClient)
    assert client.url == "http://127.0.0.1:1"
