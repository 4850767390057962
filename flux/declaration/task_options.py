"""The options of a task: which there are, what they may say, and the `TaskSpec` they make.

Authors write seconds, a `TaskSpec` has milliseconds. An option whose machinery does not exist yet is
accepted only at the value that asks for nothing, so that no author relies on what does not happen.
"""

import inspect
from collections.abc import Sequence
from string import Formatter
from typing import Final, Literal, Never, TypedDict

from flux.core.retry import RetryPolicy
from flux.declaration.checks import Function, check_name, milliseconds, refusal, refuse_unavailable
from flux.errors import InvalidInput
from flux.runtime import TaskSpec

_PLACES: Final[dict[tuple[object, bool], str]] = {
    ("auto", True): "loop",
    ("auto", False): "process",
    ("loop", True): "loop",
    ("loop", False): "loop",
    ("process", True): "process",
    ("process", False): "process",
}
_NOTHING: Final[tuple[object, ...]] = ([], (), None)
_NEUTRAL: Final[dict[str, tuple[object, ...]]] = {
    "retry": (None,),
    "total_timeout": (0, 0.0, None),
    "compensate": (None,),
    "secret_requests": _NOTHING,
    "config_requests": _NOTHING,
    "cache": (False, None),
    "output_storage": (None, "inline"),
    "requires_approval": (False, None),
    "on_interrupt": ("retry",),
    "sensitive": (False,),
    "digest_exclude": _NOTHING,
    "key": (None,),
    "requires": ({}, None),
    "max_concurrent": (None,),
    "rate": (None,),
}


class TaskOptions(TypedDict, total=False):
    """What `task.with_options` takes. From `cache` on: only the value that says no, so far."""

    name: str
    retry_max_attempts: int
    retry_delay: float
    retry_backoff: float
    retry_max_delay: float
    retry_jitter: Literal["none", "full"]
    timeout: float
    fallback: Function | None
    rollback: Function | None
    metadata: bool
    auth_exempt: bool
    run: Literal["auto", "loop", "process"]
    cache: Literal[False]
    output_storage: Literal["inline"] | None
    secret_requests: Sequence[Never]
    config_requests: Sequence[Never]
    requires_approval: Literal[False]
    on_interrupt: Literal["retry"]
    sensitive: Literal[False]


def spec_of(fn: Function, options: TaskOptions) -> TaskSpec:
    """What running the task needs to know.

    Raises:
        InvalidDefinition: an option that does not exist, is not available yet, or says what cannot be.
    """
    refuse_unavailable(fn, options, TaskOptions.__annotations__, _NEUTRAL)
    is_async = inspect.iscoroutinefunction(fn)
    run = options.get("run", "auto")
    if (run, is_async) not in _PLACES:
        raise refusal(fn, f"run must be 'auto', 'loop' or 'process', got {run!r}")
    injects = _injects(fn, _flag(fn, "metadata", options.get("metadata", False)))
    return TaskSpec(
        name=_name(fn, options.get("name") or fn.__name__, injects),
        fn=fn,
        is_async=is_async,
        place=_PLACES[run, is_async],
        retry=_retry(fn, options),
        timeout=milliseconds(fn, "timeout", options.get("timeout") or 0),
        fallback=_plan(fn, "fallback", options.get("fallback")),
        rollback=_plan(fn, "rollback", options.get("rollback")),
        exempt=_flag(fn, "auth_exempt", options.get("auth_exempt", False)),
        injects=injects,
    )


def _name(fn: Function, name: object, injects: frozenset[str]) -> str:
    """`name` as declared. Between the fields of a template stands what could stand in a name."""
    if not isinstance(name, str) or "{" not in name:
        return check_name(fn, "a task's name", name)
    try:
        parts = [(text, field) for text, field, _, _ in Formatter().parse(name)]
    except ValueError as error:
        raise refusal(fn, f"the task's name {name!r} is no template: {error}") from error
    known = inspect.signature(fn).parameters.keys() - injects
    for _, field in parts:
        root = None if field is None else field.partition(".")[0].partition("[")[0]
        if root is not None and root not in known:
            raise refusal(fn, f"the task's name {name!r} asks for {root!r}, which is no parameter of the task")
    check_name(fn, "what a task's name is made of", "".join(text + ("x" if field else "") for text, field in parts))
    return name


def _retry(fn: Function, options: TaskOptions) -> RetryPolicy:
    try:
        return RetryPolicy(
            max_attempts=options.get("retry_max_attempts", 0),
            delay=milliseconds(fn, "retry_delay", options.get("retry_delay", 1)),
            backoff=options.get("retry_backoff", 2),
            max_delay=milliseconds(fn, "retry_max_delay", options.get("retry_max_delay", 600)),
            jitter=options.get("retry_jitter", "none"),
        )
    except InvalidInput as error:
        raise refusal(fn, str(error)) from error


def _plan(fn: Function, option: str, plan: object) -> Function | None:
    if plan is not None and not callable(plan):
        raise refusal(fn, f"{option} must be a function or a task, got {plan!r}")
    return plan


def _flag(fn: Function, option: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise refusal(fn, f"{option} must be True or False, got {value!r}")
    return value


def _injects(fn: Function, metadata: bool) -> frozenset[str]:
    """The keywords that the runtime adds, if the function can take them as keywords."""
    if not metadata:
        return frozenset()
    parameters = list(inspect.signature(fn).parameters.values())
    names = [p.name for p in parameters]
    if "metadata" in names:
        found = parameters[names.index("metadata")]
        behind = parameters[names.index("metadata") + 1 :]
        if found.kind is found.POSITIONAL_ONLY or (
            found.kind is found.POSITIONAL_OR_KEYWORD
            and any(p.kind in (p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL) for p in behind)
        ):
            raise refusal(fn, "metadata is given as a keyword: put that parameter last, or behind a `*`")
    elif not any(p.kind is p.VAR_KEYWORD for p in parameters):
        raise refusal(fn, "metadata=True needs a parameter of that name: `*, metadata: TaskMetadata`")
    return frozenset({"metadata"})
