"""The options of a workflow: which there are and what they may say.

An option whose machinery does not exist yet is accepted only at the value that asks for nothing, so
that no author relies on what does not happen.
"""

import inspect
from collections.abc import Sequence
from typing import Final, Literal, Never, TypedDict

from flux.declaration.checks import NAMESPACE, Function, check_function, check_name, refusal, refuse_unavailable

_NOTHING: Final[tuple[object, ...]] = ([], (), None)
_NEUTRAL: Final[dict[str, tuple[object, ...]]] = {
    "schedule": (None,),
    "secret_requests": _NOTHING,
    "output_storage": (None, "inline"),
    "timeout": (0, 0.0, None),
    "on_failure": (None,),
    "max_concurrent": (None,),
    "concurrency_key": (None,),
    "priority": (0, None),
    "retention": (None,),
    "durability": ("durable", None),
    "patched": _NOTHING,
    "upgrade": ("pin", None),
}


class WorkflowOptions(TypedDict, total=False):
    """What `workflow.with_options` takes. From `schedule` on: only the value that says no, so far."""

    name: str
    namespace: str | None
    schedule: None
    secret_requests: Sequence[Never]
    output_storage: Literal["inline"] | None
    durability: Literal["durable"]
    upgrade: Literal["pin"]


def check_workflow(fn: Function, options: WorkflowOptions) -> tuple[str, str | None]:
    """The name of the workflow that `fn` declares, and its namespace; None: that of its folder.

    Raises:
        InvalidDefinition: `fn` cannot be a workflow, or an option cannot be what it says.
    """
    check_function(fn, "workflow")
    if not inspect.iscoroutinefunction(fn):
        raise refusal(fn, f"workflow {fn.__name__!r} must be written with `async def`")
    _check_parameters(fn)
    refuse_unavailable(fn, options, WorkflowOptions.__annotations__, _NEUTRAL)
    namespace = options.get("namespace")
    if namespace is not None:
        check_name(fn, "a namespace", namespace, NAMESPACE)
    return check_name(fn, "a workflow's name", options.get("name") or fn.__name__), namespace


def _check_parameters(fn: Function) -> None:
    """A workflow is called with its context and nothing else."""
    try:
        inspect.signature(fn).bind(object())
    except TypeError:
        found = ", ".join(inspect.signature(fn).parameters) or "none"
        raise refusal(
            fn,
            f"workflow {fn.__name__!r} must take one argument, its ExecutionContext; its parameters: {found}",
        ) from None
