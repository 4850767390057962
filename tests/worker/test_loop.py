"""The private loop: what asyncio offers works in it, what a replay could not repeat is refused."""

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop

from flux.errors import NotInWorkflow
from flux.worker import ordered
from flux.worker.loop import EndlessTurn, PrivateLoop, Unloading
from tests.worker.owner import START, Owner


@pytest.fixture
def owner() -> Iterator[Owner]:
    """A fresh loop with its owner."""
    with Owner() as owner:
        yield owner


def test_time_stands_still_between_two_deliveries(owner):
    """`loop.time()` is the instant of the last thing delivered, in seconds."""

    async def body() -> list[float]:
        loop = asyncio.get_running_loop()
        seen = [loop.time()]
        await asyncio.sleep(0)
        seen.append(loop.time())
        await asyncio.sleep(2.5)
        return [*seen, loop.time()]

    assert owner.finish(body()) == [START / 1000, START / 1000, START / 1000 + 2.5]


def test_a_timer_that_is_due_already_needs_nobody(owner):
    """A delay of nothing runs in the same turn: no wait is opened."""

    async def body() -> str:
        called = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0, called.set_result, "now")
        asyncio.get_running_loop().call_at(0, lambda: None)
        return str(await called)

    assert owner.start(body()).result() == "now"


def test_an_endless_sleep_is_a_timer_too(owner):
    """Infinity is no instant: the timer lies beyond anybody's lifetime."""
    owner.start(asyncio.sleep(float("inf")))

    assert owner.timers[0].due > START + 10**11


def test_a_cancelled_timer_is_closed(owner):
    """What is no longer awaited is no longer waited for."""

    async def body() -> None:
        task = asyncio.create_task(asyncio.sleep(9))
        await asyncio.sleep(0)
        task.cancel()

    owner.start(body())

    assert owner.timers == []


REFUSED = {
    "thread": lambda loop: asyncio.to_thread(print),
    "executor": lambda loop: loop.run_in_executor(None, print),
    "socket": lambda loop: asyncio.open_connection("localhost", 1),
    "subprocess": lambda loop: asyncio.create_subprocess_exec("true"),
    "reader": lambda loop: loop.add_reader(0, print),
    "signal": lambda loop: loop.add_signal_handler(2, print),
    "thread-safe": lambda loop: loop.call_soon_threadsafe(print),
    "stop": lambda loop: loop.stop(),
    "address": lambda loop: loop.getaddrinfo("localhost", 1),
}


@pytest.mark.parametrize("attempt", REFUSED.values(), ids=REFUSED.keys())
def test_what_a_replay_could_not_repeat_is_refused(owner, attempt: Callable[[Any], Any]):
    """Sockets, threads, subprocesses, signals: not here, and the error says where."""

    async def body() -> None:
        result = attempt(asyncio.get_running_loop())
        if isinstance(result, Coroutine):
            await result

    with pytest.raises(NotInWorkflow, match="do this in a task"):
        owner.start(body()).result()


def test_every_method_of_a_loop_is_there_or_refused():
    """Nothing of asyncio's loop is left at NotImplementedError, whatever the version of Python."""
    own = {name for cls in PrivateLoop.__mro__[:1] for name in vars(cls)}
    public = {name for name in dir(asyncio.AbstractEventLoop) if not name.startswith("_")}

    assert public <= own


def test_a_wake_up_from_outside_is_refused(owner):
    """A future set by somebody else would never be noticed: the one who sets it is told."""
    made: list[asyncio.Future[Any]] = []

    async def body() -> None:
        made.append(asyncio.get_running_loop().create_future())
        await made[0]

    owner.start(body())

    with pytest.raises(NotInWorkflow, match="shares a lock"):
        made[0].set_result(1)


def test_a_wake_up_from_a_thread_is_refused(owner):
    """Also while a turn is being made: threads are not replayed."""
    errors: list[Exception] = []

    async def body() -> None:
        loop = asyncio.get_running_loop()

        def wake() -> None:
            try:
                loop.call_soon(print)
            except NotInWorkflow as error:
                errors.append(error)

        thread = threading.Thread(target=wake)
        thread.start()
        thread.join()

    owner.start(body())

    assert len(errors) == 1


def test_a_body_that_goes_round_in_circles_is_stopped(owner):
    """A turn has an end: after 100,000 steps the execution fails, and the callback is named."""

    async def body() -> None:
        while True:  # noqa: ASYNC110 - it is meant to be endless
            await asyncio.sleep(0)

    with pytest.raises(EndlessTurn, match=r"circles.*body \(line"):
        owner.start(body())


def test_tasks_are_scoped_by_who_creates_them(owner):
    """A task's place is its parent's place and its number there, whenever it runs."""
    scopes: list[str] = []

    async def child() -> None:
        scopes.append(asyncio.current_task().scope.path)  # type: ignore[union-attr]

    async def parent() -> None:
        await asyncio.gather(child(), child())
        scopes.append(asyncio.current_task().scope.path)  # type: ignore[union-attr]

    async def body() -> None:
        late = asyncio.create_task(child())
        await asyncio.gather(parent(), child())
        await late

    owner.start(body()).result()

    assert sorted(scopes) == ["1", "2", "2.1", "2.2", "3"]


def test_a_callback_creates_tasks_in_the_workflows_scope(owner):
    """A plain callback has no place of its own."""
    scopes: list[str] = []

    async def child() -> None:
        scopes.append(asyncio.current_task().scope.path)  # type: ignore[union-attr]

    async def body() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: loop.create_task(child()))
        await asyncio.sleep(0)

    owner.start(body())

    assert scopes == ["1"]


def test_sets_of_tasks_have_one_order(owner):
    """Tasks and futures hash by their number, not by their address."""

    async def body() -> list[int]:
        tasks = {asyncio.create_task(asyncio.sleep(0)) for _ in range(20)}
        futures = {asyncio.get_running_loop().create_future() for _ in range(20)}
        return [hash(one) for one in (*tasks, *futures)]

    with Owner() as other:
        assert owner.start(body()).result() == other.start(body()).result()


def test_private_tasks_are_not_among_asyncios(owner):
    """Thousands of executions must not share one set with equal hashes, nor a closing loop cancel their tasks."""
    task = owner.start(asyncio.sleep(1))

    assert task not in ordered.registered_tasks(owner.loop)


def test_system_exit_ends_the_workflow_and_not_the_worker(owner):
    """`sys.exit()` in a body is that body's failure."""

    async def body() -> None:
        sys.exit(3)

    task = owner.start(body())

    assert isinstance(task.exception(), SystemExit)


def test_what_nobody_caught_is_told(owner):
    """A callback that raises is no silence."""

    async def body() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(0)

    owner.start(body())

    assert owner.complaints == ["a callback of the workflow failed: ZeroDivisionError('division by zero')"]


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_the_running_loop_is_swapped_for_a_turn_only(owner, factory):
    """Also when the turn fails: whoever drives it finds its own loop and hooks again."""
    seen: list[object] = []

    async def circles() -> None:
        seen.append(asyncio.get_running_loop())
        while True:  # noqa: ASYNC110 - it is meant to be endless
            await asyncio.sleep(0)

    def drive() -> None:
        hooks = sys.get_asyncgen_hooks()
        with pytest.raises(EndlessTurn):
            owner.start(circles())
        seen.append(asyncio.get_running_loop())
        seen.append(sys.get_asyncgen_hooks() == hooks)
        real.stop()

    real = factory()
    real.call_soon(drive)
    real.run_forever()
    real.close()

    assert seen == [owner.loop, real, True]


# ---------------------------------------------------------------------- unloading


def test_unloading_closes_the_newest_first(owner):
    """`finally` and `__aexit__` run as if the coroutines had been deleted, children before their parents."""
    closed: list[str] = []

    async def child(name: str) -> None:
        try:
            await asyncio.sleep(9)
        except asyncio.CancelledError:
            closed.append(f"{name} cancelled")
        finally:
            closed.append(name)

    async def body() -> None:
        try:
            await asyncio.gather(child("a"), child("b"), return_exceptions=True)
        finally:
            closed.append("body")

    owner.start(body())
    owner.loop.unload()

    assert closed == ["b", "a", "body"]


def test_nothing_durable_begins_while_unloading(owner):
    """A clean-up that wants more than Python gives at once is cut off, silently."""
    seen: list[str] = []

    async def body() -> None:
        try:
            await asyncio.sleep(9)
        finally:
            try:
                owner.loop.require_turn("task 'x'")
            except Unloading:
                seen.append("refused")
            try:
                asyncio.create_task(asyncio.sleep(1))  # noqa: RUF006
            except Unloading:
                seen.append("no task")
            await asyncio.sleep(1)
            seen.append("never")

    owner.start(body())
    owner.loop.unload()

    assert seen == ["refused", "no task"]


def test_unloading_is_no_exception_that_authors_catch():
    """`except Exception` in a clean-up does not take it for an error of its own."""
    assert not issubclass(Unloading, Exception)


def test_the_current_task_is_known_while_it_is_closed(owner):
    """A clean-up may ask which task it runs in."""
    seen: list[object] = []

    async def body() -> None:
        try:
            await asyncio.sleep(9)
        finally:
            seen.append(asyncio.current_task())

    task = owner.start(body())
    owner.loop.unload()

    assert seen == [task]


# ---------------------------------------------------------------------- the end of a body


def test_what_a_body_leaves_behind_is_cancelled(owner):
    """When the body returns, its tasks are cancelled and awaited, also those that take their time."""
    seen: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(9)
        finally:
            await asyncio.sleep(1)
            seen.append("clean")

    async def body() -> None:
        task = asyncio.create_task(slow())
        await asyncio.sleep(0)
        assert not task.done()
        await owner.loop.finish()

    owner.finish(body())

    assert seen == ["clean"]
