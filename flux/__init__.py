"""Flux: durable workflows on one machine. What authors import.

The modules are imported first and the names bound after: `flux.task` is a module and a decorator, and
importing a module puts it into its package under its name. Once all are imported, that happens no more,
so that `from flux import task` and `from flux.task import task` are the same in any order.
"""

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
