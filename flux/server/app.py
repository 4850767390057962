"""The application: the table of routes, and the frame around every request.

The frame gives each request an id, turns every error into a problem, and lets no exception through to
the framework, whose own answers are text. Inside of it, `auth.Porter` finds out who is calling.
"""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from flux.errors import FluxError
from flux.ids import new_ulid
from flux.server import access_routes, batch, bodies, events, executions, problems, system, workflows
from flux.server.auth import REQUEST_ID, Porter
from flux.server.services import DESK, Desk, Services
from flux.wire import routes
from flux.wire.routes import Route

TABLE: Final[tuple[tuple[Route, Handler], ...]] = (
    (routes.RUN_SYNC, executions.run_sync),  # first: the framework looks from top to bottom
    (routes.RUN, executions.run),
    (routes.RUN_ASYNC, executions.run),
    (routes.RUN_BATCH, batch.run_batch),
    (routes.RUN_STREAM, executions.run_stream),
    (routes.WORKFLOWS, workflows.listing),
    (routes.REGISTER, workflows.register),
    (routes.WORKFLOW, workflows.show),
    (routes.SOURCE, workflows.source),
    (routes.VERSIONS, workflows.versions),
    (routes.EXECUTION, executions.show),
    (routes.EXECUTIONS, executions.listing),
    (routes.RESUME, executions.resume),
    (routes.CANCEL, executions.cancel),
    (routes.TASKS, executions.tasks),
    (routes.LOGS, executions.logs),
    (routes.OUTPUT, executions.output),
    (routes.EXECUTION_EVENTS, events.of_one),
    (routes.EVENTS, events.of_all),
    (routes.STATS, system.stats),
    (routes.INFO, system.info),
    (routes.LIVEZ, system.livez),
    (routes.READYZ, system.readyz),
    (routes.WHOAMI, system.whoami),
    (routes.PROBLEM, system.problem),
    *access_routes.TABLE,
)


def make_app(services: Services) -> web.Application:
    """The application that answers the API with these services."""
    porter = Porter(services.authenticator, services.door, services.clock)
    app = web.Application(
        middlewares=[_frame(services), porter.middleware],
        client_max_size=bodies.MAX_BODY,
    )
    app[DESK] = Desk.of(services)
    for route, handler in TABLE:
        app.router.add_route(route.method, route.path, handler)
    return app


def _frame(services: Services) -> Middleware:
    clock = services.clock

    @web.middleware
    async def frame(request: web.Request, handler: Handler) -> web.StreamResponse:
        request_id = request[REQUEST_ID] = new_ulid(clock.now())
        try:
            response = await handler(request)
        except (FluxError, web.HTTPException) as exc:
            return _refusal(exc, request_id)
        except ConnectionError:
            raise  # the client has gone; there is nobody to tell
        except Exception as exc:  # one request that fails must not end the daemon
            response = problems.response(problems.of_fault(exc, request_id))
        if not response.prepared:
            response.headers["X-Request-Id"] = request_id
        return response

    return frame


def _refusal(exc: FluxError | web.HTTPException, request_id: str) -> web.StreamResponse:
    if isinstance(exc, FluxError):
        return problems.response(problems.of_error(exc, request_id))
    return problems.response(problems.of_framework(exc, request_id), exc.headers.get("Allow"))
