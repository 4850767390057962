"""What `@task` makes of a function, and what calling it gives."""

import asyncio
import collections.abc
import functools
import inspect
from collections.abc import Awaitable, Callable

import pytest

from flux.context import TaskMetadata
from flux.errors import InvalidDefinition, NoExecution
from flux.task import Task, task
from tests.inline import running


@task
async def add(a: int, b: int = 1, *, c: int = 0) -> int:
    """The sum."""
    return a + b + c


@task
def shout(text: str) -> str:
    return text.upper()


@task
async def forever() -> None:
    await asyncio.Event().wait()


class TestCall:
    """A call is a coroutine: its place is taken when it is made, it begins when it is first awaited."""

    async def test_a_call_takes_its_place_when_it_is_made_and_begins_when_it_is_awaited(self) -> None:
        """Ids follow the program's text, not the order of awaits."""
        with running() as runtime:
            first, second = add(1), add(2)
            assert (runtime.placed, runtime.begun) == (["add#1", "add#2"], [])

            values = [await second, await first]

        assert values == [3, 2]
        assert runtime.begun == ["add#2", "add#1"]

    async def test_a_def_is_awaited_like_an_async_def(self) -> None:
        """Whether a body is `async` is its own business, not its caller's."""
        with running():
            assert await shout("hello") == "HELLO"

    async def test_a_call_is_a_coroutine_to_everybody_who_asks(self) -> None:
        """Libraries ask in different ways; all of them are answered yes."""
        with running():
            call = add(1)

            assert isinstance(call, collections.abc.Coroutine)
            assert asyncio.iscoroutine(call)
            assert inspect.isawaitable(call)
            call.close()

    @pytest.mark.parametrize(
        "through",
        [
            lambda call: asyncio.gather(call),
            lambda call: asyncio.create_task(call),
            lambda call: asyncio.ensure_future(call),
            lambda call: asyncio.wait_for(call, 10),
            lambda call: asyncio.shield(call),
        ],
        ids=["gather", "create_task", "ensure_future", "wait_for", "shield"],
    )
    async def test_asyncio_takes_a_call(self, through: Callable[[Awaitable[int]], Awaitable[object]]) -> None:
        """Whatever asyncio does with coroutines, it does with calls."""
        with running():
            assert await through(add(1)) in (2, [2])

    async def test_a_task_group_takes_calls(self) -> None:
        """TaskGroup is how structured code is written."""
        with running() as runtime:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(add(n)) for n in (1, 2)]

        assert [one.result() for one in tasks] == [2, 3]
        assert runtime.begun == ["add#1", "add#2"]

    async def test_a_call_is_awaited_once(self) -> None:
        """A second await would ask for a second effect under the same id."""
        with running() as runtime:
            call = add(1)
            await call

            with pytest.raises(RuntimeError, match="already awaited"):
                await call

        assert runtime.begun == ["add#1"]

    async def test_a_call_that_nobody_awaits_warns(self) -> None:
        """A forgotten `await` is told by the name of the task, as for every coroutine."""
        with running() as runtime, pytest.warns(RuntimeWarning, match="'add' was never awaited"):
            add(1)  # type: ignore[unused-coroutine]  # that is the point

        assert runtime.begun == []

    async def test_a_closed_call_never_begins_and_does_not_warn(self) -> None:
        """`close()` is how one says that it is not needed after all."""
        with running() as runtime:
            call = add(1)
            call.close()

            with pytest.raises(RuntimeError):
                await call

        assert runtime.begun == []

    async def test_a_call_into_which_is_thrown_never_begins(self) -> None:
        """An exception thrown before the first step comes straight back."""
        with running() as runtime:
            with pytest.raises(KeyError):
                add(1).throw(KeyError("x"))

        assert runtime.begun == []

    async def test_a_call_cancelled_before_its_first_step_never_begins(self) -> None:
        """A task that never got its turn leaves no trace."""
        with running() as runtime:
            waiting = asyncio.create_task(add(1))
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

        assert runtime.begun == []

    async def test_a_running_call_can_be_cancelled(self) -> None:
        """Cancelling reaches what the call waits for."""
        with running() as runtime:
            waiting = asyncio.create_task(forever())
            await asyncio.sleep(0)
            assert runtime.begun == ["forever#1"]
            waiting.cancel()

            with pytest.raises(asyncio.CancelledError):
                await waiting

    def test_outside_of_an_execution_a_call_says_what_to_do(self) -> None:
        """The hint names the plain function."""
        with pytest.raises(NoExecution, match=r"add\.fn\(\.\.\.\)"):
            add(1)  # type: ignore[unused-coroutine]  # it raises

    async def test_the_plain_function_needs_no_execution(self) -> None:
        """`.fn` is what the author wrote."""
        assert (await add.fn(1), shout.fn("x")) == (2, "X")

    @pytest.mark.parametrize(
        "wrong",
        [
            lambda: add(),  # type: ignore[call-arg]  # wrong on purpose, like the others
            lambda: add(1, 2, 3),  # type: ignore[call-arg]  # see above
            lambda: add(1, d=4),  # type: ignore[call-arg]  # see above
            lambda: add(1, a=4),  # type: ignore[misc]  # see above
            lambda: add(b=4),  # type: ignore[call-arg]  # see above
        ],
        ids=["too few", "too many", "unknown", "twice", "missing"],
    )
    async def test_wrong_arguments_are_refused_at_the_call(self, wrong: Callable[[], object]) -> None:
        """As for a function: TypeError where it is called, before anything is placed."""
        with running() as runtime:
            with pytest.raises(TypeError, match=r"add\(\)"):
                wrong()

        assert runtime.placed == []

    async def test_keyword_only_and_variable_arguments_are_bound_as_python_does(self) -> None:
        """The quick check of the number of arguments never refuses what Python takes, nor the other way round."""

        @task
        async def named(*, key: str) -> str:
            return key

        @task
        async def many(first: int, *rest: int) -> int:
            return first + sum(rest)

        with running():
            with pytest.raises(TypeError):
                named()  # type: ignore[call-arg, unused-coroutine]  # wrong on purpose
            assert (await named(key="k"), await many(1, 2, 3), await add(1, c=3)) == ("k", 6, 5)


class TestMap:
    """`.map` calls the task with each item."""

    async def test_results_stand_in_the_order_of_the_items(self) -> None:
        """Also where items end in another order."""
        with running() as runtime:
            assert await shout.map(["a", "b", "c"]) == ["A", "B", "C"]

        assert runtime.begun == ["shout#1", "shout#2", "shout#3"]


class TestDeclaration:
    """Options are checked when the file is imported."""

    def test_a_task_looks_like_its_function(self) -> None:
        """Name, docstring and module are the function's, so that help and tracebacks are."""
        assert (add.__name__, add.__doc__, add.__module__) == ("add", "The sum.", __name__)
        assert list(inspect.signature(add).parameters) == ["a", "b", "c"]

    def test_seconds_become_milliseconds(self) -> None:
        """The one place where the unit changes."""

        @task.with_options(
            retry_max_attempts=3, retry_delay=0.5, retry_backoff=3, retry_max_delay=60, retry_jitter="full", timeout=1.5
        )
        async def charge() -> None: ...

        retry = charge.spec.retry
        assert (retry.max_attempts, retry.delay, retry.backoff, retry.max_delay) == (3, 500, 3, 60_000)
        assert (retry.jitter, charge.spec.timeout) == ("full", 1500)

    def test_without_options_nothing_is_retried_and_nothing_times_out(self) -> None:
        """The defaults of the table."""
        retry = add.spec.retry
        assert (retry.max_attempts, retry.delay, retry.backoff, retry.max_delay) == (0, 1000, 2, 600_000)
        assert (retry.jitter, add.spec.timeout, add.spec.exempt, add.spec.injects) == ("none", 0, False, frozenset())

    @pytest.mark.parametrize(
        ("run", "is_async", "place"),
        [
            ("auto", True, "loop"),
            ("auto", False, "process"),
            ("loop", False, "loop"),
            ("process", True, "process"),
        ],
    )
    def test_bodies_run_where_the_option_says(self, run: str, is_async: bool, place: str) -> None:
        """`async def` on the worker's loop, `def` in a process, unless the author knows better."""
        made = task.with_options(run=run)(add.fn if is_async else shout.fn)  # type: ignore[arg-type]  # a table of words

        assert (made.spec.place, made.spec.is_async) == (place, is_async)

    def test_other_options_of_a_task_keep_the_rest(self) -> None:
        """`charge.with_options(...)` is a new task; the old one stays as it was."""
        patient = add.with_options(timeout=5).with_options(name="patient")

        assert (patient.spec.timeout, patient.name) == (5000, "patient")
        assert (add.spec.timeout, add.name) == (0, "add")

    def test_a_task_may_be_anothers_fallback(self) -> None:
        """Fallbacks and rollbacks are functions or tasks."""
        careful = add.with_options(fallback=shout, rollback=print)

        assert (careful.spec.fallback, careful.spec.rollback) == (shout, print)

    @pytest.mark.parametrize(
        "neutral",
        [
            {"cache": False},
            {"secret_requests": [], "config_requests": []},
            {"output_storage": None},
            {"output_storage": "inline"},
            {"requires_approval": False},
            {"metadata": False, "auth_exempt": True},
            {"timeout": 0, "fallback": None, "rollback": None, "retry_max_attempts": 0},
            {"on_interrupt": "retry", "sensitive": False, "max_concurrent": None, "rate": None},
        ],
        ids=lambda options: " ".join(options),
    )
    def test_options_that_ask_for_nothing_are_accepted(self, neutral: dict[str, object]) -> None:
        """Files that spell out a default load."""
        assert isinstance(task.with_options(**neutral)(add.fn), Task)  # type: ignore[arg-type]  # a table of options

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ({"cache": True}, "cache=True is not available in this version"),
            ({"cache": 0}, "cache=0 is not available"),
            ({"secret_requests": ["TOKEN"]}, "secret_requests=.* is not available"),
            ({"requires_approval": True}, "requires_approval=True is not available"),
            ({"compensate": print}, "compensate=.* is not available"),
            ({"on_interrupt": "ask"}, "on_interrupt='ask' is not available"),
            ({"retry_max_attempt": 3}, "no option 'retry_max_attempt'; did you mean 'retry_max_attempts'"),
            ({"colour": "red"}, "no option 'colour'"),
            ({"retry_max_attempts": -1}, "retry attempts must be 0"),
            ({"retry_max_attempts": 1.5}, "retry attempts must be 0"),
            ({"retry_delay": -1}, "retry_delay must be 0"),
            ({"retry_delay": float("nan")}, "retry_delay must be 0"),
            ({"retry_delay": 90_000}, "retry delay must be 0..86400000 ms"),
            ({"retry_backoff": 0.5}, "retry backoff must be 1"),
            ({"retry_jitter": "some"}, "retry jitter must be 'none' or 'full'"),
            ({"timeout": "1m"}, "timeout must be 0"),
            ({"timeout": True}, "timeout must be 0"),
            ({"fallback": 1}, "fallback must be a function or a task"),
            ({"auth_exempt": "yes"}, "auth_exempt must be True or False"),
            ({"run": "thread"}, "run must be 'auto', 'loop' or 'process'"),
            ({"metadata": True}, "metadata=True needs a parameter of that name"),
            ({"name": "no spaces"}, "a task's name must match"),
            ({"name": "x" * 201}, "at most 200 characters"),
            ({"name": "add_{z}"}, "asks for 'z', which is no parameter"),
            ({"name": "add_{}"}, "asks for ''"),
            ({"name": "add_{a"}, "is no template"),
            ({"name": "add {a}"}, "what a task's name is made of"),
        ],
        ids=str,
    )
    def test_options_that_cannot_be_are_refused_with_file_and_line(
        self, options: dict[str, object], reason: str
    ) -> None:
        """Nothing is silently accepted that would not happen."""
        with pytest.raises(InvalidDefinition, match=reason) as refused:
            task.with_options(**options)(add.fn)  # type: ignore[arg-type]  # a table of options

        assert refused.value.facts == {"file": __file__, "line": add.fn.__code__.co_firstlineno}

    @pytest.mark.parametrize("name", ["add_{a}", "add_{a.real}_{b}", "{a}", "add_{a:03d}", "add_{a!r}"])
    def test_a_name_may_be_a_template_over_the_arguments(self, name: str) -> None:
        """Templates are kept as declared; the runtime fills them in."""
        assert add.with_options(name=name).name == name

    def test_what_is_no_function_is_refused(self) -> None:
        """Classes, callables and tasks themselves have no body of their own."""
        for wrong in (int, functools.partial(print), add, 7):
            with pytest.raises(InvalidDefinition, match="a task is made from a function"):
                task(wrong)  # type: ignore[arg-type]  # wrong on purpose

    def test_what_yields_is_refused(self) -> None:
        """A task has one result, which the log can keep."""

        def numbers():
            yield 1

        async def letters():
            yield "a"

        for wrong in (numbers, letters):
            with pytest.raises(InvalidDefinition, match="yields"):
                task(wrong)

    def test_a_lambda_needs_a_name(self) -> None:
        """`<lambda>` names nothing in a log; with a name it is as good as any function."""
        with pytest.raises(InvalidDefinition, match="give it one with name="):
            task(lambda x: x)

        assert task.with_options(name="same")(lambda x: x).name == "same"

    def test_the_decorator_answers_to_its_modules_dotted_name(self) -> None:
        """`flux.task.task` is the decorator although `flux.task` is no module for importers."""
        assert task.task is task


class TestMetadata:
    """`metadata=True` gives the body a keyword that callers do not see."""

    @staticmethod
    def _declared() -> Task[[int], str]:
        @task.with_options(metadata=True)
        async def work(n: int, *, metadata: TaskMetadata | None = None) -> str:
            return f"{n} {metadata.task_id if metadata else None}"

        return work

    async def test_the_body_gets_it(self) -> None:
        """What it holds is the runtime's business; that it comes as a keyword is ours."""
        with running():
            assert await self._declared()(1) == "1 work#1"

    async def test_a_call_cannot_give_it(self) -> None:
        """Else a caller could forge an idempotency key."""
        with running(), pytest.raises(TypeError, match="gets 'metadata' from Flux"):
            self._declared()(1, metadata=None)  # type: ignore[call-arg, unused-coroutine]  # wrong on purpose

    def test_it_must_be_able_to_come_as_a_keyword(self) -> None:
        """A parameter in front of those that callers fill would be filled by them."""

        async def first(metadata: TaskMetadata, n: int) -> None: ...

        async def only(metadata: TaskMetadata, /) -> None: ...

        async def anything(n: int, **rest: object) -> None: ...

        for wrong in (first, only):
            with pytest.raises(InvalidDefinition, match="put that parameter last"):
                task.with_options(metadata=True)(wrong)
        assert task.with_options(metadata=True)(anything).spec.injects == {"metadata"}

    def test_a_name_is_made_of_what_callers_give(self) -> None:
        """The runtime's keywords are not known yet when a call gets its name."""
        with pytest.raises(InvalidDefinition, match="asks for 'metadata'"):
            self._declared().with_options(name="work_{metadata}")
