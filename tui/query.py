"""The query line: `state:FAILED,PAUSED workflow:order* namespace:billing words`.

What the API knows goes to the daemon as parameters; all of it is also applied here, to what is loaded,
so that the list follows the typing at once. A word without a colon is looked for in id, workflow, why,
principal, worker and labels. Terms are joined by "and", values after a comma by "or".
"""

from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Final

from flux.core.execution import State

from .records import Row

FIELDS: Final = ("state", "workflow", "namespace")
_WILD: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What the list is narrowed to. `problem`: why the text could not be read whole, or empty."""

    states: tuple[str, ...] = ()
    workflow: str = ""
    namespace: str = ""
    words: tuple[str, ...] = ()
    problem: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything through."""
        return not (self.states or self.workflow or self.namespace or self.words)

    @property
    def is_local(self) -> bool:
        """Whether a part of it only this program can apply."""
        return bool(self.words or _WILD.intersection(self.workflow))

    @property
    def asked_workflow(self) -> str | None:
        """The workflow that the daemon is asked for: it knows whole names, no patterns."""
        return self.workflow if self.workflow and not _WILD.intersection(self.workflow) else None


EVERYTHING: Final = Query()


def parse(text: str) -> Query:
    """The query that `text` asks for. What cannot be read is left out and said in `problem`."""
    fields: dict[str, str] = {}
    words: list[str] = []
    problem = ""
    for term in text.split():
        name, colon, value = term.partition(":")
        if not colon:
            words.append(term.casefold())
        elif name not in FIELDS:
            problem = problem or _unknown("field", name, FIELDS)
        elif value and value != "*":
            fields[name] = value
    states, wrong = _states(fields.get("state", ""))
    return Query(
        states=states,
        workflow=fields.get("workflow", ""),
        namespace=fields.get("namespace", ""),
        words=tuple(words),
        problem=problem or wrong,
    )


def _states(text: str) -> tuple[tuple[str, ...], str]:
    """The states named in `text`, and what is wrong with it. While it is typed, a beginning is enough."""
    found: list[str] = []
    problem = ""
    for name in filter(None, text.upper().split(",")):
        begun = [str(state) for state in State if state == name] or [str(s) for s in State if s.startswith(name)]
        found.extend(begun)
        if not begun:
            problem = problem or _unknown("state", name, [str(state) for state in State])
    return tuple(dict.fromkeys(found)), problem


def _unknown(kind: str, name: str, known: "tuple[str, ...] | list[str]") -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return (
        f"no {kind} {name!r}: did you mean {near[0]}?" if near else f"no {kind} {name!r}; there are {', '.join(known)}"
    )


def matches(query: Query, row: Row) -> bool:
    """Whether `row` is among what `query` asks for."""
    if query.states and row.state not in query.states:
        return False
    if query.workflow and not _names(query.workflow, row.workflow):
        return False
    if query.namespace and query.namespace != _namespace(row.workflow):
        return False
    if not query.words:
        return True
    text = _searched(row)
    return all(word in text for word in query.words)


def _names(pattern: str, workflow: str) -> bool:
    """Whether `pattern` means the workflow: by its name, or with its namespace if it names one."""
    wanted = pattern.removeprefix("default/")
    name = workflow if "/" in wanted else workflow.rpartition("/")[2]
    return fnmatchcase(name, wanted)


def _namespace(workflow: str) -> str:
    return workflow.rpartition("/")[0] or "default"


def _searched(row: Row) -> str:
    labels = (f"{key}={value}" for key, value in row.labels)
    return "\n".join((row.id, row.workflow, row.why, row.principal, row.worker, *labels)).casefold()
