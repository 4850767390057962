"""How an execution ends: the outcome of its root task, a failure of the whole, and when that may be told.

It has ended when its body has returned, everything the body left behind has been cancelled, and every call
has its outcome. A failure of the whole (a divergence, an endless turn, a deadlock) ends it at once.

An end that an input was numbered before is refused; the input follows, and the end is told again. A body
that was asked to cancel ends as cancelled, whatever it returns, and `CLEANUP` after it was asked at the
latest; if it raises, it has failed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from flux.codec import encode, encode_error
from flux.context import ExecutionContext
from flux.core.events import NUMBERS, EventType
from flux.errors import NonDeterminismError, NotInWorkflow, PayloadTooLarge, PayloadTypeError, TaskFailed
from flux.wire.frames import End
from flux.worker.place import Place
from flux.worker.private import PrivateTask

CLEANUP: Final = 30_000  # milliseconds; what a cancelled workflow may still take to clean up
_DIVERGED: Final = '{"reason":"diverged"}'
_T: Final = EventType


class Ending:
    """The end of one execution."""

    def __init__(self, session: Place) -> None:
        self._session = session
        self._failure: BaseException | None = None
        self._is_cancelled = False
        self._is_expired = False
        self._told_at: int | None = None
        self._told_in = 0
        self.root: PrivateTask[object] | None = None

    async def main(
        self, fn: Callable[[ExecutionContext[object]], Awaitable[object]], context: ExecutionContext[object]
    ) -> object:
        """The root task: the body, then the end of all that it left behind."""
        try:
            return await fn(context)
        finally:
            if not self._session.is_closed:  # else it is being unloaded, and all others with it
                await self._session.loop.finish()

    @property
    def has_failed(self) -> bool:
        """Whether nothing is delivered any more: the whole has failed, or its clean-up took too long."""
        return self._failure is not None or self._is_expired

    @property
    def is_near(self) -> bool:
        """Whether the body has returned, or the whole has failed."""
        return self.has_failed or (self.root is not None and self.root.done())

    def cancel(self) -> None:
        """Ask the body to end."""
        self._is_cancelled = True
        if self.root is not None and not self.root.done():
            self.root.cancel()

    def fail(self, error: BaseException) -> None:
        """The whole has failed: the first failure counts, and ends everything that runs."""
        if self._failure is None:
            self._failure = error
            self._session.abandon_bodies()

    def limit_cleanup(self) -> None:
        """Give what follows a cancel its time, and no more."""
        if self._is_cancelled:
            self._session.worker.real_loop.call_later(CLEANUP / 1000, self._expire)

    def _expire(self) -> None:
        session = self._session
        if not session.is_closed and not self.is_near:
            self._is_expired = True
            session.abandon_bodies()
            session.changed()

    def due(self) -> End | None:
        """The end, if it can be told and the daemon has not heard of it as things stand now."""
        session = self._session
        if self._told_at == session.seen or not self.is_near:
            return None
        if not self.has_failed and session.calls:
            return None
        self._told_at = session.seen
        return self._end()

    def told_in(self, n: int) -> None:
        """Report `n` tells of the end."""
        self._told_in = n

    def is_accepted(self, n: int, refused: bool) -> bool:
        """Whether the acknowledgement of report `n` accepts the end."""
        return n == self._told_in and not refused

    def _end(self) -> End:
        if self._failure is not None:
            detail = _DIVERGED if isinstance(self._failure, NonDeterminismError) else None
            return self._failed(self._failure, detail)
        root = self.root
        if self._is_expired:
            return self._cancelled()
        if root is None or root.cancelled():
            return self._cancelled() if self._is_cancelled else self._failed(_self_cancelled())
        error = root.exception()
        if error is not None:
            return self._failed(error)
        if self._is_cancelled:
            return self._cancelled()
        try:
            payload = encode(root.result(), self._session.classes, root="result")
        except (PayloadTypeError, PayloadTooLarge) as refused:
            return self._failed(refused)
        return self._of(_T.WORKFLOW_COMPLETED, payload)

    def _cancelled(self) -> End:
        return self._of(_T.WORKFLOW_CANCELLED)

    def _failed(self, error: BaseException, detail: str | None = None) -> End:
        return self._of(_T.WORKFLOW_FAILED, encode_error(error, self._session.classes), detail)

    def _of(self, kind: EventType, payload: bytes | None = None, detail: str | None = None) -> End:
        return End(NUMBERS[kind], self._session.seen, self._session.stamp(), detail, payload)


def deadlock() -> NotInWorkflow:
    """The failure of a body that waits for what nothing can end."""
    return NotInWorkflow(
        "the workflow waits for something that nothing can end: no task runs, no timer or pause is open"
    )


def _self_cancelled() -> TaskFailed:
    return TaskFailed("the workflow's body cancelled itself", type=asyncio.CancelledError.__name__)
