"""Flux: durable workflows on one machine. What authors import.

A name is fetched from its module when somebody asks for it, so that a program which needs only a part of
Flux (the command line) does not pay for all of it.

`flux.task` is a module and a decorator, and importing a module puts it into its package under its name.
The names below are therefore data descriptors of the package's class: they answer before anything that
an import may have put there, so that `from flux import task` and `from flux.task import task` give the
same in any order.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flux.context import ExecutionContext, ExecutionEvent, ExecutionEventType, ExecutionState, TaskMetadata
    from flux.task import task
    from flux.tasks.pause import pause
    from flux.workflow import workflow

__all__ = [
    "ExecutionContext",
    "ExecutionEvent",
    "ExecutionEventType",
    "ExecutionState",
    "TaskMetadata",
    "pause",
    "task",
    "workflow",
]

_MODULES: Final = frozenset({"client", "codec", "context", "errors", "tasks", "testing"})
"""What `import flux` alone also offers, as in `flux.tasks.parallel(…)`."""


class _Name:
    """One public name of the package: always what its module has, whatever an import puts in its place."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._name = ""

    def __set_name__(self, _face: type, name: str) -> None:
        self._name = name

    def __get__(self, _face: ModuleType | None, _kind: type) -> object:
        return getattr(import_module(self._home), self._name)

    def __set__(self, _face: ModuleType, _value: object) -> None:
        """Nothing: this is how an import binds a module that has just been loaded."""


class _Face(ModuleType):
    """The package, with its public names on it."""

    ExecutionContext = _Name("flux.context")
    ExecutionEvent = _Name("flux.context")
    ExecutionEventType = _Name("flux.context")
    ExecutionState = _Name("flux.context")
    TaskMetadata = _Name("flux.context")
    pause = _Name("flux.tasks.pause")
    task = _Name("flux.task")
    workflow = _Name("flux.workflow")

    def __getattr__(self, name: str) -> ModuleType:
        if name in _MODULES:
            return import_module(f"flux.{name}")
        raise AttributeError(f"module 'flux' has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *__all__, *_MODULES})


sys.modules[__name__].__class__ = _Face
