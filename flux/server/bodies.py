"""Bodies: what clients send, read within limits and parsed without forgiveness.

JSON here is RFC 8259 and nothing else: UTF-8, no NaN, no number that only fits as infinity, no key
twice (two readers could see two different values), no deeper than a value can be kept. An empty body
is null. What is refused says where.

The body limit of a request is the application's (`client_max_size`); only bodies that are read in
parts, such as uploaded files, count for themselves.
"""

import asyncio
import json
import math
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, NoReturn

from aiohttp import BodyPartReader, web

from flux.codec import MAX_DEPTH
from flux.errors import Invalid, PayloadTooLarge
from flux.server.services import DESK
from flux.wire import documents
from flux.wire.shapes import Json

MAX_BODY: Final = 16 * 1024 * 1024
MAX_UPLOAD: Final = 64 * 1024 * 1024  # of registered files
MAX_LINES: Final = 100_000  # of one batch; as many executions as a queue may hold

_LINE_TYPES: Final = frozenset({documents.LINES, "application/ndjson", "application/jsonl", documents.JSON})


async def read_json(request: web.Request) -> Json:
    """The value in the body; None for an empty body.

    Raises:
        Invalid: it is not JSON, with the place.
        HTTPUnsupportedMediaType: it says that it is something else.
        HTTPRequestEntityTooLarge: it is above the limit.
    """
    raw = await _read(request)
    if not raw:
        return None
    if request.content_type != documents.JSON and not request.content_type.endswith("+json"):
        raise _unsupported(request, documents.JSON)
    return parse(raw)


async def read_lines(request: web.Request) -> list[bytes]:
    """The lines of an NDJSON body that hold something, unparsed and in order."""
    raw = await _read(request)
    if raw and request.content_type not in _LINE_TYPES:
        raise _unsupported(request, documents.LINES)
    lines = [line for line in raw.split(b"\n") if line and not line.isspace()]
    if len(lines) > MAX_LINES:
        raise PayloadTooLarge(f"a batch holds at most {MAX_LINES:,} lines, got {len(lines):,}: send several")
    return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One uploaded file and the form's other fields."""

    name: str
    content: bytes
    fields: Mapping[str, str]


async def read_upload(request: web.Request) -> Upload:
    """The file and the fields of a multipart body.

    Raises:
        Invalid: there is no file, more than one, or the grammar is broken.
        HTTPRequestTimeout: it came too slowly, as for every body.
        PayloadTooLarge: the parts together are above MAX_UPLOAD.
    """
    if request.content_type != "multipart/form-data":
        raise _unsupported(request, "multipart/form-data")
    async with _in_time(request):
        return await _upload(request)


async def _upload(request: web.Request) -> Upload:
    files: list[tuple[str, bytes]] = []
    fields: dict[str, str] = {}
    left = MAX_UPLOAD
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise Invalid("the upload holds parts inside parts: send one file")
            content = await _read_part(part, left)
            left -= len(content)
            if part.filename is not None:
                files.append((part.filename, content))
            elif part.name is not None:
                fields[part.name] = content.decode("utf-8")
    except ValueError as exc:
        raise Invalid("the body is not multipart/form-data as it should be") from exc
    if len(files) != 1:
        raise Invalid(f"an upload holds one file, as a part with a file name; got {len(files)}")
    return Upload(name=files[0][0], content=files[0][1], fields=fields)


async def _read(request: web.Request) -> bytes:
    if request.content.is_eof():
        return await request.read()  # all of it came with the header, as small bodies do
    async with _in_time(request):
        return await request.read()


@asynccontextmanager
async def _in_time(request: web.Request) -> AsyncIterator[None]:
    """A block that ends with 408 if the client sends too slowly: it must not hold a connection for ever."""
    seconds = request.app[DESK].services.limits.slowest_body
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise web.HTTPRequestTimeout(reason=f"the body did not arrive within {seconds:g} s") from None


async def _read_part(part: BodyPartReader, limit: int) -> bytes:
    content = bytearray()
    while piece := await part.read_chunk():
        content += piece
        if len(content) > limit:
            raise PayloadTooLarge(f"an upload holds at most {MAX_UPLOAD:,} bytes")
    return bytes(content)


def parse(raw: bytes, what: str = "the body") -> Json:
    """The value that `raw` spells.

    Raises:
        Invalid: it is not JSON; the message names line and column.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise Invalid(f"{what} is not UTF-8: byte 0x{raw[exc.start]:02x} at offset {exc.start}") from exc
    try:
        value = _READER.decode(text)
    except json.JSONDecodeError as exc:
        raise Invalid(f"{what} is not JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}") from exc
    except RecursionError as exc:
        raise _too_deep(what) from exc
    except _Refused as exc:
        raise Invalid(f"{what} {exc}") from exc
    except ValueError as exc:  # Python refuses to read numbers of more than 4,300 digits
        raise Invalid(f"{what} holds a number with too many digits") from exc
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        raise _too_deep(what)
    return value


class _Refused(Exception):
    """JSON by its grammar, but nothing that we take."""


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise _Refused(f"has the key {json.dumps(twice[:60])} twice in one object")
    return found


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _Refused(f"holds the number {text[:30]}, which is too large")
    return number


def _constant(word: str) -> NoReturn:
    raise _Refused(f"holds {word}, which is not JSON: use null or a text")


_READER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)


def _is_deeper(value: Json, limit: int) -> bool:
    """Whether containers are nested more than `limit` deep. Level by level, so that nothing recurses."""
    level = [value]
    for _ in range(limit):
        level = [inner for outer in level for inner in _elements(outer) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _elements(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep(what: str) -> Invalid:
    return Invalid(f"{what} is nested deeper than {MAX_DEPTH} levels: flatten it")


def _unsupported(request: web.Request, wanted: str) -> web.HTTPUnsupportedMediaType:
    return web.HTTPUnsupportedMediaType(reason=f"the body says it is {_safe(request.content_type)}, not {wanted}")


def _safe(text: str) -> str:
    """At most 60 printable characters: a reason phrase must not carry a line end."""
    return "".join(c for c in text[:60] if c.isprintable())
