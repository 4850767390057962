"""The blocking client, against a real server."""

import pytest

from flux import codec
from flux.client.blocking import SyncClient
from flux.errors import Conflict, Invalid, NotFound, Unreachable, WrongState
from tests.client.strangers import stranger


async def test_a_run_waits_until_the_execution_rests(site, blocking):
    """One call from the input to the output."""
    running = blocking(lambda client: client.run("work", {"order": 7}, labels={"env": "test"}))
    execution = await site.submitted.get()
    await site.complete(execution.id, b'{"total":3}')

    found = await running

    assert (found["state"], found["output"], found["labels"]) == ("COMPLETED", {"total": 3}, {"env": "test"})


async def test_a_run_with_a_timeout_gives_what_is_there_by_then(site, blocking):
    """The execution goes on; its id is in the answer."""
    found = await blocking(lambda client: client.run("default/work", timeout=0.05))

    assert found["state"] == "QUEUED"
    assert site.desk.execution(found["execution_id"])


async def test_a_failed_execution_is_an_answer(site, blocking):
    """Only a refusal is raised; what the workflow did is returned."""
    running = blocking(lambda client: client.run("work"))
    execution = await site.submitted.get()
    await site.fail(execution.id, codec.encode_error(KeyError("x")))

    found = await running

    assert (found["state"], found["error"]["type"]) == ("FAILED", "KeyError")


async def test_submit_wait_and_output(site, blocking):
    """The three steps of a program that does something else in between."""
    made = await blocking(lambda client: client.submit("work", 1, key="k"))
    waiting = blocking(lambda client: client.wait(made["execution_id"]))
    await site.until(lambda: len(site.waits) == 1)
    await site.complete(made["execution_id"], b"42")

    assert (await waiting)["state"] == "COMPLETED"
    assert await blocking(lambda client: client.output(made["execution_id"])) == 42


async def test_many_inputs_go_in_one_request(site, blocking):
    """An answer for each input, in order; one commit for all of them."""
    before = site.desk.gate.counters.commits
    answers = await blocking(lambda client: list(client.submit_many("work", range(100))))

    rows = [site.desk.gate.live.executions[answer["execution_id"]] for answer in answers]
    assert [row.key for row in rows] == sorted(row.key for row in rows)
    assert len(rows) == 100
    assert site.desk.gate.counters.commits - before <= 2  # the batch, and at most the note of the visit


async def test_a_pause_is_answered_and_a_cancel_accepted(site, blocking):
    """What a person does with an execution."""
    execution = await site.desk.submit()
    await site.pause(execution.id)

    resumed = await blocking(lambda client: client.resume(execution.id, {"yes": True}, pause="approve"))
    cancelled = await blocking(lambda client: client.cancel(execution.id))

    assert resumed["pauses"] == []
    assert cancelled["outcome"] == "accepted"


async def test_everything_can_be_looked_at(site, blocking):
    """Each look is one method."""
    execution = await site.desk.submit()
    await site.complete(execution.id, b"1")

    assert (await blocking(lambda client: client.execution(execution.id[-8:])))["execution_id"] == execution.id
    assert (await blocking(lambda client: client.executions(states=["COMPLETED"], limit=1)))["count"] == 1
    assert await blocking(lambda client: client.tasks(execution.id)) == []
    assert (await blocking(lambda client: client.logs(execution.id)))["items"] == []
    history = await blocking(lambda client: list(client.history(execution.id)))
    assert [event["type"] for event in history] == ["WORKFLOW_QUEUED", "WORKFLOW_STARTED", "WORKFLOW_COMPLETED"]
    assert (await blocking(lambda client: client.workflows()))["items"][0]["ref"] == "default/work"
    assert (await blocking(lambda client: client.workflow("work")))["version"] == 1
    assert (await blocking(lambda client: client.source("work")))["files"] == {"work.py": ""}
    assert [one["current"] for one in await blocking(lambda client: client.versions("work"))] == [True]
    assert (await blocking(lambda client: client.info()))["version"] == "9.9"
    assert (await blocking(lambda client: client.stats()))["states"] == {"COMPLETED": 1}
    assert (await blocking(lambda client: client.whoami()))["subject"] == "admin"
    assert await blocking(lambda client: client.is_ready())


async def test_a_daemon_that_starts_is_not_ready(site, blocking):
    """Whether requests should come is a question with an answer, not an error."""
    site.unready = "the daemon starts"

    assert not await blocking(lambda client: client.is_ready())


async def test_a_file_is_registered(site, blocking):
    """Without the watched folder."""
    found = await blocking(lambda client: client.register("orders.py", b"x = 1\r\n--boundary", namespace="shop"))

    assert [one["ref"] for one in found] == ["shop/uploaded"]
    assert site.uploads[0].content == b"x = 1\r\n--boundary"


@pytest.mark.parametrize(
    ("what", "error"),
    [
        (lambda client: client.execution("0" * 26), NotFound),
        (lambda client: client.run("nothing"), NotFound),
        (lambda client: client.run("a/b/c"), Invalid),
        (lambda client: client.run("work", float("nan")), Invalid),
        (lambda client: client.executions(states=["DONE"]), Invalid),
    ],
    ids=["no execution", "no workflow", "no ref", "no JSON", "no state"],
)
async def test_a_refusal_is_raised_as_the_error_that_it_was(blocking, what, error):
    """The classes of the daemon are the classes of the client."""
    with pytest.raises(error):
        await blocking(what)


async def test_an_error_brings_its_facts(site, blocking):
    """State, what is possible, and the hint cross the wire."""
    execution = await site.desk.submit()

    with pytest.raises(WrongState, match="is QUEUED") as refused:
        await blocking(lambda client: client.output(execution.id))

    facts = refused.value.facts
    assert (facts["execution"], facts["state"]) == (execution.id, "QUEUED")
    assert "hint" in facts


async def test_events_are_followed_until_the_execution_rests(site, blocking):
    """The stream ends by itself, with the last event delivered."""
    execution = await site.desk.submit()
    following = blocking(lambda client: list(client.events(execution.id, until_resting=True)))
    await site.complete(execution.id)

    updates = await following

    types = [update.data["type"] for update in updates]
    assert types == ["WORKFLOW_QUEUED", "WORKFLOW_STARTED", "WORKFLOW_COMPLETED"]
    assert [update.position for update in updates] == sorted(update.position for update in updates)


async def test_a_run_can_be_followed(site, blocking):
    """The first update tells the id, the last the end."""
    following = blocking(lambda client: list(client.stream("work", 1)))
    execution = await site.submitted.get()
    await site.complete(execution.id)

    updates = await following

    assert updates[0].data["execution_id"] == execution.id
    assert updates[-1].data["state"] == "COMPLETED"


async def test_a_stream_goes_on_after_a_restart_of_the_daemon(site, blocking):
    """Whoever follows comes back by himself, and gets every event once."""
    execution = await site.desk.submit()
    following = blocking(lambda client: list(client.events(execution.id, until_resting=True)))
    await site.until(lambda: len(site.hub) == 1)
    await site.restart()
    await site.complete(execution.id)

    updates = await following

    told = [update.data["type"] for update in updates if update.event == "execution"]
    assert told == ["WORKFLOW_QUEUED", "WORKFLOW_STARTED", "WORKFLOW_COMPLETED"]
    assert "bye" in [update.event for update in updates]


async def test_a_wait_sits_out_a_restart_of_the_daemon(site, blocking):
    """The execution goes on after a restart, so its waiters do."""
    execution = await site.desk.submit()
    waiting = blocking(lambda client: client.wait(execution.id))
    await site.until(lambda: len(site.waits) == 1)
    await site.restart()
    await site.complete(execution.id)

    assert (await waiting)["state"] == "COMPLETED"


async def test_a_connection_that_was_closed_while_idle_is_not_used_again(site, blocking):
    """A request is not sent into a connection that the daemon has ended."""
    client_first = await blocking(lambda client: client.info())
    await site.restart()

    assert await blocking(lambda client: client.info()) == client_first


def test_where_nobody_listens_is_said_with_what_to_do(tmp_path):
    """Address, reason, and the next step."""
    client = SyncClient(f"unix:{tmp_path}/none.sock")

    with pytest.raises(Unreachable, match="there is no such socket") as refused:
        client.info()

    assert "flux dev" in str(refused.value.facts["hint"])


async def test_what_is_no_daemon_is_not_believed(short, blocking):
    """Another HTTP server at the address is told apart from a refusal of ours."""
    async with stranger(short / "s.sock", b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\n<html") as url:
        other = SyncClient(url)
        with pytest.raises(Unreachable, match="status 502 is no Flux daemon"):
            await blocking(lambda _: other.info())
        other.close()


async def test_an_answer_that_breaks_off_is_unreachable(short, blocking):
    """Half an answer is none."""
    async with stranger(short / "s.sock", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{") as url:
        other = SyncClient(url)
        with pytest.raises(Unreachable, match="broke off"):
            await blocking(lambda _: other.info())
        other.close()


async def test_the_same_key_with_another_input_is_a_conflict(blocking):
    """409 crosses the wire as Conflict."""
    await blocking(lambda client: client.submit("work", 1, key="k"))

    with pytest.raises(Conflict):
        await blocking(lambda client: client.submit("work", 2, key="k"))


def test_a_value_that_is_no_json_is_refused_before_it_is_sent():
    """The daemon is not even asked."""
    with pytest.raises(Invalid, match="no JSON value"):
        SyncClient("unix:/none").submit("work", {1, 2})
