"""Executions: run, resume, cancel, look.

A run is stored when it is answered. A client that waits and leaves ends the wait, not the execution;
when the wait runs out, or the daemon stops, the answer is 202 and the client asks again. PAUSED is an
answer too: nothing more happens until somebody resumes.
"""

import asyncio
from typing import Final

from aiohttp import web

from flux import codec
from flux.core.execution import RESTING, Execution, State
from flux.engine import executions, parked, queries
from flux.engine.executions import Cancel, Resume, Submit
from flux.errors import Invalid, NotFound, WrongState
from flux.ids import LENGTH
from flux.server import answers, bodies, views
from flux.server.services import Desk, desk_of
from flux.server.streams import Follow, follow
from flux.server.waits import Rested
from flux.wire.models import (
    ExecutionQuery,
    LogsQuery,
    PageQuery,
    ResumeBody,
    RunQuery,
    StartQuery,
    from_body,
    from_query,
)
from flux.wire.shapes import Json

MAX_KEY: Final = 200  # characters of an idempotency key
_DEFAULTS: Final = RunQuery.model_construct()  # not checked: a check would build its schema before anybody asks


async def run(request: web.Request) -> web.Response:
    """Start an execution and answer as soon as it is stored."""
    desk, _ = desk_of(request)
    execution = await desk.gate.write(executions.submit, await _submission(request))
    return answers.accepted(execution, desk.now)


async def run_sync(request: web.Request) -> web.Response:
    """Start an execution and answer when it rests, or when the wait runs out."""
    desk, caller = desk_of(request)
    options = _options(request)
    input = await bodies.read_json(request)
    command = submission(request, options, input)
    with desk.wait_slots.one(caller.principal.id):
        execution = await desk.gate.write(executions.submit, command)
        rested = await until_it_rests(desk, execution, options.wait)
    if rested is None:
        return answers.accepted(execution, desk.now, again=True)
    shown = answers.with_outcome(desk, rested.execution, input, command.labels, rested.event)
    return answers.execution(rested.execution, shown)


async def run_stream(request: web.Request) -> web.StreamResponse:
    """Start an execution and send its events until it rests. Who may not read it cannot follow it: nothing starts."""
    desk, caller = desk_of(request)
    command = await _submission(request)
    desk.gate.read(queries.workflow, command.namespace, command.name, caller)
    execution = await desk.gate.write(executions.submit, command)
    headers = {"Location": views.location(execution), "X-Execution-Id": execution.id}
    return await follow(request, Follow(execution=execution.id, after=0, until_resting=True), headers)


async def resume(request: web.Request) -> web.Response:
    """Answer a pause."""
    desk, caller = desk_of(request)
    body = await bodies.read_json(request)
    answer = ResumeBody() if body is None else from_body(ResumeBody, body)
    command = Resume(execution=identity(request), input=codec.encode(answer.input), caller=caller, pause=answer.pause)
    execution = await desk.gate.write(executions.resume, command)
    shown = views.row(execution, desk.now, desk.named)
    return answers.document(shown, 202, {"Location": views.location(execution)})


async def cancel(request: web.Request) -> web.Response:
    """Ask an execution to stop."""
    desk, caller = desk_of(request)
    found, outcome = await desk.gate.write(executions.cancel, Cancel(execution=identity(request), caller=caller))
    if outcome == "too_late":
        raise WrongState(
            f"execution {found.id} is {found.state} already: too late to cancel it",
            execution=found.id,
            state=found.state,
            allowed=[],
            outcome=outcome,
        )
    shown = {**views.row(found, desk.now, desk.named), "outcome": outcome}
    return answers.document(shown, 202, {"Location": views.location(found)})


async def show(request: web.Request) -> web.Response:
    """One execution, at once or as soon as it rests."""
    desk, caller = desk_of(request)
    found = look(request)
    wait = from_query(ExecutionQuery, request.query.items()).wait if request.query else 0
    if wait and found.state not in RESTING:
        with desk.wait_slots.one(caller.principal.id):
            await until_it_rests(desk, found, wait)
        found = look(request)
    if answers.is_known(request, found):
        return web.Response(status=304, headers={"ETag": answers.tag(found)})
    return answers.execution(found, answers.whole(desk, found))


async def listing(request: web.Request) -> web.Response:
    """One page of executions, newest first."""
    desk, caller = desk_of(request)
    wish = from_query(PageQuery, request.query.items())
    namespace, _, name = (wish.workflow or "").rpartition("/")
    if wish.namespace and namespace and namespace != wish.namespace:
        raise Invalid(f"workflow is in namespace {namespace}, but namespace says {wish.namespace}")
    query = queries.PageQuery(
        states=tuple(wish.state),
        namespace=namespace or wish.namespace,
        name=name or None,
        before=_key(wish.cursor),
        limit=wish.limit,
    )
    found = desk.gate.read(queries.page, query, caller)
    cursor = None if found.next is None else f"k{found.next}"
    return answers.document(views.page(found, cursor, desk.now, desk.named))


async def tasks(request: web.Request) -> web.Response:
    """The tasks of an execution."""
    desk, _ = desk_of(request)
    found = desk.gate.read(queries.tasks, look(request))
    return answers.document({"items": [views.task(task) for task in found]})


async def logs(request: web.Request) -> web.Response:
    """What an execution printed and logged, from a line onwards."""
    desk, _ = desk_of(request)
    wish = from_query(LogsQuery, request.query.items())
    lines = desk.gate.read(queries.logs_of, look(request), after=wish.after, limit=wish.limit)
    items = [views.log_line(line) for line in lines]
    return answers.document({"items": items, "next_after": items[-1]["id"] if items else wish.after})


async def output(request: web.Request) -> web.Response:
    """The output of a completed execution, bare."""
    desk, _ = desk_of(request)
    found = look(request)
    if found.state is not State.COMPLETED:
        raise WrongState(
            f"execution {found.id} is {found.state} and has no output",
            execution=found.id,
            state=found.state,
            hint="Only a completed execution has an output; show the execution for its error or its pauses.",
        )
    return answers.document(views.value(desk.gate.read(queries.output_of, found)))


async def _submission(request: web.Request) -> Submit:
    """The wish of a run request that waits for nothing."""
    options = from_query(StartQuery, request.query.items()) if request.query_string else _DEFAULTS
    return submission(request, options, await bodies.read_json(request))


def submission(request: web.Request, options: StartQuery, input: Json) -> Submit:
    """The wish to start the workflow that the path names."""
    _, caller = desk_of(request)
    return Submit(
        namespace=request.match_info["namespace"],
        name=request.match_info["name"],
        input=codec.encode(input),
        caller=caller,
        version=options.version,
        priority=options.priority,
        labels=options.labels(),
        key=_idempotency_key(request),
    )


def _idempotency_key(request: web.Request) -> str | None:
    """The key that makes a repeated request give the same execution.

    Raises:
        Invalid: it is empty or too long, or holds what no key should.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        raise Invalid(f"Idempotency-Key must be 1..{MAX_KEY} printable ASCII characters")
    return key


async def until_it_rests(desk: Desk, execution: Execution, seconds: float) -> Rested | None:
    """The execution at rest; None if it still moves after `seconds`, or the daemon stops."""
    future = desk.waits.expect(execution.id)
    try:
        # It may have come to rest between its commit and this line. Whoever started it may know how it ends,
        # without the right to read others: so this is no query with the caller's eyes.
        live = desk.gate.live.executions.get(execution.id)
        current = live or desk.gate.read(lambda reader, _: parked.load(reader, execution.id))
        if current.state in RESTING:
            return Rested(execution=current)
        async with asyncio.timeout(seconds):
            return await future
    except TimeoutError:
        return None
    finally:
        future.cancel()


def look(request: web.Request) -> Execution:
    """The execution that the path names, as it stands.

    Raises:
        NotFound: there is none, or none that the caller may see.
    """
    desk, caller = desk_of(request)
    return desk.gate.read(queries.execution, identity(request), caller)


def identity(request: web.Request) -> str:
    """The id in the path, which may be the beginning or the end of one."""
    desk, caller = desk_of(request)
    text = request.match_info["id"].upper()
    if len(text) > LENGTH:
        raise NotFound(f"there is no execution {text[:LENGTH]}…")
    return text if len(text) == LENGTH else desk.gate.read(queries.find, text, caller)


def _key(cursor: str | None) -> int:
    """The place in the list that a cursor of ours names; 0 for its begin."""
    if cursor is None:
        return 0
    digits = cursor.removeprefix("k")
    if digits == cursor or not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise Invalid("the cursor is none that a list has given as next_cursor")
    return int(digits)


def _options(request: web.Request) -> RunQuery:
    """How the execution is to be started. `Prefer: wait=` counts where the query does not say."""
    preferred = request.headers.get("Prefer")
    if not request.query_string and preferred is None:
        return _DEFAULTS
    given = list(request.query.items())
    for part in (preferred or "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "wait" and all(key != "wait" for key, _ in given):
            given.append(("wait", value))
    return from_query(RunQuery, given)
