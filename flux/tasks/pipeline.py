"""`pipeline`: each stage gets what the one before it returned."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar, overload

from flux.errors import InvalidDefinition

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
Step = Callable[[A], Awaitable[B]]
Stage = Callable[..., object]


@overload
async def pipeline(first: Step[A, B], /, *, input: A) -> B: ...
@overload
async def pipeline(first: Step[A, B], second: Step[B, C], /, *, input: A) -> C: ...
@overload
async def pipeline(first: Step[A, B], second: Step[B, C], third: Step[C, D], /, *, input: A) -> D: ...
@overload
async def pipeline(
    first: Step[A, B], second: Step[B, C], third: Step[C, D], fourth: Step[D, E], /, *, input: A
) -> E: ...
@overload
async def pipeline(*stages: Stage, input: object = None) -> Any: ...  # longer ones, plain functions among them
async def pipeline(*stages: Stage, input: object = None) -> Any:
    """The last stage's result, when the first was called with `input` and each later one with the result before it.

    Args:
        stages: tasks, or other functions of one argument; what they return is awaited if it can be.

    Raises:
        InvalidDefinition: there is no stage, or one that cannot be called.
        Exception: what a stage raised, with a note that names the stage.
    """
    _check(stages)
    value = input
    for number, stage in enumerate(stages, 1):
        try:
            result = stage(value)
            value = await result if inspect.isawaitable(result) else result
        except Exception as error:
            error.add_note(f"in stage {number} of {len(stages)} of a pipeline: {_name(stage)}")
            raise
    return value


def _check(stages: tuple[object, ...]) -> None:
    if not stages:
        raise InvalidDefinition("a pipeline needs at least one stage")
    for number, stage in enumerate(stages, 1):
        if not callable(stage):
            hint = ""
            if isinstance(stage, Coroutine):
                stage.close()
                hint = "; give the task itself, without calling it"
            raise InvalidDefinition(f"stage {number} of a pipeline cannot be called: {stage!r}{hint}", stage=number)


def _name(stage: Stage) -> str:
    return str(getattr(stage, "__name__", None) or stage)
