"""What clients do with executions: submit, resume, cancel.

Every use case checks the caller's permissions first, asks the state machine what is possible, appends
its events and one line of audit. A client that repeats a request with the same idempotency key gets the
same execution, even if its workflow is not offered any more; with another input under that key it gets a
conflict. What an API key is narrowed to, the executions that it starts are narrowed to as long as they live.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from flux import codec
from flux.core.audit import entry_by
from flux.core.catalog import Version
from flux.core.events import EventType
from flux.core.execution import Execution, State, Wait
from flux.core.permissions import escape
from flux.core.principal import Caller
from flux.engine import audit, catalog
from flux.engine.access import lacking, require
from flux.engine.live import Overlay
from flux.engine.log import Log
from flux.engine.timers import wake
from flux.errors import Busy, Conflict, FluxError, NotFound, StorageError, WrongState
from flux.ids import new_ulid
from flux.store import executions
from flux.store.database import Transaction

MAX_QUEUED: Final = 100_000  # a queue that long hides a problem; say so instead of growing
_T: Final = EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """The wish to start an execution.

    Attributes:
        input: bytes of the codec.
        version: the number of an older version, or None for the offered one.
        key: idempotency key, or None.
        identity: the id it must get, when the caller chose one.
    """

    namespace: str
    name: str
    input: bytes
    caller: Caller
    version: int | None = None
    priority: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    identity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """The answer to an open pause: the oldest one, or the one named."""

    execution: str
    input: bytes
    caller: Caller
    pause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """The wish that an execution stops."""

    execution: str
    caller: Caller


def submit(tx: Transaction, live: Overlay, command: Submit) -> Execution:
    """Start an execution: it is queued, durably, when this is committed.

    Raises:
        NotFound: there is no such workflow, or the caller may not see it.
        Denied: permissions are missing; the error lists them.
        Conflict: the idempotency key was used with another input, or the id that was asked for is taken.
        Busy: the queue is full.
    """
    execution, is_new = _submit(tx, live, command)
    if is_new:
        audit.record(tx, live, entry_by(command.caller, "workflow.run", f"execution:{execution.id}"))
    return execution


def submit_many(tx: Transaction, live: Overlay, commands: Sequence[Submit]) -> list[Execution | FluxError]:
    """Start many executions of one request: for each its execution or why not. One line of audit."""
    results: list[Execution | FluxError] = []
    started: list[str] = []
    for command in commands:
        try:
            execution, is_new = _submit(tx, live, command)
        except StorageError:
            raise  # half of this line may be written, and SQLite may have ended the transaction
        except FluxError as exc:
            results.append(exc)
            continue
        results.append(execution)
        if is_new:
            started.append(execution.id)
    if started:
        object_ = f"executions:{started[0]}..{started[-1]} ({len(started)})"
        audit.record(tx, live, entry_by(commands[0].caller, "workflow.run", object_))
    return results


def resume(tx: Transaction, live: Overlay, command: Resume) -> Execution:
    """Close a pause with its answer; the execution goes on.

    Raises:
        NotFound: no such execution, or it is hidden from the caller, or it has no pause of that name.
        Denied: the caller may see it but not resume it.
        WrongState: nothing is paused.
    """
    execution = visible(tx, live, command.execution, command.caller)
    require(live.permissions, command.caller, f"{_prefix(execution)}:resume")
    pause_id = _open_pause(execution, command.pause)
    log = Log(tx, live, execution)
    actor = command.caller.principal.id
    log.add(_T.PAUSE_CLOSED, call=pause_id, actor=actor, payload=command.input)
    wake(live, log, _T.WORKFLOW_RESUMED, actor)
    after = log.write()
    audit.record(tx, live, entry_by(command.caller, "execution.resume", f"execution:{execution.id}/{pause_id}"))
    return after


def cancel(tx: Transaction, live: Overlay, command: Cancel) -> tuple[Execution, str]:
    """Ask an execution to stop: "accepted", or "too_late" if it has ended. Asking twice is no error.

    Raises:
        NotFound: no such execution, or it is hidden from the caller.
        Denied: the caller may see it but not cancel it.
    """
    execution = visible(tx, live, command.execution, command.caller)
    require(live.permissions, command.caller, f"{_prefix(execution)}:cancel")
    if execution.is_final:
        return execution, "too_late"
    if execution.state is State.CANCELLING:
        return execution, "accepted"
    actor = command.caller.principal.id
    log = Log(tx, live, execution)
    if execution.fence == 0:
        log.add(_T.WORKFLOW_CANCELLED, actor=actor)  # it never ran, so there is nothing to clean up
    else:
        log.add(_T.WORKFLOW_CANCELLING, actor=actor)
    after = log.write()
    audit.record(tx, live, entry_by(command.caller, "execution.cancel", f"execution:{execution.id}"))
    return after, "accepted"


def visible(tx: Transaction, live: Overlay, identity: str, caller: Caller) -> Execution:
    """The execution, if the caller may know of it.

    Raises:
        NotFound: there is none, or none for this caller; the two look the same.
    """
    execution = live.execution(tx, identity)
    if lacking(live.permissions, caller, [f"{_prefix(execution)}:read"]):
        raise NotFound(f"there is no execution {identity}", execution=identity)
    return execution


def _submit(tx: Transaction, live: Overlay, command: Submit) -> tuple[Execution, bool]:
    if command.key is not None:
        known = _remembered(tx, live, command)
        if known is not None:
            require(live.permissions, command.caller, f"{_prefix(known)}:run")
            return known, False
    version = catalog.find(tx, live, command.namespace, command.name, command.version)
    _authorize(live, version, command.caller)
    if command.identity is not None and executions.exists(tx, command.identity):
        raise Conflict(f"there is an execution {command.identity} already", execution=command.identity)
    if live.base.queued >= MAX_QUEUED:
        raise Busy(f"{MAX_QUEUED} executions are queued already: come back later", retry_after=5)
    return _create(tx, live, command, version), True


def _create(tx: Transaction, live: Overlay, command: Submit, version: Version) -> Execution:
    live.numbers.key += 1
    principal, narrowing = command.caller.principal.id, command.caller.narrowing
    new = Execution(
        id=command.identity or new_ulid(tx.now),
        key=live.numbers.key,
        namespace=version.namespace,
        name=version.name,
        version=version.digest,
        principal=principal,
        priority=command.priority,
        narrowing=None if narrowing is None else tuple(sorted(narrowing.permissions)),
        bodies={},
        waits={},
    )
    log = Log(tx, live, new)
    log.add(_T.WORKFLOW_QUEUED, actor=principal, payload=command.input)
    created = log.create(json.dumps(dict(command.labels)) if command.labels else None)
    if command.key is not None:
        executions.remember(
            tx,
            namespace=version.namespace,
            name=version.name,
            principal=principal,
            key=command.key,
            digest=codec.digest(command.input),
            execution=created.key,
        )
    return created


def _authorize(live: Overlay, version: Version, caller: Caller) -> None:
    """Pre-flight: `run` on the workflow and `execute` on every task it is known to call."""
    prefix = f"workflow:{escape(version.namespace)}:{escape(version.name)}"
    if len(lacking(live.permissions, caller, [version.permissions[0], f"{prefix}:read"])) == 2:
        raise NotFound(f"there is no workflow {version.ref}", workflow=version.ref)
    require(live.permissions, caller, *version.permissions)


def _remembered(tx: Transaction, live: Overlay, command: Submit) -> Execution | None:
    found = executions.remembered(
        tx,
        namespace=command.namespace,
        name=command.name,
        principal=command.caller.principal.id,
        key=command.key or "",
    )
    if found is None:
        return None
    digest, identity = found
    if digest != codec.digest(command.input):
        raise Conflict(
            f"idempotency key {command.key!r} was used with another input: use another key", execution=identity
        )
    return live.execution(tx, identity)


def _open_pause(execution: Execution, wanted: str | None) -> str:
    """The id of the pause to close: the oldest, or the one with that name or id."""
    pauses: list[tuple[str, Wait]] = [(call, wait) for call, wait in execution.waits.items() if wait.kind == "pause"]
    if not pauses:
        raise WrongState(
            f"execution {execution.id} is {execution.state} and waits for no answer",
            execution=execution.id,
            state=execution.state,
            allowed=[] if execution.is_final else ["cancel"],
        )
    pauses.sort(key=lambda pause: pause[1].opened)
    if wanted is None:
        return pauses[0][0]
    for call, wait in pauses:
        if wanted in (call, wait.name):
            return call
    names = ", ".join(str(wait.name) for _, wait in pauses)
    raise NotFound(f"execution {execution.id} has no open pause {wanted!r}; open: {names}", execution=execution.id)


def _prefix(execution: Execution) -> str:
    return f"workflow:{escape(execution.namespace)}:{escape(execution.name)}"
