"""`task`: a recorded step inside an execution, made from an author's function.

Calling a task does not run it. It takes the call's place in the program and gives a coroutine, which
begins the call when it is first awaited. What runs where, what is recorded and when is the business
of the `Runtime`; there is no I/O here and nothing is kept between calls.
"""

import inspect
from collections.abc import Callable, Coroutine, Iterable
from functools import update_wrapper
from math import inf
from typing import Any, Final, Generic, Literal, ParamSpec, Protocol, TypeVar, Unpack, overload

from flux.declaration.checks import check_function
from flux.declaration.task_options import TaskOptions, spec_of
from flux.errors import NoExecution
from flux.runtime import RUNTIME, PendingCall
from flux.tasks.parallel import map_items

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")
Call = Coroutine[Any, Any, R]  # what calling an `async def` gives, so that both are used alike


class Task(Generic[P, R]):
    """A function whose calls are recorded.

    Attributes:
        fn: the function as it was written, for tests and for use outside of workflows.
        spec: what running it needs to know.
        options: as they were given.
    """

    fn: Callable[P, Any]  # gives R, or a coroutine of it where it is written with `async def`
    __name__: str
    __qualname__: str

    def __init__(self, fn: Callable[P, object], options: TaskOptions) -> None:
        check_function(fn, "task")
        update_wrapper(self, fn)
        self.fn = fn
        self.options = options
        self.spec = spec_of(fn, options)
        self._arguments = _Arguments(fn, self.spec.injects)

    @property
    def name(self) -> str:
        """As declared; may be a template over the arguments."""
        return self.spec.name

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
        """A call at this place of the program. It begins when it is first awaited.

        Raises:
            NoExecution: no execution is running here.
            TypeError: the function does not take these arguments.
        """
        runtime = RUNTIME.get()
        if runtime is None:
            raise NoExecution(
                f"task {self.name!r} was called where no execution is running; call it in a workflow, "
                f"or call its plain function: {self.__name__}.fn(...)"
            )
        self._arguments.check(args, kwargs)
        call = _run(runtime.call(self.spec, args, kwargs))
        call.__qualname__ = self.spec.name  # type: ignore[attr-defined]  # coroutines have it, their ABC does not say so
        return call

    @overload
    def map(
        self: "Callable[[A], Call[R]]",
        items: Iterable[A],
        max_concurrent: int | None = None,
        return_exceptions: Literal[False] = False,
    ) -> Call[list[R]]: ...
    @overload
    def map(
        self: "Callable[[A], Call[R]]",
        items: Iterable[A],
        max_concurrent: int | None = None,
        return_exceptions: bool = False,
    ) -> Call[list[R | BaseException]]: ...
    def map(
        self: "Callable[[A], Call[R]]",
        items: Iterable[A],
        max_concurrent: int | None = None,
        return_exceptions: bool = False,
    ) -> object:
        """The results of calling it with each of `items`, in their order. Options as those of `parallel`."""
        return map_items(self, items, max_concurrent, return_exceptions)

    def with_options(self, **options: Unpack[TaskOptions]) -> "Task[P, R]":
        """The same task with other options; those that are not named stay."""
        merged: TaskOptions = {**self.options, **options}
        return Task(self.fn, merged)

    def __repr__(self) -> str:
        return f"<task {self.name!r}>"


class _Decorate(Protocol):
    """Makes a task of a function, `async` or not."""

    @overload
    def __call__(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Task[P, R]: ...


class TaskDecorator:
    """`@task` and `@task.with_options(...)`."""

    @overload
    def __call__(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Task[P, R]: ...
    def __call__(self, fn: Callable[P, object], /) -> Task[P, Any]:
        """The task whose body is `fn`."""
        return Task(fn, {})

    def with_options(self, **options: Unpack[TaskOptions]) -> _Decorate:
        """A decorator that makes tasks with these options."""

        def decorate(fn: Callable[P, object], /) -> Task[P, Any]:
            return Task(fn, options)

        return decorate

    @property
    def task(self) -> "TaskDecorator":
        """Itself: `flux.task` is this object and not the module, and `flux.task.task` must name it too."""
        return self


task: Final = TaskDecorator()


async def _run(pending: PendingCall) -> Any:  # the codec gives back what the author's function returned
    return await pending.start()


class _Arguments:
    """Which arguments a task takes. Wrong ones are refused at the call, as Python does it for functions."""

    def __init__(self, fn: Callable[..., object], injected: frozenset[str]) -> None:
        signature = inspect.signature(fn)
        given = [p for p in signature.parameters.values() if p.name not in injected]
        positional = [p for p in given if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        needs_names = any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in given)
        takes_any = any(p.kind is p.VAR_POSITIONAL for p in given)
        self._name = fn.__name__
        self._injected = injected
        self._signature = signature.replace(parameters=given)
        self._least = inf if needs_names else sum(p.default is p.empty for p in positional)
        self._most = inf if takes_any else len(positional)

    def check(self, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        """Raise TypeError if the function cannot be called so. Comparing two numbers answers most calls."""
        if not kwargs and self._least <= len(args) <= self._most:
            return
        for name in self._injected & kwargs.keys():
            raise TypeError(f"{self._name}() gets {name!r} from Flux; a call cannot give it")
        try:
            self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self._name}() {error}") from None
