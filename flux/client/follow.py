"""Following a stream: what its messages say, and what to do when it breaks. Pure; the clients do the waiting.

A stream until rest that ends cleanly without `bye` is over. After every other end the client comes back
with the id of the last whole message and misses nothing. `reset` means that it did miss something: lists
should be looked at again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from flux.client.patience import Backoff
from flux.errors import ProtocolError
from flux.wire.shapes import Json
from flux.wire.sse import LAST_EVENT_ID, Message, Parser


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One message of a stream.

    Attributes:
        event: `execution`, `task`, `log`, `reset`, `bye`.
        position: of the log; what to begin after to go on from here.
        data: see `wire.shapes`: an ExecutionChange for `execution`, a TaskStep for `task`.
    """

    event: str
    position: int
    data: dict[str, Json]


class Lines:
    """JSON values out of an NDJSON text that comes in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[Json]:
        """The values on the lines that a piece completes."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        return [json.loads(line) for line in whole if line.strip()]


class Follower:
    """The state of somebody who follows.

    `leaving`: the server has said goodbye. `execution`: the one that the first update was about.
    """

    def __init__(self) -> None:
        self.leaving = False
        self.execution: str | None = None
        self._parser = Parser()
        self._last_id = ""
        self._backoff = Backoff()

    def headers(self) -> Mapping[str, str]:
        """What the next request must carry to go on where the last one stopped."""
        self._parser = Parser(self._last_id)
        self.leaving = False
        return {LAST_EVENT_ID: self._last_id} if self._last_id else {}

    def feed(self, piece: bytes) -> list[Update]:
        """The updates that a piece of the stream completes.

        Raises:
            ProtocolError: it is no event stream of ours.
        """
        messages = self._parser.feed(piece)
        if self._parser.last_id != self._last_id:
            self._last_id = self._parser.last_id
            self._backoff.progress()
        self.leaving = self.leaving or any(message.event == "bye" for message in messages)
        updates = [_update(message) for message in messages]
        if self.execution is None and updates:
            self.execution = updates[0].data.get("execution_id")
        return updates

    def delay(self) -> float:
        """Seconds to wait before the next attempt."""
        return self._backoff.delay()


def _update(message: Message) -> Update:
    try:
        data = json.loads(message.data)
        position = int(message.id or 0)
    except ValueError as exc:
        raise ProtocolError(f"the stream holds something that is no event of ours: {message.data[:100]!r}") from exc
    if not isinstance(data, dict):
        raise ProtocolError("the stream holds an event without data")
    return Update(event=message.event, position=position, data=data)
