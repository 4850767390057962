"""The private loop: where a workflow's body runs, so that a replay runs it again step by step.

One per execution. It has a queue of its own and no selector: nothing happens in it unless the session
delivers a fact or an input, and then it runs until its queue is empty. `turn` does both, called from a
plain callback of the real loop, never from inside a task. So two runs that are given the same things in
the same order take the same steps.

`time()` is the instant of the last thing delivered. Timers are the session's business: durable waits
that an input ends. What a replay could not repeat (sockets, threads, subprocesses) raises
`NotInWorkflow`; so does a wake-up from outside a turn, which nothing would ever notice.

Instants are int milliseconds UTC, asyncio's seconds where asyncio asks for them.
"""

import asyncio
import sys
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Final, NoReturn, Protocol, TypeVar, TypeVarTuple, Unpack

from flux.core.identity import Scope
from flux.errors import NotInWorkflow
from flux.worker.generators import Generators
from flux.worker.private import PrivateFuture, PrivateTask, PrivateTimer, Runnable, Step

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MAX_STEPS: Final = 100_000  # of one turn; a workflow that needs more is going round in circles
_FOREVER: Final = 100 * 365 * 86_400_000  # milliseconds; a longer timer never fires in anybody's lifetime
_PRUNE_AT: Final = 64


class EndlessTurn(Exception):
    """The body keeps itself busy without waiting for anything: the execution must fail."""


class Unloading(BaseException):
    """The execution leaves this worker: nothing durable can begin. No Exception, so that no author catches it."""


class Owner(Protocol):
    """What a private loop needs of its session."""

    def timer_opened(self, timer: PrivateTimer) -> None:
        """A timer was set; `timer.due` is its instant."""
        ...

    def timer_closed(self, timer: PrivateTimer) -> None:
        """It was cancelled."""
        ...

    def complain(self, message: str, error: BaseException | None) -> None:
        """Something went wrong that no part of the workflow will see."""
        ...


class PrivateLoop(asyncio.AbstractEventLoop):
    """The event loop that one workflow body sees."""

    def __init__(self, owner: Owner, scope: Scope, instant: int) -> None:
        self.owner = owner
        self.scope = scope
        self.instant = instant
        self.ready: deque[Step | PrivateTimer] = deque()
        self.generators = Generators(self._close_generator)
        self._tasks: dict[int, PrivateTask[object]] = {}
        self._prune_at = _PRUNE_AT
        self._number = 0
        self._turning = False
        self._closing = False

    # ------------------------------------------------------------------ what the session does

    def turn(self, deliver: Callable[[Unpack[Ts]], object], *args: *Ts) -> None:
        """Call `deliver`, then run everything that became ready by it, and by that, until nothing is.

        Raises:
            EndlessTurn: that took more than MAX_STEPS.
        """
        outside = events._get_running_loop()
        hooks = sys.get_asyncgen_hooks()
        events._set_running_loop(self)
        sys.set_asyncgen_hooks(self.generators.begun, self.generators.dropped)
        self._turning = True
        try:
            deliver(*args)
            self._drain()
        finally:
            self._turning = False
            sys.set_asyncgen_hooks(*hooks)
            events._set_running_loop(outside)

    def _drain(self) -> None:
        ready = self.ready
        for _ in range(MAX_STEPS):
            if not ready:
                return
            try:
                ready.popleft().run()
            except BaseException as error:  # it ends this callback; the workflow goes on as its tasks say
                self._failed(error)
        if ready:
            raise EndlessTurn(f"the workflow runs in circles: {MAX_STEPS} steps and nothing awaited, in {self._busy()}")

    def _busy(self) -> str:
        """Where the tasks stand that would run next; the callback, if it is no task's."""
        ready = [task for task in self.open_tasks() if getattr(task, "_fut_waiter", None) is None]
        frames = [frame for task in ready for frame in task.get_stack()[-1:]]
        places = [f"{frame.f_code.co_qualname} (line {frame.f_lineno})" for frame in frames]
        return ", ".join(places[:3]) or repr(self.ready[0])

    def _failed(self, error: BaseException) -> None:
        # A task keeps its exception for whoever awaits it, and lets SystemExit and KeyboardInterrupt
        # out besides. They end this workflow, not the worker and its other executions.
        if not isinstance(error, SystemExit | KeyboardInterrupt):
            self.owner.complain("a callback of the workflow failed", error)

    def unload(self) -> None:
        """Close every coroutine, the newest first. Durable calls are refused meanwhile, wake-ups are ignored."""
        self._closing = True
        self.generators.abandon_from_now()
        try:
            self.turn(self._abandon_tasks)
        finally:
            self.ready.clear()
            self._tasks.clear()

    def _abandon_tasks(self) -> None:
        for task in reversed(self.open_tasks()):
            task.abandon()
        self.generators.abandon()
        self.ready.clear()

    def open_tasks(self) -> list["PrivateTask[object]"]:
        """Tasks that have not ended, the oldest first."""
        return [task for task in self._tasks.values() if not task.done()]

    def next_number(self) -> int:
        """A number that no task or future of this loop had before."""
        self._number += 1
        return self._number

    def require_turn(self, what: str) -> None:
        """Check that `what` is tried by the workflow itself, while it runs.

        Raises:
            Unloading: it is being closed.
            NotInWorkflow: from a thread, or from the turn of another execution.
        """
        if self._closing:
            raise Unloading(f"{what}: the execution is being unloaded")
        if not self._turning or events._get_running_loop() is not self:
            raise NotInWorkflow(f"{what} from outside of the workflow's own code; threads and callbacks cannot do that")

    # ------------------------------------------------------------------ what asyncio asks for

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Run `callback` later in this turn."""
        if events._get_running_loop() is not self:
            raise NotInWorkflow(_WOKEN_FROM_OUTSIDE)
        step = Step(callback, args, self, context)
        self.ready.append(step)
        return step

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run `callback` after a durable timer of `delay` seconds."""
        return self._set_timer(self.instant + _milliseconds(delay), callback, args, context)

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run `callback` when a durable timer says that `when` has come."""
        return self._set_timer(_milliseconds(when), callback, args, context)

    def _set_timer(
        self, due: int, callback: Callable[..., object], args: tuple[object, ...], context: Context | None
    ) -> PrivateTimer:
        if events._get_running_loop() is not self:
            raise NotInWorkflow(_WOKEN_FROM_OUTSIDE)
        timer = PrivateTimer(due, Step(callback, args, self, context), self, self.owner.timer_closed)
        if due <= self.instant or self._closing:
            self.ready.append(timer)
        else:
            self.owner.timer_opened(timer)
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Asked by every cancelled timer; there is no heap of them here."""

    def create_task(
        self,
        coro: Runnable[T],
        *,
        name: str | None = None,
        context: Context | None = None,
        **_: object,
    ) -> PrivateTask[T]:
        """A task, numbered by the one that creates it: its number never depends on timing."""
        if self._closing:
            coro.close()
            raise Unloading("a task: the execution is being unloaded")
        return self._new_task(coro, self.current_scope().child(), name, context)

    def create_root(self, coro: Coroutine[object, object, T], context: Context) -> PrivateTask[T]:
        """The task that is the workflow's body."""
        return self._new_task(coro, self.scope, "workflow", context)

    def _new_task(
        self,
        coro: Runnable[T],
        scope: Scope,
        name: str | None,
        context: Context | None,
    ) -> PrivateTask[T]:
        task = PrivateTask(coro, self, scope, self.next_number(), name, context)
        if len(self._tasks) >= self._prune_at:
            self._tasks = {each.number: each for each in self.open_tasks()}
            self._prune_at = max(_PRUNE_AT, 2 * len(self._tasks))
        self._tasks[task.number] = task  # type: ignore[assignment]  # Task is invariant; nobody here reads results
        return task

    def current_scope(self) -> Scope:
        """The scope of the task that runs now; the workflow's in a plain callback."""
        task = asyncio.current_task(self)
        return task.scope if isinstance(task, PrivateTask) else self.scope

    def create_future(self) -> asyncio.Future[object]:
        """A future of this loop."""
        return PrivateFuture(self, self.next_number())

    def time(self) -> float:
        """Seconds; the instant of the last thing delivered."""
        return self.instant / 1000

    def get_debug(self) -> bool:
        """Never: debugging would read clocks."""
        return False

    def is_running(self) -> bool:
        """Whether a turn is being made."""
        return self._turning

    def is_closed(self) -> bool:
        """Whether the execution has been unloaded."""
        return self._closing

    def get_task_factory(self) -> None:
        """None: the numbers of tasks are this loop's business."""
        return

    def get_exception_handler(self) -> None:
        """None: what nobody caught goes to the execution's log."""
        return

    def call_exception_handler(self, context: dict[str, object]) -> None:
        """Tell what nobody caught in the execution's log."""
        error = context.get("exception")
        if not self._closing:
            self.owner.complain(str(context.get("message")), error if isinstance(error, BaseException) else None)

    async def shutdown_asyncgens(self) -> None:
        """Close the asynchronous generators that are still open, the oldest first."""
        await self.generators.close()

    def _close_generator(self, closing: Coroutine[object, object, None]) -> None:
        if self._turning:
            self.call_soon(self.create_task, closing)

    async def finish(self) -> None:
        """End everything that the body left behind: cancel its tasks, then close its generators."""
        current = asyncio.current_task(self)
        while pending := [task for task in self.open_tasks() if task is not current]:
            for task in pending:
                task.cancel()
            try:
                await asyncio.wait(pending)
            except asyncio.CancelledError:
                continue  # the body has ended: whoever cancels it now wants what is being done
        await self.generators.close()


def _milliseconds(seconds: float) -> int:
    return min(round(seconds * 1000), _FOREVER) if seconds < _FOREVER else _FOREVER


_WOKEN_FROM_OUTSIDE: Final = (
    "something of this workflow was woken from outside of it: by a thread, or by another execution with which it "
    "shares a lock, a queue, an event or a future; make them inside the workflow's body"
)


def _refused(name: str) -> Callable[..., NoReturn]:
    def refuse(self: PrivateLoop, *args: object, **kwargs: object) -> NoReturn:
        raise NotInWorkflow(f"{name}() in a workflow's body could not be replayed; do this in a task")

    refuse.__name__ = name
    return refuse


for _name in dir(asyncio.AbstractEventLoop):
    if not _name.startswith("_") and _name not in vars(PrivateLoop):
        setattr(PrivateLoop, _name, _refused(_name))
