"""Workflows as the catalog knows them: what can be run, which source it is pinned to, what it will call.

Names of workflows are Python names, namespaces are lower-case words with dashes and underscores.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flux.core.permissions import escape
from flux.errors import InvalidDefinition

NAMESPACE: Final = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TEMPLATE: Final = re.compile(r"\\{.*?\\}")  # a field, as `re.escape` leaves it
DEFAULT_NAMESPACE: Final = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One registered version of a workflow.

    Attributes:
        number: counted from 1 for each workflow.
        digest: of its source.
        path: the file it came from, as the daemon saw it.
        tasks: names of the tasks that it is known to call and that need a permission.
        about: what the inspector reported beside that (doc, line, schemas, options), as JSON text.
        permissions: what running it needs, all of it.
    """

    namespace: str
    name: str
    number: int
    digest: str
    path: str
    registered: int
    tasks: tuple[str, ...]
    about: str
    permissions: tuple[str, ...]

    @property
    def ref(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A pinned source: the entry file and its local imports, by path relative to `root`."""

    digest: str
    entry: str
    root: str
    files: Mapping[str, bytes]


def is_exempt(version: Version, task: str) -> bool:
    """Whether a task of this name needs no permission, as the inspected source says and not as its worker does.

    Names may be templates over the arguments: `get_{key}` stands for every `get_…`.
    """
    exempt = json.loads(version.about).get("exempt", ())
    return any(re.fullmatch(_TEMPLATE.sub(".+", re.escape(name)), task, re.DOTALL) for name in exempt)


def needed(namespace: str, name: str, tasks: tuple[str, ...]) -> tuple[str, ...]:
    """The permissions that running a workflow takes: `run` on it, `execute` on each task."""
    prefix = f"workflow:{escape(namespace)}:{escape(name)}"
    return (f"{prefix}:run", *(f"{prefix}:task:{escape(task)}:execute" for task in tasks))


def check_names(namespace: str, name: str) -> None:
    """Raise InvalidDefinition if a workflow cannot be called that."""
    if not NAMESPACE.match(namespace):
        raise InvalidDefinition(
            f"namespace {namespace!r} must match [a-z0-9][a-z0-9_-]*: rename the folder or give namespace=…"
        )
    if not NAME.match(name):
        raise InvalidDefinition(f"workflow name {name!r} must match [A-Za-z_][A-Za-z0-9_]*")
