"""Frames: the body of one attempt, as the place of the calls and waits it makes."""

import asyncio
from typing import Protocol

from flux.core.identity import Scope, attempt_frame
from flux.errors import NotInWorkflow
from flux.worker.body_tasks import BodyTask
from flux.worker.calls import Call
from flux.worker.futures import WaitFuture
from flux.worker.loop import Unloading


class Clockwork(Protocol):
    """A body whose time stands still while it waits."""

    def wait_opened(self) -> None:
        """It waits for the daemon."""
        ...

    def wait_closed(self) -> None:
        """It goes on."""
        ...


class BodyFrame:
    """One run of one body. Nothing can be called in it once the body has ended or the execution is unloaded.

    `children`: the tasks that the body has created and that have not ended.
    """

    def __init__(self, call: Call, attempt: int) -> None:
        self.call = call
        self.body: Clockwork | None = None
        self.is_open = True
        self.children: set[BodyTask] = set()
        self._failed: list[asyncio.Task[object]] = []
        self._attempt = attempt
        self._scope: Scope | None = None  # most bodies call nothing

    @property
    def scope(self) -> Scope:
        """The places of what the body calls."""
        if self._scope is None:
            self._scope = attempt_frame(self.call.id, self._attempt)
        return self._scope

    @property
    def is_used(self) -> bool:
        """Whether the body has called or awaited anything durable."""
        return self._scope is not None

    def require_open(self, what: str) -> None:
        """Check that `what` is tried by the body while it runs."""
        if self.call.session.is_closed:
            raise Unloading(f"{what}: the execution is being unloaded")
        if not self.is_open:
            raise NotInWorkflow(f"{what} after the body of {self.call.name!r} has ended")

    def adopt(self, task: BodyTask) -> None:
        """The body has created a task."""
        self.children.add(task)
        task.add_done_callback(self._left)

    def _left(self, task: asyncio.Task[object]) -> None:
        self.children.discard(task)
        self.call.session.changed()  # with it gone, the body may only wait
        if getattr(task, "_exception", None) is not None:  # looking at it by `exception()` would count as a catch
            self._failed.append(task)

    def orphan(self) -> list[BodyTask]:
        """The children, which nobody waits for any more; what the failed ones raised need not be told."""
        for task in self._failed:
            task.exception()
        children = list(self.children)
        self.children.clear()
        return children

    def waits_for(self, future: WaitFuture) -> None:
        """Let the body's time stand still until `future` is done."""
        body = self.body
        if body is not None:
            body.wait_opened()
            future.add_done_callback(lambda _: body.wait_closed())

    def close(self) -> None:
        """The body has ended: nothing more can be called in it."""
        self.is_open = False
        self.body = None
