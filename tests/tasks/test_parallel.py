"""Many calls at once: order, limits, failures, cancelling."""

import asyncio
from collections.abc import Awaitable

import pytest

from flux.errors import InvalidDefinition
from flux.task import task
from flux.tasks import map as map_tasks
from flux.tasks import parallel
from tests.inline import running


class Doors:
    """Bodies that wait until they are let through, and tell what happened to them."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self._open: dict[str, asyncio.Event] = {}

    async def __call__(self, name: str) -> str:
        self.log.append(f"{name} in")
        try:
            await self._open.setdefault(name, asyncio.Event()).wait()
        except asyncio.CancelledError:
            self.log.append(f"{name} cancelled")
            raise
        self.log.append(f"{name} out")
        return name.upper()

    def let(self, *names: str) -> None:
        """Open the doors of `names`, now or for when they come."""
        for name in names:
            self._open.setdefault(name, asyncio.Event()).set()


async def turns(count: int = 10) -> None:
    """Let everything that can run, run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def failing(error: BaseException) -> str:
    raise error


async def stubborn(log: list[str], release: asyncio.Event) -> str:
    """Ends only after its clean-up, which awaits."""
    try:
        return await asyncio.Event().wait() and "never"
    finally:
        await release.wait()
        log.append("cleaned up")


async def test_results_stand_in_the_order_of_the_calls() -> None:
    """Whoever ends first."""
    doors = Doors()
    group = asyncio.create_task(parallel(doors("a"), doors("b"), doors("c")))
    await turns()
    for name in "cab":
        doors.let(name)
        await turns()

    assert await group == ["A", "B", "C"]
    assert doors.log == ["a in", "b in", "c in", "c out", "a out", "b out"]


async def test_nothing_gives_nothing() -> None:
    """An empty list of work is done at once."""
    assert await parallel() == []


async def test_calls_of_tasks_begin_in_order() -> None:
    """Their places were taken when they were called; they begin in the order in which they stand."""

    @task
    async def same(value: int) -> int:
        return value

    with running() as runtime:
        assert await parallel(same(1), same(2), same(3)) == [1, 2, 3]

    assert runtime.begun == ["same#1", "same#2", "same#3"]


async def test_futures_and_other_awaitables_are_items_too() -> None:
    """What can be awaited can stand there."""

    class Three:
        def __await__(self):
            yield from asyncio.sleep(0).__await__()
            return 3

    async def two() -> int:
        return 2

    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    future.set_result(1)

    assert await parallel(future, asyncio.create_task(two()), Three()) == [1, 2, 3]


async def test_no_more_than_the_limit_run_at_once() -> None:
    """The next one starts when one ends, in order."""
    doors = Doors()
    group = asyncio.create_task(parallel(*map(doors, "abcd"), max_concurrent=2))
    await turns()
    assert doors.log == ["a in", "b in"]
    doors.let("b")
    await turns()
    assert doors.log == ["a in", "b in", "b out", "c in"]
    doors.let("a", "c", "d")

    assert await group == ["A", "B", "C", "D"]


async def test_the_first_failure_cancels_the_rest_and_is_raised() -> None:
    """Nothing goes on behind the back of a workflow that has already failed."""
    doors = Doors()
    error = ValueError("no")

    with pytest.raises(ValueError, match="no") as raised:
        await parallel(doors("a"), failing(error), doors("b"), failing(KeyError("later")))

    assert raised.value is error
    assert doors.log == ["a in", "b in", "a cancelled", "b cancelled"]


async def test_a_failure_waits_for_the_clean_up_of_the_others() -> None:
    """When it is raised, everything of the group has ended."""
    log: list[str] = []
    release = asyncio.Event()
    group = asyncio.create_task(parallel(stubborn(log, release), failing(ValueError("no"))))
    await turns()
    assert not group.done()
    release.set()

    with pytest.raises(ValueError, match="no"):
        await group
    assert log == ["cleaned up"]


async def test_after_a_failure_nothing_new_starts() -> None:
    """Items behind the limit are dropped without a warning that nobody awaited them."""
    doors = Doors()

    with pytest.raises(ValueError, match="no"):
        await parallel(failing(ValueError("no")), doors("a"), doors("b"), max_concurrent=1)

    assert doors.log == []


async def test_cancelling_the_group_cancels_every_item() -> None:
    """In order, and the group ends only after them."""
    doors = Doors()
    group = asyncio.create_task(parallel(doors("a"), doors("b"), doors("c"), max_concurrent=2))
    await turns()
    group.cancel()

    with pytest.raises(asyncio.CancelledError):
        await group
    assert doors.log == ["a in", "b in", "a cancelled", "b cancelled"]


async def test_cancelling_twice_still_waits_for_the_clean_up() -> None:
    """A second cancel reaches the items again, and the group ends as cancelled, not as failed."""
    log: list[str] = []
    release = asyncio.Event()
    group = asyncio.create_task(parallel(stubborn(log, release), failing(ValueError("no"))))
    await turns()
    group.cancel()

    with pytest.raises(asyncio.CancelledError):
        await group


@pytest.mark.parametrize(
    "options", [{"return_exceptions": True}, {"raise_on_error": False}], ids=lambda o: next(iter(o))
)
async def test_errors_can_stand_among_the_results(options: dict[str, bool]) -> None:
    """Two words for it: ours, and the older one."""

    class Empty(Exception):
        """One that is false."""

        def __len__(self) -> int:
            return 0

    errors = [ValueError("no"), Empty(), asyncio.CancelledError()]
    doors = Doors()
    doors.let("a")

    results = await parallel(*map(failing, errors), doors("a"), **options)

    assert results[:2] == errors[:2]
    assert isinstance(results[2], asyncio.CancelledError)
    assert results[3] == "A"


async def test_an_item_that_was_cancelled_is_a_failure() -> None:
    """As with gather."""
    with pytest.raises(asyncio.CancelledError):
        await parallel(failing(asyncio.CancelledError()))


@pytest.mark.parametrize(
    ("calls", "options", "reason"),
    [
        ([failing], {}, r"item 1 of parallel cannot be awaited: .*call it"),
        ([7], {}, "item 1 of parallel cannot be awaited: 7"),
        ([], {"max_concurrent": 0}, "max_concurrent must be 1 or more, got 0"),
        ([], {"raise_on_error": True, "return_exceptions": True}, "contradict"),
    ],
    ids=["not called", "a number", "limit", "contradiction"],
)
async def test_what_cannot_be_is_refused(calls: list[Awaitable[str]], options: dict[str, object], reason: str) -> None:
    """Before anything starts; calls that stood beside it do not warn that nobody awaited them."""
    doors = Doors()

    with pytest.raises(InvalidDefinition, match=reason):
        await parallel(*calls, doors("a"), **options)  # type: ignore[call-overload]  # a table

    assert doors.log == []


async def test_leaving_in_the_middle_leaves_no_noise() -> None:
    """Unloading closes coroutines where they stand; nothing may be awaited then."""
    doors = Doors()
    group = parallel(doors("a"), doors("b"), max_concurrent=1)
    group.send(None)

    group.close()
    await turns(1)
    for left in asyncio.all_tasks() - {asyncio.current_task()}:
        left.cancel()
    await turns()

    assert doors.log == ["a in", "a cancelled"]


class TestMap:
    """`map` calls one task with every item."""

    async def test_results_stand_in_the_order_of_the_items(self) -> None:
        """Any iterable of items will do."""

        @task
        async def double(n: int) -> int:
            return 2 * n

        with running() as runtime:
            assert await map_tasks(double, iter(range(4)), max_concurrent=2) == [0, 2, 4, 6]

        assert runtime.begun == ["double#1", "double#2", "double#3", "double#4"]

    async def test_items_that_cannot_be_called_leave_no_calls_behind(self) -> None:
        """The ones before it were called and never begin."""

        @task
        async def double(n: int) -> int:
            return 2 * n

        def items():
            yield 1
            raise OSError("the list is gone")

        with running() as runtime:
            with pytest.raises(OSError, match="the list is gone"):
                await map_tasks(double, items())

        assert runtime.begun == []

    async def test_errors_can_stand_among_the_results(self) -> None:
        """The option of `parallel`."""
        errors = [ValueError("a"), ValueError("b")]

        assert await map_tasks(failing, errors, return_exceptions=True) == errors
