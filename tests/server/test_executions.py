"""Running, resuming, cancelling and looking at executions over HTTP."""

import asyncio

import pytest

from flux import codec
from flux.core.events import EventType
from flux.core.execution import State
from tests.engine.desk import begin, end, fact

RUN = "/workflows/default/work/run"


async def answer(response, status):
    """The JSON of an answer that must have this status."""
    assert response.status == status, await response.text()
    return await response.json(content_type=None)


async def test_a_run_is_stored_when_it_is_answered(site):
    """202 means: it is durable, here is where to look."""
    response = await site.session.post(RUN, json={"order": 7}, params={"label": "env:prod", "priority": "5"})

    body = await answer(response, 202)
    stored = site.desk.execution(body["execution_id"])
    assert (stored.state, stored.priority) == (State.QUEUED, 5)
    assert response.headers["Location"] == body["status_url"] == f"/executions/{stored.id}"
    assert body["workflow"] == "default/work"
    assert body["state"] == "QUEUED"
    assert body["why"]


async def test_an_empty_body_is_null(site):
    """Running a workflow without an input needs no body and no content type."""
    body = await answer(await site.session.post(RUN), 202)

    shown = await answer(await site.session.get(body["status_url"]), 200)
    assert shown["input"] is None


async def test_a_synchronous_run_answers_with_the_output(site):
    """The answer comes with the commit that completes the execution, and holds it whole."""
    asking = asyncio.create_task(site.session.post(f"{RUN}/sync", json=[1, 2], params={"label": "a:b"}))
    execution = await site.submitted.get()
    await site.complete(execution.id, b'{"total":3}')

    response = await asking
    body = await answer(response, 200)
    assert (body["state"], body["output"], body["input"]) == ("COMPLETED", {"total": 3}, [1, 2])
    assert body["labels"] == {"a": "b"}
    assert body["finished_at"].endswith("Z")
    assert response.headers["X-Execution-Id"] == execution.id


async def test_a_synchronous_run_that_fails_says_why(site):
    """FAILED is an answer too: with type, message, traceback and the task it came from."""
    error = codec.encode_error(ValueError("no such order"))
    asking = asyncio.create_task(site.session.post(f"{RUN}/sync", json=None))
    execution = await site.submitted.get()
    granted = await site.desk.grant(execution.id)
    await site.desk.accept(site.desk.frame(granted, begins=(begin("charge#1", exempt=True),)))
    facts = (
        fact("charge#1", EventType.TASK_ATTEMPT_FAILED, payload=error),
        fact("charge#1", EventType.TASK_FAILED),
    )
    last = end(EventType.WORKFLOW_FAILED, payload=error)
    await site.desk.accept(site.desk.frame(granted, facts=facts, end=last))

    body = await answer(await asking, 200)
    assert body["state"] == "FAILED"
    assert body["error"]["type"] == "ValueError"
    assert body["error"]["message"] == "no such order"
    assert (body["error"]["task"], body["error"]["call_id"], body["error"]["attempts"]) == ("charge", "charge#1", 1)


async def test_a_pause_is_an_answer(site):
    """A synchronous run that pauses shows the question at once: nothing more happens without an answer."""
    asking = asyncio.create_task(site.session.post(f"{RUN}/sync", json=None))
    execution = await site.submitted.get()
    await site.pause(execution.id)

    body = await answer(await asking, 200)
    assert body["state"] == "PAUSED"
    assert [(pause["name"], pause["output"]) for pause in body["pauses"]] == [("approve", {"order": 7})]


async def test_a_wait_that_runs_out_is_answered_202(site):
    """The execution goes on; the client is told when to ask again."""
    response = await site.session.post(f"{RUN}/sync", json=None, params={"wait": "50ms"})

    body = await answer(response, 202)
    assert response.headers["Retry-After"] == "1"
    assert site.desk.execution(body["execution_id"]).state is State.QUEUED


async def test_prefer_wait_counts_like_the_parameter(site):
    """RFC 7240 clients need not know our parameter."""
    response = await site.session.post(f"{RUN}/sync", json=None, headers={"Prefer": "respond-async, wait=0"})

    assert response.status == 202


async def test_a_client_that_leaves_ends_the_wait_and_nothing_else(site):
    """The execution of a client that hangs up is not cancelled, and its wait leaves no trace."""
    asking = asyncio.create_task(site.session.post(f"{RUN}/sync", json=None))
    execution = await site.submitted.get()
    await site.until(lambda: len(site.waits) == 1)

    asking.cancel()
    await site.until(lambda: len(site.waits) == 0)

    assert site.desk.execution(execution.id).state is State.QUEUED


async def test_the_same_key_gives_the_same_execution(site):
    """A request that is repeated because its answer was lost does not start anything twice."""
    headers = {"Idempotency-Key": "order-7"}
    first = await answer(await site.session.post(RUN, json=1, headers=headers), 202)
    again = await answer(await site.session.post(RUN, json=1, headers=headers), 202)
    other = await answer(await site.session.post(RUN, json=2, headers=headers), 409)

    assert again["execution_id"] == first["execution_id"]
    assert other["code"] == "conflict"


async def test_a_repeated_synchronous_run_finds_what_has_ended(site):
    """Whoever asks again with the same key after the end gets the end."""
    headers = {"Idempotency-Key": "k"}
    first = await answer(await site.session.post(RUN, json=1, headers=headers), 202)
    await site.complete(first["execution_id"], b'"done"')

    body = await answer(await site.session.post(f"{RUN}/sync", json=1, headers=headers), 200)
    assert (body["execution_id"], body["output"]) == (first["execution_id"], "done")


async def test_a_key_that_is_too_long_is_refused(site):
    """Keys are stored: they have a bound."""
    response = await site.session.post(RUN, json=1, headers={"Idempotency-Key": "x" * 201})

    assert "1..200" in (await answer(response, 400))["detail"]


async def test_a_workflow_that_is_not_there_is_404(site):
    """The path names what is missing; nothing is stored."""
    body = await answer(await site.session.post("/workflows/default/nothing/run", json=1), 404)

    assert body["code"] == "not_found"
    assert "default/nothing" in body["detail"]
    assert not site.desk.gate.live.executions


async def test_a_resume_answers_the_pause(site):
    """The execution goes on with the input."""
    execution = await site.desk.submit()
    await site.pause(execution.id)

    response = await site.session.post(f"/executions/{execution.id}/resume", json={"input": {"yes": True}})

    body = await answer(response, 202)
    assert body["execution_id"] == execution.id
    assert body["pauses"] == []
    assert site.desk.execution(execution.id).state is not State.PAUSED


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"input": 1, "pause": "other"}, 404, "no open pause"),
        ({"inputs": 1}, 400, "did you mean input?"),
        ([1], 400, "must be an object"),
    ],
    ids=["another pause", "a typo", "no object"],
)
async def test_a_resume_that_does_not_fit_is_refused(site, body, status, words):
    """The pause stays open."""
    execution = await site.desk.submit()
    await site.pause(execution.id)

    problem = await answer(await site.session.post(f"/executions/{execution.id}/resume", json=body), status)

    assert words in problem["detail"]
    assert site.desk.execution(execution.id).state is State.PAUSED


async def test_a_resume_of_something_that_waits_for_nothing_is_409(site):
    """The problem names the state and what is possible in it."""
    execution = await site.desk.submit()

    problem = await answer(await site.session.post(f"/executions/{execution.id}/resume"), 409)

    assert problem["code"] == "wrong_state"
    assert (problem["state"], problem["allowed"]) == ("QUEUED", ["cancel"])
    assert problem["execution_id"] == execution.id


async def test_a_cancel_is_accepted_or_too_late(site):
    """The answer says what happened."""
    execution = await site.desk.submit()
    first = await answer(await site.session.post(f"/executions/{execution.id}/cancel"), 202)
    late = await answer(await site.session.post(f"/executions/{execution.id}/cancel"), 409)

    assert (first["outcome"], first["state"]) == ("accepted", "CANCELLED")
    assert (late["code"], late["outcome"], late["state"]) == ("wrong_state", "too_late", "CANCELLED")


async def test_one_execution_is_shown_whole(site):
    """Input, labels, output and everything a list shows."""
    made = await answer(await site.session.post(RUN, json={"a": 1}, params={"label": "x:y"}), 202)
    await site.complete(made["execution_id"], codec.encode({"when": (1, 2)}))

    shown = await answer(await site.session.get(made["status_url"]), 200)

    assert shown["output"] == {"when": [1, 2]}
    assert (shown["input"], shown["labels"]) == ({"a": 1}, {"x": "y"})
    assert (shown["namespace"], shown["name"], shown["principal"]) == ("default", "work", "admin")
    assert "error" not in shown


async def test_what_has_not_changed_is_not_sent_again(site):
    """If-None-Match with the tag of the last answer: 304 until something happens."""
    execution = await site.desk.submit()
    first = await site.session.get(f"/executions/{execution.id}")
    headers = {"If-None-Match": first.headers["ETag"]}

    same = await site.session.get(f"/executions/{execution.id}", headers=headers)
    await site.desk.grant(execution.id)
    other = await site.session.get(f"/executions/{execution.id}", headers=headers)

    assert (same.status, other.status) == (304, 200)


async def test_a_look_with_a_wait_answers_when_the_execution_rests(site):
    """One request instead of polling."""
    execution = await site.desk.submit()
    looking = asyncio.create_task(site.session.get(f"/executions/{execution.id}", params={"wait": "30"}))
    await site.until(lambda: len(site.waits) == 1)

    await site.complete(execution.id)

    assert (await answer(await looking, 200))["state"] == "COMPLETED"


@pytest.mark.parametrize("part", [slice(0, 20), slice(-6, None)], ids=["its begin", "its end"])
async def test_an_execution_is_found_by_a_part_of_its_id(site, part):
    """People paste what they see."""
    execution = await site.desk.submit()

    shown = await answer(await site.session.get(f"/executions/{execution.id[part].lower()}"), 200)

    assert shown["execution_id"] == execution.id


async def test_a_part_that_fits_two_is_a_conflict(site):
    """Nobody guesses which one was meant."""
    first = await site.desk.submit()
    await site.desk.submit()

    problem = await answer(await site.session.get(f"/executions/{first.id[:9]}"), 409)

    assert "more than one" in problem["detail"]


async def test_a_list_comes_in_pages(site):
    """Newest first; the cursor leads on; the last page has none."""
    made = [(await site.desk.submit()).id for _ in range(5)]

    first = await answer(await site.session.get("/executions", params={"limit": "3"}), 200)
    second = await answer(
        await site.session.get("/executions", params={"limit": "3", "cursor": first["next_cursor"]}), 200
    )

    shown = [row["execution_id"] for row in first["items"] + second["items"]]
    assert shown == made[::-1]
    assert (first["count"], second["next_cursor"]) == (5, None)
    assert first["position"] == 5
    assert "input" not in first["items"][0]


async def test_a_list_can_be_narrowed(site):
    """By state and by workflow."""
    await site.desk.register("work", "other")
    done = await site.desk.submit()
    await site.complete(done.id)
    await site.desk.submit()
    await site.desk.submit("other")

    completed = await answer(await site.session.get("/executions?state=completed,failed"), 200)
    others = await answer(await site.session.get("/executions?workflow=default/other"), 200)

    assert [row["execution_id"] for row in completed["items"]] == [done.id]
    assert [row["name"] for row in others["items"]] == ["other"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("q=state:FAILED", "there is no such parameter"),
        ("state=DONE", "must be one of"),
        ("limit=0", "at least 1"),
        ("cursor=abc", "the cursor is none"),
        ("workflow=a/b&namespace=c", "namespace"),
    ],
)
async def test_a_list_with_a_wrong_parameter_is_400(site, query, words):
    """A filter that is ignored would show the wrong thing as the right one."""
    problem = await answer(await site.session.get(f"/executions?{query}"), 400)

    assert words in problem["detail"]


async def test_tasks_are_shown_with_their_attempts(site):
    """Arguments, result, duration, and every failed attempt's error."""
    execution = await site.desk.submit()
    granted = await site.desk.grant(execution.id)
    begins = (begin("step#1", exempt=True),)
    await site.desk.accept(site.desk.frame(granted, begins=begins))
    await site.desk.accept(site.desk.frame(granted, facts=(fact("step#1", payload=b'"ok"'),)))

    found = await answer(await site.session.get(f"/executions/{execution.id}/tasks"), 200)

    (task,) = found["items"]
    assert (task["call_id"], task["name"], task["state"], task["output"]) == ("step#1", "step", "COMPLETED", "ok")
    assert task["input"] == {"args": [], "kwargs": {}}
    assert [attempt["number"] for attempt in task["attempts"]] == [1]


async def test_the_output_alone_is_the_value(site):
    """Bare, for programs that want nothing else; 409 as long as there is none."""
    execution = await site.desk.submit()
    early = await answer(await site.session.get(f"/executions/{execution.id}/output"), 409)
    await site.complete(execution.id, b"[1,2]")

    assert early["code"] == "wrong_state"
    assert await answer(await site.session.get(f"/executions/{execution.id}/output"), 200) == [1, 2]
