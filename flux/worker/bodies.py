"""Bodies: one attempt of a task running on the worker's loop, in a task process or in a thread.

A body begins with an empty context that holds its runtime and its origin, and nothing else: what a
workflow had in its context is not recorded, so no body may depend on it. Its result goes to `done`, from a
plain callback of the loop, never from inside its own task.

The timeout counts from the start of the body and stands still while the body waits for a pause or a
durable sleep. It cancels; a body that answers a cancel with a value has a value. `CLEANUP` after it was
asked to end, a body is given up.

Durations are int milliseconds.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from functools import partial
from typing import Final

from flux.codec import ClassIndex, decode_error
from flux.errors import TaskFailed, TaskTimeout
from flux.runtime import RUNTIME, Runtime
from flux.worker.body_tasks import BodyTask, are_parked
from flux.worker.frames import BodyFrame
from flux.worker.job import Job, Outcome, Processes
from flux.worker.outcomes import Completed, Died, Failed, Interrupted, Result
from flux.worker.output import ORIGIN, Origin

CLEANUP: Final = 30_000  # what a body that was asked to end may still take
_LOOK: Final = 250  # between two looks at a body with several tasks; what they do among themselves is told to nobody

Arguments = tuple[tuple[object, ...], dict[str, object]]
Done = Callable[[Result], None]


class Body:
    """What all bodies have: a task on the loop, a timeout, and an end that comes once."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, context: Context, frame: BodyFrame, timeout: int, done: Done
    ) -> None:
        self._loop = loop
        self._context = context
        self._frame = frame
        self._timeout = timeout
        self._left = timeout / 1000
        self._done: Done | None = done
        self._task: BodyTask | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_cancelled = False
        self._is_late = False
        self._is_watched = False

    @property
    def is_parked(self) -> bool:
        """Whether it waits for something that only the daemon can end, with all the tasks that it has created."""
        return self._task is not None and are_parked([self._task, *self._frame.children])

    def start(self, origin: Origin) -> None:
        """Begin."""
        self._task = BodyTask(self._run(), loop=self._loop, context=self._context)
        self._task.origin = origin
        self._task.add_done_callback(self._ended)
        self._arm()

    async def _run(self) -> Result:
        raise NotImplementedError

    def cancel(self) -> None:
        """Ask it to end."""
        if not self._is_cancelled and self._task is not None:
            self._is_cancelled = True
            self._interrupt(self._task)

    def abandon(self) -> None:
        """Forget it: whatever it still says concerns nobody."""
        self._done = None
        self._disarm()
        for task in (*self._frame.children, self._task):
            if task is not None:
                task.cancel()

    def unload(self) -> None:
        """Close it, if it is parked: it is to run again elsewhere, so it must not take this for a cancel."""
        task = self._task
        if task is None or not self.is_parked:
            self.abandon()
            return
        self._done = None
        self._disarm()
        self._task = None
        task.remove_done_callback(self._ended)
        for each in (*self._frame.orphan(), task):
            each.unload(self._context)

    # ------------------------------------------------------------------ its time

    def wait_opened(self) -> None:
        """The body waits for the daemon: if it does nothing else, its time stands still."""
        if self._timeout:
            self._loop.call_soon(self._stop_or_go)
        if self._frame.children and not self._is_watched:
            self._watch()

    def _watch(self) -> None:
        """Look from time to time whether the body only waits, as long as it has tasks of its own."""
        self._is_watched = self._done is not None and bool(self._frame.children)
        if self._is_watched:
            if self._timeout:
                self._stop_or_go()
            self._frame.call.session.changed()
            self._loop.call_later(_LOOK / 1000, self._watch)

    def wait_closed(self) -> None:
        """It goes on."""
        if self._timeout:
            self._stop_or_go()
            self._loop.call_soon(self._stop_or_go)

    def _stop_or_go(self) -> None:
        """Look whether the body's time stands still."""
        if self._is_late or self._is_cancelled or self._done is None:
            return
        is_parked = self.is_parked
        if is_parked and self._timer is not None:
            self._left = self._timer.when() - self._loop.time()
            self._disarm()
        elif not is_parked and self._timer is None:
            self._arm()

    def _arm(self) -> None:
        if self._timeout and self._done is not None and not (self._is_late or self._is_cancelled):
            self._timer = self._loop.call_later(self._left, self._expire)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self._is_late = True
        if self._task is not None:
            self._interrupt(self._task)

    def _interrupt(self, task: BodyTask) -> None:
        self._disarm()
        self._timer = self._loop.call_later(CLEANUP / 1000, self._give_up)
        task.cancel()

    def _give_up(self) -> None:
        self._finish(self._interrupted())

    # ------------------------------------------------------------------ its end

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._task = None  # it knows the body; a circle would wait for the garbage collector, at each task
        if task.cancelled():
            self._finish(self._interrupted())
            return
        result = task.result()
        self._finish(result if isinstance(result, Result) else Completed(result))

    def _interrupted(self) -> Result:
        if self._is_cancelled:
            return Interrupted()
        if self._is_late:
            return Failed(TaskTimeout(f"the body ran longer than {self._timeout / 1000:g} s", timeout=self._timeout))
        return Failed(TaskFailed("the body cancelled itself", type="CancelledError"))

    def _finish(self, result: Result) -> None:
        done, self._done = self._done, None
        self._disarm()
        if done is not None:
            done(result)


class LoopBody(Body):
    """A body on the worker's loop: an `async def`, or a plain function that stands in for one."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: Context,
        frame: BodyFrame,
        timeout: int,
        done: Done,
        fn: Callable[..., object],
        arguments: Arguments,
    ) -> None:
        super().__init__(loop, context, frame, timeout, done)
        self._fn = fn
        self._arguments = arguments

    async def _run(self) -> Result:
        args, kwargs = self._arguments
        try:
            value = self._fn(*args, **kwargs)
            if isinstance(value, Coroutine):
                value = await value
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # SystemExit too: it ends this body, not the worker
            return Failed(error)
        return Completed(value)


class ThreadBody(LoopBody):
    """A `def` body that no other process can find again, in a thread. Nothing can end it but itself."""

    async def _run(self) -> Result:
        args, kwargs = self._arguments
        call = partial(self._context.copy().run, self._fn, *args, **kwargs)
        try:
            return Completed(await self._loop.run_in_executor(None, call))
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # as above
            return Failed(error)


class ProcessBody(Body):
    """A body in a task process. Its timeout is the process's business."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: Context,
        frame: BodyFrame,
        done: Done,
        processes: Processes,
        job: Job,
        classes: ClassIndex,
    ) -> None:
        super().__init__(loop, context, frame, 0, done)
        self._processes = processes
        self._job = job
        self._classes = classes

    async def _run(self) -> Result:
        return self._result(await self._processes.run(self._job))

    def _result(self, outcome: Outcome) -> Result:
        if outcome.status == "completed":
            return Completed(None, outcome.payload)
        if outcome.status == "failed":
            payload = outcome.payload or b"null"
            return Failed(decode_error(payload, self._classes), payload)
        if outcome.status == "timeout":
            seconds = self._job.timeout / 1000
            return Failed(TaskTimeout(f"the body ran longer than {seconds:g} s", timeout=self._job.timeout))
        return Died(
            signal=_text(outcome.detail.get("signal")),
            exit_code=_number(outcome.detail.get("exit_code")),
            peak_memory=_number(outcome.detail.get("peak_memory")),
        )


def body_context(runtime: Runtime, origin: Origin) -> Context:
    """A context with nothing in it but what a body may know."""
    context = Context()
    context.run(_enter, runtime, origin)
    return context


def _enter(runtime: Runtime, origin: Origin) -> None:
    RUNTIME.set(runtime)
    ORIGIN.set(origin)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
