"""Problems: every error as an RFC 9457 document, and what each kind means.

`KINDS` is the one table from an error's code to its status; codes that are not in it are our fault,
are logged whole, and show as "internal error" with nothing but the request id. A document never
carries a stack, SQL, a path of this machine or a value of a user; of an error's facts only those in
`_SHOWN` leave the daemon.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from aiohttp import web

from flux.errors import FluxError
from flux.wire import documents
from flux.wire.shapes import Problem

_LOG = logging.getLogger("flux.server")
_RETRY_AFTER: Final = 1  # seconds, where the error does not say; a commit takes a thousandth of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a code means. `detail` replaces the error's own words where those could tell too much."""

    status: int
    title: str
    hint: str
    retryable: bool = False
    detail: str = ""


KINDS: Final[Mapping[str, Kind]] = {
    "invalid": Kind(status=400, title="Malformed request", hint="Change the request; asking again does not help."),
    "invalid_input": Kind(
        status=422, title="Invalid input", hint="Make the input fit the workflow's schema: see `errors`."
    ),
    "invalid_definition": Kind(
        status=422, title="Invalid definition", hint="Mend the file at the place that is named, then register it again."
    ),
    "invalid_permission": Kind(
        status=400,
        title="Malformed permission",
        hint="A permission is segments with colons between, for example workflow:billing:*:run.",
    ),
    "payload_type": Kind(status=422, title="Value cannot be kept", hint="Change the value at the path that is named."),
    "payload_too_large": Kind(
        status=413, title="Too large", hint="Keep the value elsewhere and send a reference to it: a path, a key, a URL."
    ),
    "unauthenticated": Kind(
        status=401,
        title="Not authenticated",
        hint="Send `Authorization: Bearer …` with an API key, or use the Unix socket.",
        detail="the request does not say who is calling in a way that can be trusted",
    ),
    "denied": Kind(status=403, title="Not allowed", hint="Ask an administrator for the permission that is named."),
    "not_found": Kind(
        status=404, title="Not found", hint="It does not exist, or you may not see it; lists show what you can see."
    ),
    "conflict": Kind(
        status=409, title="Conflict", hint="Somebody or something else was first: look again, then decide."
    ),
    "wrong_state": Kind(
        status=409, title="Not possible in this state", hint="Look at its state; one that has ended stays as it is."
    ),
    "version_gone": Kind(
        status=409, title="The workflow has changed", hint="Submit again; the new version is used.", retryable=True
    ),
    "busy": Kind(
        status=429, title="Too much waits already", hint="Come back after `retry_after` seconds.", retryable=True
    ),
    "storage": Kind(
        status=503,
        title="The database cannot be used",
        hint="Nothing was written. See the daemon's log.",
        retryable=True,
        detail="the database refused; nothing of this request was written",
    ),
    "disk_full": Kind(
        status=507,
        title="The disk is full",
        hint="Free some space on the daemon's disk; the same request will then do.",
        retryable=True,
        detail="nothing of this request was written",
    ),
    "storage_failed": Kind(
        status=503,
        title="The disk failed",
        hint="The daemon stops and recovers from disk. See its log.",
        retryable=True,
        detail="the disk refused a write or a sync; the daemon stops and recovers from disk",
    ),
    "internal": Kind(
        status=500,
        title="Internal error",
        hint="This is a fault of Flux, not of the request. The daemon's log has it under this request id.",
        detail="internal error",
    ),
    "no_route": Kind(
        status=404, title="No such route", hint="Check the path: for example /workflows/{namespace}/{name}/run."
    ),
    "method_not_allowed": Kind(
        status=405, title="Method not allowed", hint="`allowed` names the methods of this path."
    ),
    "too_slow": Kind(
        status=408,
        title="The request came too slowly",
        hint="Send the whole body at once; larger values belong elsewhere.",
        retryable=True,
    ),
    "unsupported_media_type": Kind(
        status=415, title="Unsupported media type", hint="Send JSON with the header `Content-Type: application/json`."
    ),
    "not_ready": Kind(status=503, title="Not ready", hint="Come back after `Retry-After` seconds.", retryable=True),
    "malformed_http": Kind(
        status=400,
        title="Malformed HTTP",
        hint="What arrived is not HTTP/1.1. Check the client, and whether it speaks TLS to a port without.",
        detail="the request breaks the grammar of HTTP",
    ),
}
_BY_STATUS: Final[Mapping[int, str]] = {
    404: "no_route",
    405: "method_not_allowed",
    408: "too_slow",
    413: "payload_too_large",
    415: "unsupported_media_type",
    503: "not_ready",
}
_SHOWN: Final = {
    "errors": "errors",
    "missing_permissions": "missing_permissions",
    "execution": "execution_id",
    "state": "state",
    "allowed": "allowed",
    "suggestions": "suggestions",
    "retry_after": "retry_after",
    "outcome": "outcome",
    "hint": "hint",
}


def problem(code: str, detail: str, request_id: str, facts: Mapping[str, object] | None = None) -> Problem:
    """The document for an error with this code."""
    kind = KINDS[code]
    shown = {_SHOWN[key]: value for key, value in (facts or {}).items() if key in _SHOWN and value is not None}
    found = {
        "type": f"/problems/{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.detail or detail or kind.title,
        "code": code,
        "hint": kind.hint,
        "request_id": request_id,
        "retryable": kind.retryable,
        **shown,
    }
    return cast(Problem, found)  # the table above is the only source of its keys


def of_error(error: FluxError, request_id: str) -> Problem:
    """The document for one of our errors; one that nobody should see is logged and shows as internal."""
    if error.code not in KINDS or error.code == "internal":
        return of_fault(error, request_id)
    if KINDS[error.code].status >= 500:
        _LOG.error("request %s: %s", request_id, error)
    return problem(error.code, str(error), request_id, error.facts)


def of_fault(fault: BaseException, request_id: str) -> Problem:
    """The document for an error that nobody foresaw. The log has all of it, the caller nothing."""
    _LOG.error("request %s failed in a way nobody foresaw", request_id, exc_info=fault)
    return problem("internal", "", request_id)


def of_framework(refusal: web.HTTPException, request_id: str) -> Problem:
    """The document for what the framework refused before or while a handler ran."""
    code = _BY_STATUS.get(refusal.status)
    if code is None:
        return (
            of_fault(refusal, request_id) if refusal.status >= 500 else problem("invalid", refusal.reason, request_id)
        )
    if isinstance(refusal, web.HTTPMethodNotAllowed):
        allowed = sorted(refusal.allowed_methods)
        detail = f"{refusal.method} is not possible here, only {', '.join(allowed)}"
        return problem(code, detail, request_id, {"allowed": allowed})
    if code == "no_route":
        return problem(code, "no route of the API has this path", request_id)
    return problem(code, _DETAILS.get(code) or refusal.reason, request_id)


_DETAILS: Final = {"payload_too_large": "the body is larger than the limit of this route"}


def response(found: Problem, allow: str | None = None) -> web.Response:
    """The answer that carries the document."""
    headers = {**documents.HEADERS, "Content-Type": documents.PROBLEM, "X-Request-Id": found["request_id"]}
    if found["status"] == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if found["status"] in (429, 503, 507):
        headers["Retry-After"] = str(round(found.get("retry_after", _RETRY_AFTER)))
    if allow:
        headers["Allow"] = allow
    return web.Response(status=found["status"], body=documents.encode(found), headers=headers)


def page(slug: str) -> str | None:
    """What a kind of problem means, as text for the reader of its `type`; None: there is no such kind."""
    kind = KINDS.get(slug)
    if kind is None:
        return None
    again = "The same request may do later." if kind.retryable else "The same request will fail again."
    return f"{kind.title}\n\ncode    {slug}\nstatus  {kind.status}\n\n{kind.hint}\n{again}\n"
