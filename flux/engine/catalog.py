"""Registering, withdrawing and finding workflows.

The catalog in memory is a mapping that is replaced, never changed, so that overlays can drop it. Only
versions that new executions may get are in it; older ones are found by their number in the file.
"""

from dataclasses import dataclass

from flux.core.audit import entry_by
from flux.core import catalog as core
from flux.core.catalog import Source, Version, check_names, needed
from flux.core.execution import Execution
from flux.core.permissions import escape
from flux.core.principal import Caller
from flux.engine import audit
from flux.engine.access import require
from flux.engine.live import Overlay
from flux.errors import Conflict, NotFound
from flux.store import catalog
from flux.store.catalog import LoadError
from flux.store.database import Reader, Transaction

Failure = LoadError
"""Why a file does not load, as whoever looked at it reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One workflow that an inspection found. `tasks`: those that need a permission; `about`: JSON text."""

    namespace: str
    name: str
    tasks: tuple[str, ...]
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A file that loads, and the workflows in it."""

    path: str
    source: Source
    workflows: tuple[Found, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Effect: these workflows (namespace, name) are offered in another version, or not any more."""

    path: str
    names: tuple[tuple[str, str], ...]


def register(tx: Transaction, live: Overlay, new: Registration, caller: Caller) -> list[Version]:
    """Pin a file's source and offer its workflows; what it offered before and holds no more is withdrawn.

    Raises:
        InvalidDefinition: a name that cannot be.
        Denied: the caller may not register a workflow of that name.
        Conflict: another file offers a workflow of this name. Nothing is registered.
    """
    for found in new.workflows:
        check_names(found.namespace, found.name)
        require(live.permissions, caller, f"workflow:{escape(found.namespace)}:{escape(found.name)}:register")
        other = live.catalog.get((found.namespace, found.name))
        if other is not None and other.path != new.path:
            raise Conflict(
                f"{found.namespace}/{found.name} is already defined in {other.path}: rename one of them, "
                f"or give it another namespace"
            )
    catalog.pin(tx, new.source)
    versions = [_version(tx, new, found) for found in new.workflows]
    kept = {(version.namespace, version.name) for version in versions}
    gone = [key for key, old in live.catalog.items() if old.path == new.path and key not in kept]
    for namespace, name in gone:
        catalog.withdraw(tx, namespace, name)
    catalog.mended(tx, new.path)
    offered = {key: old for key, old in live.catalog.items() if key not in gone}
    offered.update({(version.namespace, version.name): version for version in versions})
    live.catalog = offered
    live.effect(Changed(path=new.path, names=(*kept, *gone)))
    for version in versions:
        action = f"workflow:{version.namespace}/{version.name}@{version.number}"
        audit.record(tx, live, entry_by(caller, "workflow.register", action))
    return versions


def withdraw(tx: Transaction, live: Overlay, path: str, caller: Caller) -> list[Version]:
    """Offer nothing from this file any more. What runs goes on; its sources stay."""
    gone = [version for version in live.catalog.values() if version.path == path]
    for version in gone:
        catalog.withdraw(tx, version.namespace, version.name)
        audit.record(tx, live, entry_by(caller, "workflow.withdraw", f"workflow:{version.ref}"))
    catalog.mended(tx, path)
    live.catalog = {key: version for key, version in live.catalog.items() if version.path != path}
    if gone:
        live.effect(Changed(path=path, names=tuple((version.namespace, version.name) for version in gone)))
    return gone


def failed(tx: Transaction, live: Overlay, error: LoadError) -> None:
    """Note why a file does not load. Its last good version goes on being offered."""
    catalog.failed(tx, error)
    live.effect(Changed(path=error.path, names=()))


def mended(tx: Transaction, live: Overlay, path: str) -> None:
    """Note that a file that offers nothing loads again."""
    catalog.mended(tx, path)


def find(tx: Reader, live: Overlay, namespace: str, name: str, number: int | None = None) -> Version:
    """The version that a new execution gets: the offered one, or the one asked for.

    Raises:
        NotFound: nothing of that name is offered, or it has no such version.
    """
    offered = live.catalog.get((namespace, name))
    if offered is None:
        raise NotFound(f"there is no workflow {namespace}/{name}", workflow=f"{namespace}/{name}")
    if number is None or offered.number == number:
        return offered
    for version in catalog.versions(tx, namespace, name):
        if version.number == number:
            return version
    raise NotFound(f"{namespace}/{name} has no version {number}", workflow=f"{namespace}/{name}")


def is_exempt(tx: Reader, live: Overlay, execution: Execution, task: str) -> bool:
    """Whether the version that an execution is pinned to declares the task exempt from permissions."""
    key = (execution.namespace, execution.name)
    offered = live.catalog.get(key)
    if offered is not None and offered.digest == execution.version:
        return core.is_exempt(offered, task)
    return any(
        core.is_exempt(version, task)
        for version in catalog.versions(tx, *key)
        if version.digest == execution.version
    )


def _version(tx: Transaction, new: Registration, found: Found) -> Version:
    """The version for this content: the one it had before, if these bytes were here before."""
    known = catalog.versions(tx, found.namespace, found.name)
    version = next((old for old in known if old.digest == new.source.digest), None)
    if version is None:
        version = Version(
            namespace=found.namespace,
            name=found.name,
            number=known[0].number + 1 if known else 1,
            digest=new.source.digest,
            path=new.path,
            registered=tx.now,
            tasks=found.tasks,
            about=found.about,
            permissions=needed(found.namespace, found.name, found.tasks),
        )
        catalog.add(tx, version)
    catalog.offer(tx, version)
    return version
