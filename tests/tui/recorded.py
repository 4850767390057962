"""A daemon made of recorded answers: what the terminal UI is tested against.

`Recorded` implements the client protocol with data in the shapes of the API: it pages, filters, streams
with positions, takes cancels and resumes, goes away and comes back. `story` writes an execution's
events down; everything has its instant from the scripts, so that nothing depends on the clock.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field, replace

from flux.client.follow import Update
from flux.clock import to_rfc3339
from flux.errors import FluxError, NotFound, WrongState
from flux.ids import encode
from tui.records import Json

NOON = 1_795_348_800_000  # 2026-11-22T12:00:00Z
FINAL = ("COMPLETED", "FAILED", "CANCELLED")


def an_id(number: int, instant: int = NOON) -> str:
    """The id of the execution `number`, made at `instant`."""
    return encode(instant << 80 | number * 0x9E3779B97F4A7C15 % (1 << 80))


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One execution and its events. Instants are milliseconds after its submission."""

    id: str
    created: int
    workflow: str = "default/hello"
    state: str = "COMPLETED"
    why: str = ""
    input: object = None
    output: object = None
    error: Json | None = None
    started: int | None = 80
    took: int | None = None
    pauses: tuple[Json, ...] = ()
    worker: str | None = "w1"
    labels: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Json, ...] = ()
    sequence: int = 1

    def list_view(self) -> dict[str, object]:
        """The execution as lists show it."""
        namespace, _, name = self.workflow.rpartition("/")
        finished = self.state in FINAL and self.took is not None
        return {
            "execution_id": self.id,
            "workflow": self.workflow,
            "namespace": namespace,
            "name": name,
            "version": "3f9c1e7a52d0",
            "state": self.state,
            "why": self.why,
            "reason": None,
            "pauses": list(self.pauses),
            "created_at": to_rfc3339(self.created),
            "updated_at": to_rfc3339(self.created + (self.took or 0)),
            "started_at": None if self.started is None else to_rfc3339(self.created + self.started),
            "finished_at": to_rfc3339(self.created + (self.took or 0)) if finished else None,
            "duration": (self.took or 0) / 1000 if finished else None,
            "attempt": 1,
            "principal": "admin",
            "priority": 0,
            "sequence": self.sequence,
            "worker": self.worker,
        }

    def view(self) -> dict[str, object]:
        """The execution, whole."""
        found = {**self.list_view(), "labels": dict(self.labels), "input": self.input}
        if self.state == "COMPLETED":
            found["output"] = self.output
        if self.error is not None:
            found["error"] = dict(self.error)
        return found


def event(at: int, type: str, call: str | None = None, **more: object) -> dict[str, object]:
    """An event `at` milliseconds after the submission; `name` follows from the call id."""
    name = None if call is None else call.rpartition("/")[2].partition("#")[0]
    return {"at": at, "type": type, "call_id": call, "name": name, **more}


def an_error(type: str, message: str, **more: object) -> dict[str, object]:
    """An error as views carry it."""
    return {"type": type, "message": message, **more}


class Recorded:
    """The client protocol, answered from stories.

    `down`: while it holds an error, every request is refused with it and streams break.
    `asked`: what was changed or wanted, in order, for tests to look at.
    """

    def __init__(self, stories: Iterable[Story] = ()) -> None:
        self.stories = {story.id: story for story in stories}
        self.down: FluxError | None = None
        self.asked: list[tuple[object, ...]] = []
        self.pages = 0
        self.closed = False
        self._log: list[Update] = []
        self._position = 1000
        self._bell = asyncio.Condition()

    # What tests do

    async def tell(self, story: Story, kind: str = "execution") -> None:
        """Something happened: `story` is how its execution stands now."""
        self.stories[story.id] = story
        self._position += 1
        data: dict[str, object] = story.list_view()
        if kind == "task":
            data = {"execution_id": story.id, "type": "TASK_STARTED", "sequence": story.sequence}
        await self._send(Update(event=kind, position=self._position, data=data))

    async def reset(self) -> None:
        """The stream lost something: readers have to look again."""
        self._position += 1
        await self._send(Update(event="reset", position=self._position, data={}))

    async def leave(self, error: FluxError) -> None:
        """The daemon goes away."""
        async with self._bell:
            self.down = error
            self._bell.notify_all()

    def come_back(self) -> None:
        """The daemon is there again."""
        self.down = None

    async def _send(self, update: Update) -> None:
        async with self._bell:
            self._log.append(update)
            self._bell.notify_all()

    # The protocol

    @property
    def url(self) -> str:
        """Where it would be."""
        return "unix:/run/flux/flux.sock"

    async def executions(
        self,
        *,
        states: Iterable[str] = (),
        workflow: str | None = None,
        namespace: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Json:
        """A page, newest first."""
        states = tuple(states)
        self._check()
        self.pages += 1
        self.asked.append(("executions", states, workflow, namespace, cursor))
        found = sorted(
            (
                story
                for story in self.stories.values()
                if (not states or story.state in states)
                and workflow in (None, story.workflow, story.workflow.rpartition("/")[2])
                and namespace in (None, story.workflow.rpartition("/")[0])
            ),
            key=lambda story: story.id,
            reverse=True,
        )
        below = [story for story in found if cursor is None or story.id < cursor]
        page = below[: limit or 50]
        return {
            "items": [story.list_view() for story in page],
            "next_cursor": page[-1].id if len(below) > len(page) else None,
            "as_of": to_rfc3339(NOON),
            "position": self._position,
            "count": len(found),
        }

    async def execution(self, execution: str) -> Json:
        """One execution."""
        self._check()
        return self._story(execution).view()

    async def history(self, execution: str, *, after: int = 0) -> AsyncIterator[Json]:
        """Its events; their positions are their sequences."""
        self._check()
        story = self._story(execution)
        for number, raw in enumerate(story.events, 1):
            if number > after:
                yield told(story, number, raw)

    async def events(
        self, execution: str | None = None, *, after: int | None = None, reconnect: bool = True
    ) -> AsyncIterator[Update]:
        """What happens after the position `after`, until the daemon goes away."""
        at = 0
        while True:
            async with self._bell:
                while at >= len(self._log) and self.down is None:
                    await self._bell.wait()
                self._check()
                update = self._log[at]
                at += 1
            if after is None or update.position > after:
                yield update

    async def stats(self) -> Json:
        """The states, counted."""
        self._check()
        states: dict[str, int] = {}
        for story in self.stories.values():
            states[story.state] = states.get(story.state, 0) + 1
        return {"states": states, "workers": []}

    async def resume(self, execution: str, input: object = None, *, pause: str | None = None) -> Json:
        """Take the answer; refused where nothing asks."""
        self._check()
        story = self._story(execution)
        if not story.pauses:
            raise WrongState(f"execution {execution} is {story.state}: no pause is open", state=story.state)
        self.asked.append(("resume", execution, input, pause))
        now = replace(story, state="RUNNING", pauses=(), why="running", sequence=story.sequence + 2)
        await self.tell(now)
        return now.view()

    async def cancel(self, execution: str) -> Json:
        """Cancel it, unless it has ended."""
        self._check()
        story = self._story(execution)
        if story.state in FINAL:
            raise WrongState(
                f"execution {execution} is {story.state} already: too late to cancel it", state=story.state
            )
        self.asked.append(("cancel", execution))
        now = replace(story, state="CANCELLING", why="is being cancelled", sequence=story.sequence + 1)
        await self.tell(now)
        return {**now.list_view(), "outcome": "accepted"}

    async def close(self) -> None:
        """Nothing is held."""
        self.closed = True

    def _story(self, id: str) -> Story:
        if id not in self.stories:
            raise NotFound(f"no execution {id}")
        return self.stories[id]

    def _check(self) -> None:
        if self.down is not None:
            raise self.down


def told(story: Story, sequence: int, raw: Json) -> dict[str, object]:
    """An event of a story as the API tells it."""
    at = raw["at"]
    assert isinstance(at, int)
    found: dict[str, object] = {
        "execution_id": story.id,
        "position": sequence,
        "sequence": sequence,
        "type": raw["type"],
        "instant": to_rfc3339(story.created + at),
        "call_id": raw.get("call_id"),
        "parent_call_id": raw.get("parent"),
        "name": raw.get("name"),
        "attempt": raw.get("attempt", 1),
        "actor": raw.get("actor"),
        "worker": raw.get("worker"),
        "detail": raw.get("detail"),
    }
    if "payload" in raw:
        found["payload"] = raw["payload"]
    return found
