"""From files in the watched folder to registered versions.

A changed file is inspected by a throw-away process; what it reports goes to the gate. A file that does
not load keeps its last good version serving, with the error beside it. When a local module changes,
every file that imports it is inspected again, and so is every file that did not load; these also when a
name becomes free, which one of them may be waiting for.
"""

import asyncio
import hashlib
import json
import logging
import shutil
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Final

from flux.core.catalog import DEFAULT_NAMESPACE, Source, Version
from flux.core.principal import Caller, internal_caller
from flux.engine import catalog
from flux.engine.catalog import Failure, Found, Registration
from flux.engine.gate import Gate
from flux.errors import FluxError, InvalidDefinition
from flux.ids import new_ulid
from flux.wire.control import Inspection, LoadError, WorkflowFound

_LOG: Final = logging.getLogger("flux.catalog")
_AT_ONCE: Final = 4  # files under inspection: more would only wait for cores

Inspect = Callable[[Path, Path], Awaitable[Inspection]]


class Registrar:
    """Keeps the catalog in step with a folder."""

    def __init__(self, gate: Gate, inspect: Inspect, root: Path) -> None:
        self._gate = gate
        self._inspect = inspect
        self._root = root
        self._members: dict[Path, set[Path]] = {}
        self._failed: set[Path] = set()
        self._running: dict[Path, asyncio.Task[None]] = {}
        self._again: set[Path] = set()
        self._limit = asyncio.Semaphore(_AT_ONCE)

    def changed(self, path: Path) -> None:
        """A file is new or has other content: look at it, and at those that depend on it."""
        dependent = {entry for entry, members in self._members.items() if path in members}
        for one in {path, *dependent, *self._failed}:
            self._start(one)

    def deleted(self, path: Path) -> None:
        """A file is gone: offer nothing from it any more; those that import it cannot load either."""
        self._members.pop(path, None)
        self._failed.discard(path)
        self._again.discard(path)
        looking = self._running.get(path)
        if looking is not None:
            looking.cancel()  # whatever it finds, it would be about a file that is not there
        self._keep(path, self._withdraw(path))
        for entry in [entry for entry, members in self._members.items() if path in members]:
            self._start(entry)

    def missing(self) -> None:
        """Withdraw what comes from files of this folder that are not there any more."""
        for version in list(self._gate.live.catalog.values()):
            path = Path(version.path)
            if path.is_relative_to(self._root) and not path.exists():
                self.deleted(path)

    async def upload(
        self, folder: Path, name: str, content: bytes, namespace: str | None, caller: Caller
    ) -> list[Version]:
        """Keep an uploaded file in `folder` and register what it offers; `namespace` for what declares none.

        Raises:
            InvalidDefinition: it does not load; the message names file and line. It is not kept.
            Denied, Conflict: as the engine says.
        """
        trial = folder / f".{new_ulid(self._gate.clock.now())}"
        trial.mkdir(mode=0o700, parents=True)
        try:
            (trial / name).write_bytes(content)
            found = await self._inspect(trial / name, trial)
            if found.error is not None:
                raise InvalidDefinition(f"{name}:{found.error.line}: {found.error.type}: {found.error.message}")
            if not found.workflows:
                raise InvalidDefinition(f"{name} holds no workflow: decorate an async function with @workflow")
            path = folder / name
            source = Source(digest=found.digest, entry=found.entry, root=str(folder), files=found.files)
            workflows = tuple(self._found(path, one, namespace) for one in found.workflows)
            registration = Registration(path=str(path), source=source, workflows=workflows)
            versions = await self._gate.write(catalog.register, registration, caller)
            (trial / name).replace(path)
            return versions
        finally:
            shutil.rmtree(trial, ignore_errors=True)

    async def settled(self) -> None:
        """Return when nothing is under inspection."""
        while self._running:
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    def stop(self) -> None:
        """End what is under way."""
        for task in self._running.values():
            task.cancel()

    def _start(self, path: Path) -> None:
        if path in self._running:
            self._again.add(path)
        else:
            self._keep(path, self._look(path))

    def _keep(self, path: Path, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._running[path] = task
        task.add_done_callback(lambda done: self._ended(path, done))

    def _ended(self, path: Path, task: "asyncio.Future[None]") -> None:
        if self._running.get(path) is task:
            del self._running[path]
        if not task.cancelled() and task.exception() is not None:
            _LOG.error("%s could not be registered", path, exc_info=task.exception())
        if path in self._again:
            self._again.discard(path)
            self._start(path)

    async def _look(self, path: Path) -> None:
        async with self._limit:
            found = await self._inspect(path, self._root)
        root = Path(found.root)
        self._members[path] = {root / name for name in found.files}
        error = found.error
        offered = self._offered(path)
        if error is None:
            error = await self._register(path, found)
        if error is None:
            self._failed.discard(path)
            self._look_again(offered - self._offered(path))
            return
        self._failed.add(path)
        await self._gate.write(catalog.failed, self._failure(path, found, error))

    async def _register(self, path: Path, found: Inspection) -> LoadError | None:
        """Offer what was found; why not, if that is impossible."""
        source = Source(digest=found.digest, entry=found.entry, root=found.root, files=found.files)
        workflows = tuple(self._found(path, one) for one in found.workflows)
        if not workflows and not self._offered(path):
            await self._gate.write(catalog.mended, str(path))
            return None
        registration = Registration(path=str(path), source=source, workflows=workflows)
        try:
            await self._gate.write(catalog.register, registration, internal_caller(""))
        except FluxError as exc:
            return LoadError(type=type(exc).__name__, message=str(exc), file=str(path), line=0)
        return None

    def _offered(self, path: Path) -> set[tuple[str, str]]:
        """The names that this file holds."""
        return {name for name, version in self._gate.live.catalog.items() if version.path == str(path)}

    def _look_again(self, free: Collection[tuple[str, str]]) -> None:
        """Names are free: look again at the files that did not load."""
        if free:
            for path in self._failed:
                self._start(path)

    def _found(self, path: Path, one: WorkflowFound, namespace: str | None = None) -> Found:
        about = {
            "doc": one.doc,
            "line": one.line,
            "options": one.options,
            "exempt": one.exempt,
            "input_schema": one.input_schema,
        }
        return Found(
            namespace=one.namespace or namespace or self.namespace(path),
            name=one.name,
            tasks=tuple(one.tasks),
            about=json.dumps(about),
        )

    def namespace(self, path: Path) -> str:
        """The namespace of a file that declares none: its folder below the root, unless that is a package."""
        try:
            parts = path.relative_to(self._root).parts
        except ValueError:
            return DEFAULT_NAMESPACE
        if len(parts) < 2 or (self._root / parts[0] / "__init__.py").exists():
            return DEFAULT_NAMESPACE
        return parts[0]

    def _failure(self, path: Path, found: Inspection, error: LoadError) -> Failure:
        body = found.files.get(found.entry, b"")
        return Failure(
            path=str(path),
            digest=hashlib.sha256(body).hexdigest(),
            type=error.type,
            message=error.message,
            line=error.line or None,
            seen=self._gate.clock.now(),
        )

    async def _withdraw(self, path: Path) -> None:
        gone = await self._gate.write(catalog.withdraw, str(path), internal_caller(""))
        self._look_again([(version.namespace, version.name) for version in gone])
