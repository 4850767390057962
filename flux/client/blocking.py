"""The blocking client: every route of the API as a method, on the standard library alone.

It finds the daemon as the CLI does. One client belongs to one thread. Values go in and come out as
JSON has them; a good answer is returned as it came (`wire.shapes`), a refusal is raised as the error
that it carries. An execution that fails is an answer, no refusal.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar, cast

from flux import clock, config
from flux.client import calls, discovery
from flux.client.calls import Call, Options
from flux.client.follow import Follower, Lines, Update
from flux.client.patience import Backoff, Deadline
from flux.client.transport import Transport
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


class SyncClient:
    """A client of one daemon, blocking."""

    def __init__(self, url: str | None = None) -> None:
        """For the daemon at `url`, or the one that this process means (`discovery.find`).

        Raises:
            InvalidConfiguration: the URL or the token cannot be used.
        """
        around = config.client()
        self._transport = Transport(discovery.find(around, url), discovery.token(around))

    @property
    def url(self) -> str:
        """Where the daemon is."""
        return str(self._transport.address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. The client can still be used; it opens another."""
        self._transport.close()

    # ------------------------------------------------------------------ running

    def run(
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
        found = self._ask(calls.run(ref, input, options, deadline.slice()))
        return found if found["state"] in RESTING else self._wait(found["execution_id"], deadline)

    def submit(
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
        return self._ask(calls.submit(ref, input, options))

    def submit_many(
        self,
        ref: str,
        inputs: Iterable[Json],
        *,
        version: int | None = None,
        priority: int = 0,
        labels: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Iterator[Accepted | Problem]:
        """Run a workflow once for each input, in one request; an answer for each, in order, as they come."""
        options = Options(version=version, priority=priority, labels=labels or {}, key=key)
        with self._transport.open(calls.batch(ref, inputs, options)) as pieces:
            lines = Lines()
            for piece in pieces:
                yield from lines.feed(piece)

    def stream(self, ref: str, input: Json = None, *, key: str | None = None) -> Iterator[Update]:
        """Run a workflow and follow its events until it rests."""
        follower = Follower()
        try:
            with self._transport.open(calls.stream(ref, input, Options(key=key))) as pieces:
                for piece in pieces:
                    yield from follower.feed(piece)
        except Unreachable:
            if follower.execution is None:
                raise
        else:
            if not follower.leaving or follower.execution is None:
                return
        yield from self._follow(calls.events(follower.execution, None, until_resting=True), follower, ends=True)

    def wait(self, execution: str, timeout: float | None = None) -> ExecutionView:
        """The execution as soon as it rests, or as it is after `timeout` seconds. A restart of the daemon is sat out.

        Raises:
            Unreachable: the daemon could not be reached in the first place.
        """
        found = self._ask(calls.execution(execution))
        return found if found["state"] in RESTING else self._wait(found["execution_id"], Deadline(timeout))

    def resume(self, execution: str, input: Json = None, *, pause: str | None = None) -> ExecutionRow:
        """Answer the oldest open pause, or the one named."""
        return self._ask(calls.resume(execution, input, pause))

    def cancel(self, execution: str) -> CancelAnswer:
        """Ask an execution to stop.

        Raises:
            WrongState: it has ended already; `facts["outcome"]` is `too_late`.
        """
        return self._ask(calls.cancel(execution))

    # ------------------------------------------------------------------ looking

    def execution(self, execution: str) -> ExecutionView:
        """One execution; a part of its id is enough if only one has it."""
        return self._ask(calls.execution(execution))

    def executions(
        self,
        *,
        states: Iterable[str] = (),
        workflow: str | None = None,
        namespace: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> ExecutionPage:
        """One page of executions, newest first."""
        return self._ask(calls.executions(states, workflow, namespace, limit, cursor))

    def tasks(self, execution: str) -> list[TaskView]:
        """The tasks of an execution, in the order in which they began."""
        return self._ask(calls.tasks(execution))["items"]

    def logs(self, execution: str, *, after: int = 0) -> LogPage:
        """What an execution printed and logged, after a line."""
        return self._ask(calls.logs(execution, after))

    def output(self, execution: str) -> Json:
        """The output of a completed execution.

        Raises:
            WrongState: it has none.
        """
        return self._ask(calls.output(execution))

    def history(self, execution: str, *, after: int = 0) -> Iterator[EventView]:
        """The events of an execution that are in the log now, oldest first."""
        place: int | None = after
        while place is not None:
            found = self._ask(calls.history(execution, place, None))
            yield from found["items"]
            place = found["next_after"]

    def events(
        self,
        execution: str | None = None,
        *,
        after: int | None = None,
        until_resting: bool = False,
        reconnect: bool = True,
    ) -> Iterator[Update]:
        """Events as they happen: of one execution from its beginning, or of all from now on, or after a position.

        Raises:
            Unreachable: the daemon cannot be reached; or it went away, and `reconnect` is off.
        """
        call = calls.events(execution, after, until_resting=until_resting)
        return self._follow(call, Follower(), ends=until_resting, reconnect=reconnect)

    def workflows(self) -> Catalog:
        """The workflows that can be run, and the files that do not load."""
        return self._ask(calls.workflows())

    def workflow(self, ref: str) -> WorkflowView:
        """One workflow."""
        return self._ask(calls.workflow(ref))

    def source(self, ref: str, *, version: int | None = None) -> SourceView:
        """The source of a workflow's current version, or of another."""
        return self._ask(calls.source(ref, version))

    def versions(self, ref: str) -> list[VersionView]:
        """The versions of a workflow, newest first."""
        return self._ask(calls.versions(ref))["items"]

    def register(self, name: str, content: bytes, *, namespace: str | None = None) -> list[WorkflowView]:
        """Register a file of workflows; what it offers. `name`: of the file, such as `orders.py`."""
        found = self._ask(calls.register(name, content, os.urandom(16).hex(), namespace))
        return found["items"]

    # ------------------------------------------------------------------ the daemon

    def info(self) -> Info:
        """What answers there."""
        return self._ask(calls.info())

    def stats(self) -> Stats:
        """Counts of executions by state, and the workers."""
        return self._ask(calls.stats())

    def whoami(self) -> Whoami:
        """Who this client is to the daemon."""
        return self._ask(calls.whoami())

    def is_ready(self) -> bool:
        """Whether the daemon takes requests."""
        try:
            self._ask(calls.ready())
        except Unreachable:
            return False
        return True

    def _wait(self, execution: str, deadline: Deadline) -> ExecutionView:
        backoff = Backoff()
        while True:
            try:
                found = self._ask(calls.wait(execution, deadline.slice()))
            except Unreachable:
                if deadline.is_over:
                    raise
                clock.pause(backoff.delay())
                continue
            if found["state"] in RESTING or deadline.is_over:
                return found
            backoff.progress()

    def _ask(self, call: Call[_T]) -> _T:
        return cast(_T, json.loads(self._transport.ask(call).body))

    def _follow(self, call: Call[None], follower: Follower, *, ends: bool, reconnect: bool = True) -> Iterator[Update]:
        """Updates of a stream, across its breaks. `ends`: a clean end is the end."""
        heard = False
        while True:
            try:
                headers = {**call.headers, **follower.headers()}
                with self._transport.open(replace(call, headers=headers)) as pieces:
                    heard = True
                    for piece in pieces:
                        yield from follower.feed(piece)
                if (ends and not follower.leaving) or not reconnect:
                    return
            except Unreachable:
                if not (heard and reconnect):
                    raise
            clock.pause(follower.delay())
