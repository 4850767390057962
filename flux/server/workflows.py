"""Workflows: what can be run, its source and versions, and registering more."""

import re
from typing import Final

from aiohttp import web

from flux.core.catalog import NAMESPACE
from flux.engine import queries
from flux.errors import Invalid, NotFound
from flux.server import answers, bodies, views
from flux.server.services import Upload, desk_of
from flux.wire.models import VersionQuery, from_query

_FILE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}\.py", re.ASCII)


async def listing(request: web.Request) -> web.Response:
    """Everything that the caller may see, and the files that do not load."""
    desk, caller = desk_of(request)
    errors = desk.gate.read(queries.load_errors, caller)
    found = desk.gate.read(queries.workflows, caller)
    items = [views.workflow(version, errors) for version in found]
    return answers.document({"items": items, "load_errors": [views.load_error(error) for error in errors]})


async def show(request: web.Request) -> web.Response:
    """One workflow."""
    desk, caller = desk_of(request)
    found = desk.gate.read(queries.workflow, *_ref(request), caller)
    return answers.document(views.workflow(found, desk.gate.read(queries.load_errors, caller)))


async def source(request: web.Request) -> web.Response:
    """The source of the current version, or of the one asked for."""
    desk, caller = desk_of(request)
    number = from_query(VersionQuery, request.query.items()).version
    if number is None:
        version = desk.gate.read(queries.workflow, *_ref(request), caller)
    else:
        known = desk.gate.read(queries.versions, *_ref(request), caller)
        fitting = [one for one in known if one.number == number]
        if not fitting:
            raise NotFound(f"{known[0].ref} has no version {number}; the newest is {known[0].number}")
        version = fitting[0]
    return answers.document(views.source(version, desk.gate.read(queries.pinned, version.digest)))


async def versions(request: web.Request) -> web.Response:
    """All versions, newest first."""
    desk, caller = desk_of(request)
    namespace, name = _ref(request)
    found = desk.gate.read(queries.versions, namespace, name, caller)
    return answers.document(views.versions(found, desk.gate.live.catalog.get((namespace, name))))


async def register(request: web.Request) -> web.Response:
    """Register an uploaded file; the answer lists what it offers."""
    desk, caller = desk_of(request)
    upload = await bodies.read_upload(request)
    unknown = sorted(upload.fields.keys() - {"namespace"})
    if unknown:
        raise Invalid(f"the form has fields that mean nothing here: {', '.join(unknown)}; known is namespace")
    namespace = upload.fields.get("namespace") or None
    if namespace is not None and not NAMESPACE.match(namespace):
        raise Invalid(f"namespace {namespace[:60]!r} must match [a-z0-9][a-z0-9_-]*")
    if not _FILE.fullmatch(upload.name):
        raise Invalid(f"the file must be called something.py, without a folder, got {upload.name[:60]!r}")
    wish = Upload(name=upload.name, content=upload.content, namespace=namespace, caller=caller)
    found = await desk.services.register(wish)
    items = [views.workflow(version) for version in found]
    return answers.document({"items": items, "load_errors": []}, 201)


def _ref(request: web.Request) -> tuple[str, str]:
    return request.match_info["namespace"], request.match_info["name"]
