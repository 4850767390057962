"""Streams: events sent to one client at its pace, from a place in the log onwards, without gap or duplicate.

First the log is read in pieces until nothing is left, then the reader's queue takes over. Between the
last look into the log and the first into the queue nothing else runs, so nothing can fall between. A
client that is too slow for its queue is told `reset` with the position from which it goes on: it should
look at lists again. A daemon that stops says `bye`; the client comes back with the last id it saw.

`text/event-stream` unless the client accepts `application/x-ndjson`: then each message is a line
`{"event", "id", "data"}`, and an empty line is the heartbeat.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web

from flux.core.execution import RESTING
from flux.engine import queries
from flux.errors import FluxError, Invalid
from flux.server.hub import Frame, Reader, frames_of
from flux.server.services import Desk, desk_of
from flux.wire import documents, sse

PIECE: Final = 500  # events read from the log at a time: a few milliseconds of the loop
_HEADERS: Final = {**documents.HEADERS, "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """What to follow: one execution or all (None), after a position, and whether to end when it rests."""

    execution: str | None = None
    after: int
    until_resting: bool = False


class Form(Protocol):
    """How messages are written."""

    content_type: str
    heartbeat: bytes

    def message(self, event: str, data: bytes, position: int) -> bytes:
        """The bytes of one message."""
        ...

    def mark(self, position: int) -> bytes:
        """The bytes that move the client on without a message."""
        ...


class EventStream:
    """Server-sent events."""

    content_type = sse.CONTENT_TYPE
    heartbeat = sse.HEARTBEAT

    def message(self, event: str, data: bytes, position: int) -> bytes:
        """The bytes of one message."""
        return sse.encode(event, data, position)

    def mark(self, position: int) -> bytes:
        """An id without data."""
        return sse.mark(position)


class Lines:
    """NDJSON."""

    content_type = documents.LINES
    heartbeat = b"\n"

    def message(self, event: str, data: bytes, position: int) -> bytes:
        """One object on one line."""
        return b'{"event":"%s","id":%d,"data":%s}\n' % (event.encode(), position, data)

    def mark(self, position: int) -> bytes:
        """Nothing: a line always is a message."""
        return b""


def form_of(request: web.Request) -> Form:
    """What the client accepts; server-sent events if it does not care."""
    return Lines() if documents.LINES in request.headers.get("Accept", "") else EventStream()


def position_after(request: web.Request, after: int | None) -> int | None:
    """Where the client wants to go on: `Last-Event-ID` before `after`, since a browser repeats the old URL.

    Raises:
        Invalid: the header is no position.
    """
    text = request.headers.get(sse.LAST_EVENT_ID)
    if not text:
        return after
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid(f"{sse.LAST_EVENT_ID} must be a position that a stream has given as id, got {text[:40]!r}")
    return int(text)


async def follow(request: web.Request, what: Follow, headers: Mapping[str, str] | None = None) -> web.StreamResponse:
    """The stream, sent to its end: the client leaves, the daemon stops, or the execution rests."""
    desk, caller = desk_of(request)
    form = form_of(request)
    if what.execution is not None:
        desk.gate.read(queries.execution, what.execution, caller)  # 404 is an answer, a broken stream is none
    response = web.StreamResponse(headers={**_HEADERS, "Content-Type": form.content_type, **(headers or {})})
    with desk.stream_slots.one(caller.principal.id):
        reader = desk.hub.join(caller, what.execution)
        try:
            await response.prepare(request)
            await _Stream(desk, reader, response, form, what).run()
        finally:
            desk.hub.leave(reader)
    return response


class _Stream:
    """One stream on its way. `_position`: up to where the client has been told everything."""

    def __init__(self, desk: Desk, reader: Reader, response: web.StreamResponse, form: Form, what: Follow) -> None:
        self._desk = desk
        self._reader = reader
        self._response = response
        self._form = form
        self._what = what
        self._position = what.after

    async def run(self) -> None:
        """Send until there is a reason to end. The caller may lose its rights on the way: that is one."""
        try:
            await self._run()
        except FluxError as exc:
            await self._say("bye", {"reason": str(exc)})

    async def _run(self) -> None:
        desk, reader = self._desk, self._reader
        if self._position > desk.hub.position:
            done = await self._reset("the log does not reach that far: this is another daemon, or another file")
        else:
            await self._catch_up()
            done = self._rests()
            await self._show_life()
        while not done and not desk.hub.closing:
            frames = await reader.take(desk.services.limits.heartbeat)
            if reader.lost:
                done = await self._reset("events came faster than they were read")
            elif frames:
                await self._send(frames)
                done = self._what.until_resting and any(frame.rests for frame in frames)
            elif not desk.hub.closing:
                self._position = desk.hub.position
                await self._show_life()
        if not done:
            await self._say("bye", {"reason": "the daemon stops: come back with the last id"})

    async def _catch_up(self) -> None:
        """Send what the log holds after the position. When this returns, the queue goes on from there."""
        caller, gate = self._reader.caller, self._desk.gate
        while not self._desk.hub.closing:
            self._reader.clear()
            after, found = gate.read(
                queries.events_after, self._position, caller, identity=self._what.execution, limit=PIECE
            )
            if after == self._position:
                return
            known = {identity: gate.read(queries.execution, identity, caller) for identity in {one for one, _ in found}}
            await self._send(frames_of(found, known, self._desk.now, self._desk.named))
            self._position = after

    async def _send(self, frames: Iterable[Frame]) -> None:
        frames = [frame for frame in frames if frame.position > self._position]
        if frames:
            await self._response.write(
                b"".join(self._form.message(frame.event, frame.data, frame.position) for frame in frames)
            )
            self._position = frames[-1].position

    async def _reset(self, reason: str) -> bool:
        """Tell the client that it missed something, and go on from here; whether that is already the end."""
        self._reader.clear()
        self._position = self._desk.hub.position
        done = self._rests()
        await self._say("reset", {"position": self._position, "reason": reason})
        return done

    async def _show_life(self) -> None:
        await self._response.write(self._form.heartbeat + self._form.mark(self._position))

    async def _say(self, event: str, data: dict[str, object]) -> None:
        await self._response.write(self._form.message(event, documents.encode(data), self._position))

    def _rests(self) -> bool:
        """Whether the stream ends here, since what it follows rests. True only for what the log already holds."""
        identity = self._what.execution
        if not self._what.until_resting or identity is None:
            return False
        return self._desk.gate.read(queries.execution, identity, self._reader.caller).state in RESTING
