"""Events: of one execution or of all, as a stream, or of one as a list."""

from aiohttp import web

from flux.engine import queries
from flux.errors import Invalid
from flux.server import answers, executions, views
from flux.server.services import desk_of
from flux.server.streams import Follow, follow, position_after
from flux.wire import documents, sse
from flux.wire.models import EventsQuery, from_query


async def of_all(request: web.Request) -> web.StreamResponse:
    """What happens from now on, or since a position, in every execution that the caller may see."""
    desk, _ = desk_of(request)
    wish = from_query(EventsQuery, request.query.items())
    if wish.until is not None:
        raise Invalid("until=resting needs one execution: ask for /executions/{id}/events")
    after = position_after(request, wish.after)
    return await follow(request, Follow(after=desk.hub.position if after is None else after))


async def of_one(request: web.Request) -> web.StreamResponse:
    """The events of one execution from its beginning, or since a position; a list if the client wants JSON."""
    wish = from_query(EventsQuery, request.query.items())
    after = position_after(request, wish.after) or 0
    accept = request.headers.get("Accept", "")
    if documents.JSON in accept and documents.LINES not in accept and sse.CONTENT_TYPE not in accept:
        return _listing(request, after, wish.limit)
    identity = executions.identity(request)
    return await follow(request, Follow(execution=identity, after=after, until_resting=wish.until is not None))


def _listing(request: web.Request, after: int, limit: int) -> web.Response:
    desk, caller = desk_of(request)
    identity = executions.identity(request)
    position, found = desk.gate.read(queries.events_after, after, caller, identity=identity, limit=limit)
    items = [views.event(owner, event) for owner, event in found]
    return answers.document({"items": items, "next_after": position if len(items) == limit else None})
