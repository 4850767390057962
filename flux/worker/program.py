"""What the running program asks for: calls, pauses, sleeps, timers.

The workflow's own resolve on its private loop, those made in bodies (`frame` given) on the real one. While
the log is replayed nothing is asked of the daemon: what the log does not answer is asked when the session
goes live.

Instants are int milliseconds UTC.
"""

from collections.abc import Awaitable
from itertools import count

from flux.codec import decode, digest, encode, encode_call, is_atomic
from flux.errors import PayloadTypeError
from flux.runtime import TaskSpec
from flux.wire.frames import Waiting
from flux.worker.calls import Call
from flux.worker.frames import BodyFrame
from flux.worker.futures import CallFuture, WaitFuture
from flux.worker.place import Place
from flux.worker.private import PrivateTimer


class Program:
    """The asking side of one execution."""

    def __init__(self, session: Place) -> None:
        self._session = session
        self._numbers = count(1)  # of futures on the real loop; the private loop's numbers must not depend on them

    # ------------------------------------------------------------------ calls

    def start_call(
        self,
        frame: BodyFrame | None,
        id: str,
        name: str,
        spec: TaskSpec,
        args: tuple[object, ...],
        kwargs: dict[str, object],
    ) -> CallFuture:
        """Begin a call; what it comes to.

        Raises:
            PayloadTypeError: an argument cannot be kept exactly.
            NotInWorkflow, Unloading: nothing can begin from here, or any more.
        """
        session = self._session
        self._require(frame, name)
        data = encode_call(args, kwargs, session.classes)
        is_plain = all(map(is_atomic, args)) and all(map(is_atomic, kwargs.values()))
        parent = None if frame is None else frame.call.id
        call = Call(session, id, parent, name, spec, data, digest(data), (args, kwargs) if is_plain else None)
        call.place = session.worker.place(spec)
        if call.place == "loop" and name in session.journal.blocked:
            call.place = "process"
        session.calls[id] = call
        if frame is None:
            future = call.future = CallFuture(call, session.loop.next_number(), session.loop)
            self._begin(call)
        else:
            future = call.future = CallFuture(call, next(self._numbers), session.worker.real_loop)
            self._begin_nested(frame, call)
        return future  # the call may be over already, and have let go of it

    def _require(self, frame: BodyFrame | None, name: str) -> None:
        if frame is None:
            self._session.loop.require_turn(f"task {name!r}")
        else:
            frame.require_open(f"task {name!r}")

    def _begin(self, call: Call) -> None:
        session = self._session
        if session.is_live:
            call.advance()
            return
        mark = session.journal.made(call)
        call.is_known = mark is not None
        if mark is not None and mark.digest is not None and mark.digest != call.digest:
            session.warn(f"{call.id} is called with other arguments than the log has", call.id)

    def _begin_nested(self, frame: BodyFrame, call: Call) -> None:
        entry = self._session.journal.nested.find(call.id, frame.scope.path, call.digest)
        if entry is not None:
            call.restore(entry.facts)
        if call.is_open:
            self._session.journal.judge(call)
            call.advance()
        else:
            self._session.forget(call)

    def open_retry(self, call: Call, wait: str, due: int) -> None:
        """Open the timer of a delay."""
        session = self._session
        if call.parent is not None and wait in session.journal.nested.answers:
            call.retry_due()
            return

        def fire(_: bytes | None) -> None:
            call.retry_due()
            session.later(call)

        session.waits.open(Waiting(wait, "timer", True, due, call.parent, call.name), fire)

    # ------------------------------------------------------------------ waits

    def pause(self, frame: BodyFrame | None, id: str, name: str, output: object) -> Awaitable[object]:
        """Open a pause; gives what it is resumed with."""
        payload = encode(output, self._session.classes, root="output")
        parent = None if frame is None else frame.call.id
        return self._wait(frame, Waiting(id, "pause", True, 0, parent, name, payload))

    async def sleep(self, frame: BodyFrame | None, id: str, milliseconds: int) -> None:
        """Sleep durably."""
        session = self._session
        now = session.loop.instant if frame is None else session.stamp()
        parent = None if frame is None else frame.call.id
        await self._wait(frame, Waiting(id, "timer", True, now + milliseconds, parent))

    def _wait(self, frame: BodyFrame | None, told: Waiting) -> WaitFuture:
        session = self._session
        if frame is None:
            future = WaitFuture(told.call, session.loop.next_number(), session.loop, session.close_wait)
            if told.kind == "pause" and not session.is_live and session.journal.made(future) is not None:
                session.waits.recorded(told.call)
        else:
            future = WaitFuture(told.call, next(self._numbers), session.worker.real_loop, session.close_wait)
            if self._is_answered(future):
                return future
            frame.waits_for(future)
        session.waits.open(told, lambda payload: self._answer(future, payload))
        session.changed()
        return future

    def _is_answered(self, future: WaitFuture) -> bool:
        """Whether the log has what ended this wait of a body; else note if it has it open."""
        nested = self._session.journal.nested
        if future.id in nested.answers:
            self._answer(future, nested.answers[future.id])
            return True
        if future.id in nested.pauses:
            self._session.waits.recorded(future.id)
        return False

    def _answer(self, future: WaitFuture, payload: bytes | None) -> None:
        if future.done():
            return
        try:
            future.set_result(None if payload is None else decode(payload, self._session.classes))
        except PayloadTypeError as error:
            future.set_exception(error)

    # ------------------------------------------------------------------ what the private loop asks

    def timer_opened(self, timer: PrivateTimer) -> None:
        """A timer of asyncio's was set."""
        loop = self._session.loop
        timer.id = loop.current_scope().call("~timer")
        self._session.waits.open(Waiting(timer.id, "timer", True, timer.due), lambda _: loop.ready.append(timer))
        self._session.changed()

    def timer_closed(self, timer: PrivateTimer) -> None:
        """It was cancelled."""
        self._session.close_wait(timer.id)

    def complain(self, message: str, error: BaseException | None) -> None:
        """Something went wrong that no part of the workflow will see."""
        if self._session.is_live:
            self._session.warn(message if error is None else f"{message}: {type(error).__name__}: {error}")
