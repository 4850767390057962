"""What clients send beside inputs, as models: query parameters and the bodies of actions.

A model says everything there is to say about a request: names, types, bounds, defaults. A name it does
not know is refused, with the nearest one it knows. Durations are seconds as numbers, or like `90s`,
`10m`, `2h`. Answers have no models: they are the plain shapes of `shapes.py`.

This is the one module that imports pydantic; only the daemon imports it.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from flux.core.execution import State
from flux.errors import Invalid
from flux.wire.shapes import FieldProblem

LONGEST_WAIT: Final = 600  # seconds; whoever wants to wait longer asks again
MAX_PAGE: Final = 1_000
_SECONDS: Final = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)", re.ASCII)


def seconds(text: str) -> float:
    """The seconds that a duration says: `90`, `1.5s`, `500ms`, `10m`, `2h`, `1d`.

    Raises:
        ValueError: it is none.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:40]!r} is no duration: give seconds, or 90s, 10m, 2h, 1d")
    return float(match[1]) * _SECONDS[match[2]]


def _label(text: str) -> str:
    name, colon, _ = text.partition(":")
    if not colon or not name:
        raise ValueError(f"{text[:40]!r} is no label: give name:value")
    return text


def _cut(values: object) -> object:
    """Lists may also be given as one text with commas."""
    if not isinstance(values, list):
        return values
    return [part.strip().upper() for value in values for part in str(value).split(",") if part.strip()]


Seconds = Annotated[float, BeforeValidator(seconds)]
Wait = Annotated[Seconds, Field(ge=0, le=LONGEST_WAIT)]
Position = Annotated[int, Field(ge=0, lt=2**63)]
Label = Annotated[str, Field(max_length=200), AfterValidator(_label)]


class Request(BaseModel):
    """What a client sends, checked by name and type."""

    # Deferred: a schema is built when its first request comes, not when the daemon starts.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class StartQuery(Request):
    """How an execution is to be started."""

    version: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    label: Annotated[list[Label], Field(max_length=50)] = []

    def labels(self) -> dict[str, str]:
        """The labels by name."""
        pairs = (label.partition(":") for label in self.label)
        return {name: value for name, _, value in pairs}


class RunQuery(StartQuery):
    """The same, and how long to wait for it."""

    wait: Wait = 60.0


class ExecutionQuery(Request):
    """Whether to wait until one execution rests."""

    wait: Wait = 0.0


class PageQuery(Request):
    """Which executions a list shows."""

    state: Annotated[list[State], BeforeValidator(_cut)] = []
    workflow: Annotated[str, Field(max_length=300)] | None = None
    namespace: Annotated[str, Field(max_length=100)] | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50
    cursor: Annotated[str, Field(max_length=100)] | None = None


class EventsQuery(Request):
    """From where a stream or a list of events begins, and where it ends."""

    after: Position | None = None
    until: Annotated[str, Field(pattern="^resting$")] | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 500


class LogsQuery(Request):
    """From which line the captured output begins."""

    after: Position = 0
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = MAX_PAGE


class VersionQuery(Request):
    """Which version of a workflow is meant; without a number the one that new executions get."""

    version: Annotated[int, Field(ge=1, lt=2**31)] | None = None


class ResumeBody(Request):
    """The answer to a pause: the oldest open one, or the one named."""

    input: Any = None
    pause: Annotated[str, Field(max_length=1000)] | None = None


_M = TypeVar("_M", bound=Request)


def from_query(model: type[_M], given: Iterable[tuple[str, str]]) -> _M:
    """The model that query parameters fill in.

    Raises:
        Invalid: a name is unknown or given twice, or a value does not fit; `facts["errors"]` has all of them.
    """
    lists = {name for name, field in model.model_fields.items() if field.default == []}
    found: dict[str, Any] = {}
    for name, value in given:
        if name in lists:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise Invalid(f"the parameter {name[:60]!r} is given twice")
        else:
            found[name] = value
    return _check(model, found, "parameter")


def from_body(model: type[_M], body: object) -> _M:
    """The model that a JSON body fills in.

    Raises:
        Invalid: it is no object, a key is unknown, or a value does not fit.
    """
    if not isinstance(body, Mapping):
        raise Invalid(f"the body must be an object with {' and '.join(sorted(model.model_fields))}")
    return _check(model, body, "key")


def _check(model: type[_M], found: Mapping[str, Any], what: str) -> _M:
    try:
        return model.model_validate(found)
    except ValidationError as exc:
        problems = [_problem(model, dict(error), what) for error in exc.errors(include_url=False)]
    raise Invalid("; ".join(f"{one['pointer']}: {one['detail']}" for one in problems), errors=problems)


def _problem(model: type[BaseModel], error: Mapping[str, Any], what: str) -> FieldProblem:
    """What pydantic says, in our words where its own are about Python."""
    place: Sequence[str | int] = error["loc"]
    word = _WORDS.get(error["type"])
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(place[0]), model.model_fields, n=1)
        known = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(model.model_fields))}"
        detail = f"there is no such {what}; {known}"
    else:
        detail = word(error.get("ctx", {})) if word is not None else str(error["msg"]).removeprefix("Value error, ")
    return {"pointer": "/".join(str(step)[:60] for step in place), "detail": detail}


_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "int_parsing": lambda _: "must be a whole number",
    "string_type": lambda _: "must be a text",
    "greater_than_equal": lambda ctx: f"must be at least {ctx['ge']:g}",
    "less_than_equal": lambda ctx: f"must be at most {ctx['le']:g}",
    "less_than": lambda ctx: f"must be below {ctx['lt']:g}",
    "string_too_long": lambda ctx: f"must have at most {ctx['max_length']} characters",
    "too_long": lambda ctx: f"must be given at most {ctx['max_length']} times",
    "string_pattern_mismatch": lambda ctx: f"must be {ctx['pattern'].strip('^$')}",
    "enum": lambda ctx: f"must be one of {str(ctx['expected']).replace(' or ', ', ')}",
}
