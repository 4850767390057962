"""`workflow`: the durable function, made from an author's `async def`.

The object declares; it does not run. `.run()` and its kin open the engine of this process, which is
the one import in the house that climbs: authors run a file without knowing of daemons.
"""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar, Unpack, get_args, get_origin, get_type_hints

from flux.context import ExecutionContext
from flux.declaration.checks import place_of
from flux.declaration.workflow_options import WorkflowOptions, check_workflow

if TYPE_CHECKING:
    In = TypeVar("In", default=Any)
    R = TypeVar("R", default=Any)
else:  # `default` is for type checkers; Python takes it from 3.13 on
    In = TypeVar("In")
    R = TypeVar("R")

Body = Callable[[ExecutionContext[In]], Coroutine[Any, Any, R]]


class Workflow(Generic[In, R]):
    """A durable function.

    Attributes:
        fn: the function as it was written.
        name: by which people run it.
        namespace: as declared; None: that of the folder it lies in.
        file, line: where it is written.
        options: as they were given.
    """

    __name__: str
    __qualname__: str

    def __init__(self, fn: Body[In, R], options: WorkflowOptions) -> None:
        self.name, self.namespace = check_workflow(fn, options)
        self.__name__, self.__qualname__ = fn.__name__, fn.__qualname__
        self.__module__, self.__doc__ = fn.__module__, fn.__doc__
        self.fn = fn
        self.options = options
        self.file, self.line = place_of(fn)

    @property
    def input_type(self) -> object:
        """What `ctx: ExecutionContext[...]` says the input is; None if it says nothing that can be found out."""
        try:
            hints = get_type_hints(self.fn, include_extras=True)
        except (NameError, AttributeError, TypeError):
            return None  # a name that exists for type checkers only
        parameter = self.fn.__code__.co_varnames[0]
        annotation = hints.get(parameter)
        if get_origin(annotation) is not ExecutionContext:
            return None
        return get_args(annotation)[0]

    def run(self, input: object = None, *, execution_id: str | None = None) -> ExecutionContext[In]:
        """The execution when it rests: completed, failed, cancelled or paused.

        Args:
            execution_id: go on with this execution, if there is one; else the id of the new one.
        """
        from flux.local import run

        return run(self, input, execution_id)

    def resume(self, execution_id: str, input: object = None, *, pause: str | None = None) -> ExecutionContext[In]:
        """The execution when it rests again, after `input` was given to its oldest open pause, or to `pause`."""
        from flux.local import resume

        return resume(self, execution_id, input, pause)

    def cancel(self, execution_id: str) -> ExecutionContext[In]:
        """The execution when its clean-up is done."""
        from flux.local import cancel

        return cancel(self, execution_id)

    async def arun(self, input: object = None, *, execution_id: str | None = None) -> ExecutionContext[In]:
        """As `run`, for callers that have an event loop running."""
        from flux.local import arun

        return await arun(self, input, execution_id)

    def with_options(self, **options: Unpack[WorkflowOptions]) -> "Workflow[In, R]":
        """The same workflow with other options; those that are not named stay."""
        merged: WorkflowOptions = {**self.options, **options}
        return Workflow(self.fn, merged)

    def __repr__(self) -> str:
        return f"<workflow {self.name!r}>"


class _Decorate(Protocol):
    """Makes a workflow of an `async def`."""

    def __call__(self, fn: Body[In, R], /) -> Workflow[In, R]: ...


class WorkflowDecorator:
    """`@workflow` and `@workflow.with_options(...)`."""

    def __call__(self, fn: Body[In, R], /) -> Workflow[In, R]:
        """The workflow whose body is `fn`."""
        return Workflow(fn, {})

    def with_options(self, **options: Unpack[WorkflowOptions]) -> _Decorate:
        """A decorator that makes workflows with these options."""

        def decorate(fn: Body[In, R], /) -> Workflow[In, R]:
            return Workflow(fn, options)

        return decorate

    @property
    def workflow(self) -> "WorkflowDecorator":
        """Itself: `flux.workflow` is this object and not the module, and `flux.workflow.workflow` must name it too."""
        return self


workflow: Final = WorkflowDecorator()
