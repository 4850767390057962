"""The asynchronous client: every route of the API as a method, on aiohttp.

It finds the daemon as the CLI does. One client belongs to one event loop. Values go in and come out as
JSON has them; a good answer is returned as it came (`wire.shapes`), a refusal is raised as the error
that it carries. An execution that fails is an answer, no refusal.

A stream that is left before its end should be closed: `async with contextlib.aclosing(client.events())`.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar, cast

from flux import config
from flux.client import calls, discovery
from flux.client.blocking import SyncClient
from flux.client.calls import Call, Options
from flux.client.follow import Follower, Lines, Update
from flux.client.patience import Backoff, Deadline
from flux.client.session import Session
from flux.errors import Unreachable
from flux.wire.shapes import (
    RESTING,
    Accepted,
    CancelAnswer,
    Catalog,
    EventView,
    ExecutionPage,
    ExecutionRow,
    ExecutionView,
    Info,
    Json,
    LogPage,
    Problem,
    SourceView,
    Stats,
    TaskView,
    VersionView,
    Whoami,
    WorkflowView,
)

_T = TypeVar("_T")


class FluxClient:
    """A client of one daemon. `FluxClient.sync()` gives one that needs no event loop."""

    def __init__(self, url: str | None = None) -> None:
        """For the daemon at `url`, or the one that this process means (`discovery.find`).

        Raises:
            InvalidConfiguration: the URL or the token cannot be used.
        """
        around = config.client()
        self._session = Session(discovery.find(around, url), discovery.token(around))

    @staticmethod
    def sync(url: str | None = None) -> SyncClient:
        """A blocking client of the same daemon."""
        return SyncClient(url)

    @property
    def url(self) -> str:
        """Where the daemon is."""
        return str(self._session.address)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. The client can still be used; it opens others."""
        await self._session.close()

    # ------------------------------------------------------------------ running

    async def run(
        self,
        ref: str,
        input: Json = None,
        *,
        timeout: float | None = None,
        version: int | None = None,
        priority: int = 0,
        labels: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> ExecutionView:
        """Run a workflow and wait until it rests; as it is after `timeout` seconds, if it does not."""
        options = Options(version=version, priority=priority, labels=labels or {}, key=key)
        deadline = Deadline(timeout)
        found = await self._ask(calls.run(ref, input, options, deadline.slice()))
        return found if found["state"] in RESTING else await self._wait(found["execution_id"], deadline)

    async def submit(
        self,
        ref: str,
        input: Json = None,
        *,
        version: int | None = None,
        priority: int = 0,
        labels: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Accepted:
        """Run a workflow and wait for nothing: the answer comes when it is stored."""
        options = Options(version=version, priority=priority, labels=labels or {}, key=key)
        return await self._ask(calls.submit(ref, input, options))

    async def submit_many(
        self,
        ref: str,
        inputs: Iterable[Json],
        *,
        version: int | None = None,
        priority: int = 0,
        labels: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> AsyncIterator[Accepted | Problem]:
        """Run a workflow once for each input, in one request; an answer for each, in order, as they come."""
        options = Options(version=version, priority=priority, labels=labels or {}, key=key)
        async with self._session.open(calls.batch(ref, inputs, options)) as pieces:
            lines = Lines()
            async for piece in pieces:
                for answer in lines.feed(piece):
                    yield answer

    async def stream(self, ref: str, input: Json = None, *, key: str | None = None) -> AsyncIterator[Update]:
        """Run a workflow and follow its events until it rests."""
        follower = Follower()
        try:
            async with self._session.open(calls.stream(ref, input, Options(key=key))) as pieces:
                async for piece in pieces:
                    for update in follower.feed(piece):
                        yield update
        except Unreachable:
            if follower.execution is None:
                raise
        else:
            if not follower.leaving or follower.execution is None:
                return
        rest = calls.events(follower.execution, None, until_resting=True)
        async for update in self._follow(rest, follower, ends=True):
            yield update

    async def wait(self, execution: str, timeout: float | None = None) -> ExecutionView:
        """The execution as soon as it rests, or as it is after `timeout` seconds. A restart of the daemon is sat out.

        Raises:
            Unreachable: the daemon could not be reached in the first place.
        """
        found = await self._ask(calls.execution(execution))
        return found if found["state"] in RESTING else await self._wait(found["execution_id"], Deadline(timeout))

    async def resume(self, execution: str, input: Json = None, *, pause: str | None = None) -> ExecutionRow:
        """Answer the oldest open pause, or the one named."""
        return await self._ask(calls.resume(execution, input, pause))

    async def cancel(self, execution: str) -> CancelAnswer:
        """Ask an execution to stop.

        Raises:
            WrongState: it has ended already; `facts["outcome"]` is `too_late`.
        """
        return await self._ask(calls.cancel(execution))

    # ------------------------------------------------------------------ looking

    async def execution(self, execution: str) -> ExecutionView:
        """One execution; a part of its id is enough if only one has it."""
        return await self._ask(calls.execution(execution))

    async def executions(
        self,
        *,
        states: Iterable[str] = (),
        workflow: str | None = None,
        namespace: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> ExecutionPage:
        """One page of executions, newest first."""
        return await self._ask(calls.executions(states, workflow, namespace, limit, cursor))

    async def tasks(self, execution: str) -> list[TaskView]:
        """The tasks of an execution, in the order in which they began."""
        return (await self._ask(calls.tasks(execution)))["items"]

    async def logs(self, execution: str, *, after: int = 0) -> LogPage:
        """What an execution printed and logged, after a line."""
        return await self._ask(calls.logs(execution, after))

    async def output(self, execution: str) -> Json:
        """The output of a completed execution.

        Raises:
            WrongState: it has none.
        """
        return await self._ask(calls.output(execution))

    async def history(self, execution: str, *, after: int = 0) -> AsyncIterator[EventView]:
        """The events of an execution that are in the log now, oldest first."""
        place: int | None = after
        while place is not None:
            found = await self._ask(calls.history(execution, place, None))
            for event in found["items"]:
                yield event
            place = found["next_after"]

    def events(
        self,
        execution: str | None = None,
        *,
        after: int | None = None,
        until_resting: bool = False,
        reconnect: bool = True,
    ) -> AsyncIterator[Update]:
        """Events as they happen: of one execution from its beginning, or of all from now on, or after a position.

        Raises:
            Unreachable: the daemon cannot be reached; or it went away, and `reconnect` is off.
        """
        call = calls.events(execution, after, until_resting=until_resting)
        return self._follow(call, Follower(), ends=until_resting, reconnect=reconnect)

    async def workflows(self) -> Catalog:
        """The workflows that can be run, and the files that do not load."""
        return await self._ask(calls.workflows())

    async def workflow(self, ref: str) -> WorkflowView:
        """One workflow."""
        return await self._ask(calls.workflow(ref))

    async def source(self, ref: str, *, version: int | None = None) -> SourceView:
        """The source of a workflow's current version, or of another."""
        return await self._ask(calls.source(ref, version))

    async def versions(self, ref: str) -> list[VersionView]:
        """The versions of a workflow, newest first."""
        return (await self._ask(calls.versions(ref)))["items"]

    async def register(self, name: str, content: bytes, *, namespace: str | None = None) -> list[WorkflowView]:
        """Register a file of workflows; what it offers. `name`: of the file, such as `orders.py`."""
        found = await self._ask(calls.register(name, content, os.urandom(16).hex(), namespace))
        return found["items"]

    # ------------------------------------------------------------------ the daemon

    async def info(self) -> Info:
        """What answers there."""
        return await self._ask(calls.info())

    async def stats(self) -> Stats:
        """Counts of executions by state, and the workers."""
        return await self._ask(calls.stats())

    async def whoami(self) -> Whoami:
        """Who this client is to the daemon."""
        return await self._ask(calls.whoami())

    async def is_ready(self) -> bool:
        """Whether the daemon takes requests."""
        try:
            await self._ask(calls.ready())
        except Unreachable:
            return False
        return True

    async def _wait(self, execution: str, deadline: Deadline) -> ExecutionView:
        backoff = Backoff()
        while True:
            try:
                found = await self._ask(calls.wait(execution, deadline.slice()))
            except Unreachable:
                if deadline.is_over:
                    raise
                await asyncio.sleep(backoff.delay())
                continue
            if found["state"] in RESTING or deadline.is_over:
                return found
            backoff.progress()

    async def _ask(self, call: Call[_T]) -> _T:
        return cast(_T, json.loads(await self._session.ask(call)))

    async def _follow(
        self, call: Call[None], follower: Follower, *, ends: bool, reconnect: bool = True
    ) -> AsyncIterator[Update]:
        """Updates of a stream, across its breaks. `ends`: a clean end is the end."""
        heard = False
        while True:
            try:
                headers = {**call.headers, **follower.headers()}
                async with self._session.open(replace(call, headers=headers)) as pieces:
                    heard = True
                    async for piece in pieces:
                        for update in follower.feed(piece):
                            yield update
                if (ends and not follower.leaving) or not reconnect:
                    return
            except Unreachable:
                if not (heard and reconnect):
                    raise
            await asyncio.sleep(follower.delay())
