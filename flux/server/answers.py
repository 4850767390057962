"""Answers: documents as responses, and the one way in which an execution is shown whole."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from flux.core.events import Event, EventType
from flux.core.execution import Execution, State
from flux.engine import queries
from flux.server import views
from flux.server.services import Desk
from flux.wire import documents
from flux.wire.shapes import ExecutionView, Json

_JSON: Final = {**documents.HEADERS, "Content-Type": documents.JSON}
_ASK_AGAIN: Final = "1"  # seconds; a wait that ran out was long already


def document(found: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """The document as an answer."""
    return web.Response(status=status, body=documents.encode(found), headers={**_JSON, **(headers or {})})


def accepted(execution: Execution, now: int, *, again: bool = False) -> web.Response:
    """202: the execution exists, and has not rested yet. `again`: the client waited, and should ask again."""
    headers = {"Location": views.location(execution), "X-Execution-Id": execution.id}
    if again:
        headers["Retry-After"] = _ASK_AGAIN
    return document(views.accepted(execution, now), 202, headers)


def execution(found: Execution, shown: ExecutionView) -> web.Response:
    """200: one execution, with a tag that changes when the execution does."""
    headers = {"Location": views.location(found), "X-Execution-Id": found.id, "ETag": tag(found)}
    return document(shown, 200, headers)


def tag(found: Execution) -> str:
    """The ETag of an execution. Weak, since `why` and `duration` also change while nothing happens."""
    return f'W/"{found.sequence}"'


def is_known(request: web.Request, found: Execution) -> bool:
    """Whether the client already has the execution as it is."""
    known = request.headers.get("If-None-Match")
    return known is not None and tag(found) in (part.strip() for part in known.split(","))


def whole(desk: Desk, found: Execution) -> ExecutionView:
    """An execution with input, labels, and its output or error, as the log has them."""
    input = views.value(desk.gate.read(queries.input_of, found))
    labels = desk.gate.read(queries.labels_of, found)
    return with_outcome(desk, found, input, labels)


def with_outcome(
    desk: Desk, found: Execution, input: Json, labels: Mapping[str, str], event: Event | None = None
) -> ExecutionView:
    """The same, where input and labels are known. `event`: what brought it to rest, if that was seen."""
    shown = views.whole(views.row(found, desk.now, desk.named), labels, input)
    if found.state is State.COMPLETED:
        seen = event is not None and event.type is EventType.WORKFLOW_COMPLETED
        payload = event.payload if event is not None and seen else desk.gate.read(queries.output_of, found)
        shown["output"] = views.value(payload)
    elif found.state is State.FAILED:
        payload = desk.gate.read(queries.error_of, found)
        shown["error"] = views.failure(payload, views.origin(payload, desk.gate.read(queries.tasks, found)))
    return shown
