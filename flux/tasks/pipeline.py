"""`pipeline`: each stage gets what the one before it returned."""

import inspect
from collections.abc import Callable, Coroutine

from flux.errors import InvalidDefinition

Stage = Callable[..., object]


async def pipeline(*stages: Stage, input: object = None) -> object:
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
