"""Batches: many inputs of one workflow in one request, NDJSON in and NDJSON out, a line for a line.

The body is read whole first (it has the body limit), so that a client that sends everything before it
reads cannot block itself. Then each piece of it is one call of the gate, and its answers are sent
before the next piece is parsed: the executions of the first piece run while the last is still waiting.
A line that fails is answered by a problem and stops nobody. Empty lines are no inputs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import repeat
from typing import Final

from aiohttp import web

from flux import codec
from flux.core.execution import Execution
from flux.engine import executions
from flux.engine.executions import Submit
from flux.errors import Denied, FluxError, NotFound
from flux.server import bodies, problems, views
from flux.server.auth import REQUEST_ID
from flux.server.executions import submission
from flux.server.services import Desk, desk_of
from flux.wire import documents
from flux.wire.models import StartQuery, from_query

PIECE: Final = 512  # inputs to a commit: as many calls as the gate takes at once


async def run_batch(request: web.Request) -> web.StreamResponse:
    """Start one execution for each line of the body; answer each line in its order."""
    desk, _ = desk_of(request)
    each = submission(request, from_query(StartQuery, request.query.items()), None)
    lines = await bodies.read_lines(request)
    response = web.StreamResponse(headers={**documents.HEADERS, "Content-Type": documents.LINES})
    for start in range(0, max(len(lines), 1), PIECE):
        piece = enumerate(lines[start : start + PIECE], start + 1)
        outcomes = await _start(desk, [_wish(each, number, line) for number, line in piece])
        if start == 0:
            _refuse_whole(outcomes)
            await response.prepare(request)
        now = desk.now
        await response.write(b"".join(_line(outcome, request[REQUEST_ID], now) for outcome in outcomes))
    return response


def _refuse_whole(outcomes: Sequence[Execution | FluxError]) -> None:
    """Raise what refuses every line alike: one 403 or 404 says more than a thousand lines of it."""
    refused = [outcome for outcome in outcomes if isinstance(outcome, Denied | NotFound)]
    if refused and not any(isinstance(outcome, Execution) for outcome in outcomes):
        raise refused[0]


def _wish(each: Submit, number: int, line: bytes) -> Submit | FluxError:
    """What one line asks for, or why it is no input."""
    try:
        input = codec.encode(bodies.parse(line, f"line {number}"))
    except FluxError as exc:
        return exc
    return replace(each, input=input, key=None if each.key is None else f"{each.key}/{number}")


async def _start(desk: Desk, wishes: Sequence[Submit | FluxError]) -> list[Execution | FluxError]:
    """What became of each wish. If nothing can be written, nothing of this piece was."""
    commands = [wish for wish in wishes if isinstance(wish, Submit)]
    results: Iterator[Execution | FluxError]
    try:
        results = iter(await desk.gate.write(executions.submit_many, commands)) if commands else iter(())
    except FluxError as exc:
        results = repeat(exc)
    return [next(results) if isinstance(wish, Submit) else wish for wish in wishes]


def _line(outcome: Execution | FluxError, request_id: str, now: int) -> bytes:
    if isinstance(outcome, Execution):
        return documents.encode_line(views.accepted(outcome, now))
    return documents.encode_line(problems.of_error(outcome, request_id))
