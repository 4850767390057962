"""The daemon itself: what it is, whether it lives, what it does, who asks."""

import os
from typing import Final

from aiohttp import web

from flux.engine import queries
from flux.server import answers, problems, views
from flux.server.services import DESK, desk_of

API: Final = 1
FEATURES: Final = ("run", "batch", "streams", "register", "resume", "cancel")


async def info(request: web.Request) -> web.Response:
    """What answers here."""
    desk, _ = desk_of(request)
    version = desk.services.version
    return answers.document(
        {"name": "fluxd", "version": version, "api": API, "pid": os.getpid(), "features": list(FEATURES)}
    )


async def livez(request: web.Request) -> web.Response:
    """That the loop turns. Whoever asks need not say who he is."""
    return answers.document({"alive": True})


async def readyz(request: web.Request) -> web.Response:
    """Whether the daemon takes requests; the reason, if it does not."""
    desk = request.app[DESK]
    reason = "the daemon stops" if desk.hub.closing else desk.services.unready()
    if reason is not None:
        raise web.HTTPServiceUnavailable(reason=reason)
    return answers.document({"ready": True})


async def stats(request: web.Request) -> web.Response:
    """Where the executions stand, what the workers do, how much was written."""
    desk, caller = desk_of(request)
    counters = desk.gate.counters
    states = desk.gate.read(queries.states, caller)
    return answers.document(
        {
            "states": {str(state): number for state, number in states.items()},
            "workers": desk.services.workers(),
            "position": desk.hub.position,
            "written": {
                "commits": counters.commits,
                "calls": counters.calls,
                "events": counters.events,
                "failed": counters.failed,
            },
        }
    )


async def whoami(request: web.Request) -> web.Response:
    """Who the caller is, as the daemon sees it."""
    _, caller = desk_of(request)
    return answers.document(views.whoami(caller))


async def problem(request: web.Request) -> web.Response:
    """What a kind of problem means: the page that a problem's `type` leads to."""
    text = problems.page(request.match_info["slug"])
    if text is None:
        raise web.HTTPNotFound
    return web.Response(text=text)
