"""Registering, withdrawing and finding workflows.

The catalog in memory is a mapping that is replaced, never changed, so that overlays can drop it. Only
versions that new executions may get are in it; older ones are found by their number in the file.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from flux.core import catalog as core
from flux.core.audit import entry_by
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

    What is offered like this already is left as it is, without a line of audit: a daemon looks at every file
    when it starts.

    Raises:
        InvalidDefinition: a name that cannot be.
        Denied: the caller may not register a workflow of that name, or one that the file no longer holds.
        Conflict: another file offers a workflow of this name, or this one two. Nothing is registered.
    """
    kept = _check(live, new, caller)
    gone = [key for key, old in live.catalog.items() if old.path == new.path and key not in kept]
    for namespace, name in gone:
        require(live.permissions, caller, f"workflow:{escape(namespace)}:{escape(name)}:register")
    catalog.pin(tx, new.source)
    versions = [_version(tx, live, new, found) for found in new.workflows]
    catalog.mended(tx, new.path)
    news = [version for version in versions if live.catalog.get((version.namespace, version.name)) != version]
    _withdraw(tx, live, gone, caller)
    for version in news:
        catalog.offer(tx, version)
        what = f"workflow:{version.ref}@{version.number}"
        audit.record(tx, live, entry_by(caller, "workflow.register", what))
    live.catalog = {**live.catalog, **{(version.namespace, version.name): version for version in news}}
    live.effect(Changed(path=new.path, names=(*kept, *gone)))
    return versions


def withdraw(tx: Transaction, live: Overlay, path: str, caller: Caller) -> list[Version]:
    """Offer nothing from this file any more. What runs goes on; its sources stay."""
    gone = {key: version for key, version in live.catalog.items() if version.path == path}
    _withdraw(tx, live, gone, caller)
    catalog.mended(tx, path)
    if gone:
        live.effect(Changed(path=path, names=tuple(gone)))
    return list(gone.values())


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
        core.is_exempt(version, task) for version in catalog.versions(tx, *key) if version.digest == execution.version
    )


def _check(live: Overlay, new: Registration, caller: Caller) -> set[tuple[str, str]]:
    """(namespace, name) of everything in a file, all of which may be offered."""
    kept: set[tuple[str, str]] = set()
    for found in new.workflows:
        key = (found.namespace, found.name)
        check_names(*key)
        require(live.permissions, caller, f"workflow:{escape(found.namespace)}:{escape(found.name)}:register")
        other = live.catalog.get(key)
        if key in kept or (other is not None and other.path != new.path):
            place = new.path if other is None else other.path
            raise Conflict(
                f"{found.namespace}/{found.name} is already defined in {place}: rename one of them, "
                f"or give it another namespace"
            )
        kept.add(key)
    return kept


def _withdraw(tx: Transaction, live: Overlay, keys: Collection[tuple[str, str]], caller: Caller) -> None:
    for namespace, name in keys:
        catalog.withdraw(tx, namespace, name)
        audit.record(tx, live, entry_by(caller, "workflow.withdraw", f"workflow:{namespace}/{name}"))
    live.catalog = {key: version for key, version in live.catalog.items() if key not in keys}


def _version(tx: Transaction, live: Overlay, new: Registration, found: Found) -> Version:
    """The version for this content: the one it had before, if these bytes were here before, seen with today's eyes."""
    offered = live.catalog.get((found.namespace, found.name))
    version = Version(
        namespace=found.namespace,
        name=found.name,
        number=1,
        digest=new.source.digest,
        path=new.path,
        registered=tx.now,
        tasks=found.tasks,
        about=found.about,
        permissions=needed(found.namespace, found.name, found.tasks),
    )
    if offered is not None and offered == replace(version, number=offered.number, registered=offered.registered):
        return offered
    known = catalog.versions(tx, found.namespace, found.name)
    old = next((old for old in known if old.digest == version.digest), None)
    if old is None:
        version = replace(version, number=known[0].number + 1 if known else 1)
        catalog.add(tx, version)
    else:
        version = replace(version, number=old.number, registered=old.registered)
        catalog.describe(tx, version)
    return version
