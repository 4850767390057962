"""A worker's report: what ended, what wants to begin, what is waited for, and whether it rests or ends.

`accept` is the use case that everything else exists for. It checks the grant, appends the facts,
answers each begin by itself, then looks at `idle` or `end`: they hold only if the worker had seen every
input. Facts are accepted whole or refused whole. A report that was accepted before is answered again
and nothing is written. Once the principal of an execution may not act any more, its next report ends it.

Nothing here reads the file: the execution is live, permissions are compiled. Only who reports on another's
execution has it looked up, to learn whether it was his once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from flux import codec
from flux.core.events import ABANDONED, BEGINS, BY_NUMBER, ENDS_A_BODY, FACTS, EventType
from flux.core.execution import ASLEEP, Execution, State, Wait
from flux.core.permissions import Grants, escape
from flux.core.report import Begin, End, Fact, Report, Waiting
from flux.engine import catalog, grants
from flux.engine.alarms import Armed, Disarmed, disarm_all
from flux.engine.live import Lease, Overlay
from flux.engine.log import Log
from flux.engine.tokens import Tokens
from flux.errors import ProtocolError, ReportGap, StaleLease, Unauthenticated
from flux.store import timers
from flux.store.database import Transaction

LATEST: Final = 253_402_300_799_999  # the last millisecond of the year 9999: no instant lies behind it
MAX_REASON: Final = 200  # characters; lists show it
_T: Final = EventType
_CLOSES_A_CALL: Final = frozenset({_T.TASK_COMPLETED, _T.TASK_FAILED, _T.TASK_CANCELLED})
_ENDS: Final = frozenset({_T.WORKFLOW_COMPLETED, _T.WORKFLOW_FAILED, _T.WORKFLOW_CANCELLED})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the acknowledgement of a report says. `denied`: indices of begins that may not start."""

    n: int
    sequence: int
    handle: int
    denied: tuple[int, ...] = ()
    refused: bool = False


def accept(tx: Transaction, live: Overlay, tokens: Tokens, worker: str, report: Report) -> Answer:
    """Write a worker's report and say what may begin.

    Raises:
        StaleLease: the grant is not this worker's any more.
        NotFound: there is no such execution.
        ProtocolError: the report breaks the protocol; nothing of it is written.
    """
    execution = live.known(report.execution)
    if execution is None or execution.worker != worker or execution.fence != report.fence:
        raise _foreign(execution or live.execution(tx, report.execution), worker, report)
    lease = _check_token(tx, live, tokens, execution, report)
    if report.n <= execution.reports:
        return _again(execution, report, lease)
    if report.n != execution.reports + 1:
        raise ReportGap(f"report {report.n} of {execution.id} follows {execution.reports}", execution=execution.id)
    if not live.permissions.enabled(execution.principal):
        return _stop(tx, live, execution, report, lease)
    log = Log(tx, live, execution)
    if execution.state in ASLEEP and (report.facts or report.begins or report.waits or report.end is not None):
        log.add(_T.WORKFLOW_WOKEN, worker=worker)  # by itself: a body gave up waiting
    _append_facts(log, report.facts)
    denied = _append_begins(tx, log, live, report.begins)
    waits = _apply_waits(tx, live, log, report.waits) if report.waits else None
    refused = False
    if report.idle is not None or report.end is not None:
        refused = _rest(tx, live, log, report, waits)
    after = log.write(reports=report.n) if waits is None else log.write(reports=report.n, **_kept(log, waits))
    return Answer(report.n, after.sequence, lease.handle, denied, refused)


def _again(execution: Execution, report: Report, lease: Lease) -> Answer:
    """What a report that was accepted before is answered: which bodies run is known, so is whether it rests."""
    denied = [index for index, begin in enumerate(report.begins) if execution.bodies.get(begin.call) != begin.attempt]
    refused = report.end is not None or (report.idle is not None and report.idle.seen < execution.input_sequence)
    return Answer(report.n, execution.sequence, lease.handle, tuple(denied), refused)


def _stop(tx: Transaction, live: Overlay, execution: Execution, report: Report, lease: Lease) -> Answer:
    """End an execution whose principal may not act any more. Nothing of its report is written, nothing may begin."""
    grants.deny(tx, live, execution)
    nothing = tuple(range(len(report.begins)))
    return Answer(report.n, execution.sequence, lease.handle, nothing, refused=True)


def _foreign(execution: Execution, worker: str, report: Report) -> ProtocolError:
    """Why a report counts for nothing: the worker held that grant once, or never can have."""
    what = f"execution {report.execution} is not granted to {worker} under fence {report.fence}"
    if report.fence > execution.fence:
        return ProtocolError(f"{what}: no grant has that number", execution=report.execution)
    return StaleLease(what, execution=report.execution)


def _check_token(tx: Transaction, live: Overlay, tokens: Tokens, execution: Execution, report: Report) -> Lease:
    """The lease, once its holder has shown the token or the handle that stands in for it."""
    lease = live.lease(execution.id)
    if lease is None or lease.fence != report.fence:
        raise StaleLease(f"execution {execution.id} has no lease under fence {report.fence}", execution=execution.id)
    if live.permissions.is_revoked(lease.jti):
        raise ProtocolError(f"the token {lease.jti} was revoked", execution=execution.id)
    if lease.verified:
        if report.handle != lease.handle and report.token != lease.token:
            raise ProtocolError(f"wrong handle for execution {execution.id}", execution=execution.id)
        return lease
    if report.token is None:
        raise ProtocolError(f"the first report of a grant of {execution.id} brings no token", execution=execution.id)
    try:
        token = tokens.verify(report.token, tx.now)
    except Unauthenticated as exc:
        reason = exc.facts["reason"]
        raise ProtocolError(f"the token for {execution.id} is not valid: {reason}", execution=execution.id) from exc
    if token.execution != execution.id or token.attempt != report.fence:
        raise ProtocolError(f"the token belongs to another grant than that of {execution.id}", execution=execution.id)
    lease = replace(lease, verified=True)
    live.leases[execution.id] = lease
    return lease


def _append_facts(log: Log, facts: Sequence[Fact]) -> None:
    execution = log.execution
    running = dict(execution.bodies)
    ended: dict[str, EventType] = {}
    for fact in facts:
        kind = BY_NUMBER.get(fact.type)
        if kind is None or kind not in FACTS:
            raise ProtocolError(f"{fact.type} is not the number of a fact", execution=execution.id)
        if kind in ENDS_A_BODY and running.get(fact.call) == fact.attempt:
            del running[fact.call]
        elif not _follows(execution, kind, fact.call, ended.get(fact.call), fact.call in running):
            raise ProtocolError(
                f"{kind} of {fact.call} attempt {fact.attempt} without a body that was allowed to start",
                execution=execution.id,
            )
        if fact.seen > execution.input_sequence or not 0 <= fact.instant <= LATEST:
            raise ProtocolError(
                f"{kind} of {fact.call} says that it had seen input {fact.seen} at instant {fact.instant}",
                execution=execution.id,
            )
        ended[fact.call] = kind
        log.add(
            kind,
            instant=fact.instant,
            call=fact.call,
            parent=fact.parent,
            attempt=fact.attempt,
            seen=fact.seen,
            detail=fact.detail,
            payload=fact.payload,
        )


def _follows(execution: Execution, kind: EventType, call: str, before: EventType | None, runs: bool) -> bool:
    """Whether a fact that ends no body may stand here: it closes a call whose last body has ended."""
    if runs or before in _CLOSES_A_CALL:
        return False
    if kind is _T.TASK_COMPLETED:
        return before is _T.TASK_FALLBACK_COMPLETED  # its value is the call's
    if kind is _T.TASK_FAILED or kind is _T.TASK_CANCELLED:
        return before is not None or _is_delayed(execution, call)
    return False


def _is_delayed(execution: Execution, call: str) -> bool:
    """Whether the call stands between two attempts."""
    prefix = call + "@"
    return any(wait.startswith(prefix) for wait in execution.waits)


def _append_begins(tx: Transaction, log: Log, live: Overlay, begins: Sequence[Begin]) -> tuple[int, ...]:
    execution = log.execution
    allows = live.permissions.allows
    prefix = f"workflow:{escape(execution.namespace)}:{escape(execution.name)}:task:"
    denied: list[int] = []
    for index, begin in enumerate(begins):
        kind = BY_NUMBER.get(begin.type)
        if kind not in BEGINS:
            raise ProtocolError(f"{begin.type} is not the number of a begin", execution=execution.id)
        permission = f"{prefix}{escape(begin.name)}:execute"
        if (allows(execution.principal, permission) and _reaches(execution.narrowing, permission)) or (
            begin.exempt and catalog.is_exempt(tx, live, execution, begin.name)
        ):
            log.add(
                kind,
                call=begin.call,
                parent=begin.parent,
                name=begin.name,
                attempt=begin.attempt,
                digest=begin.digest,
                payload=begin.args,
            )
            continue
        denied.append(index)
        log.add(
            _T.TASK_DENIED,
            call=begin.call,
            parent=begin.parent,
            name=begin.name,
            attempt=begin.attempt,
            payload=codec.encode({"principal": execution.principal, "permission": permission, "task": begin.name}),
        )
    return tuple(denied)


def _reaches(narrowing: tuple[str, ...] | None, permission: str) -> bool:
    """Whether the key that started an execution was good for this."""
    return narrowing is None or _compiled(narrowing).allows(permission)


@lru_cache(maxsize=1_000)
def _compiled(narrowing: tuple[str, ...]) -> Grants:
    return Grants(narrowing)


def _apply_waits(tx: Transaction, live: Overlay, log: Log, changes: Sequence[Waiting]) -> dict[str, Wait]:
    """All waits of the execution after these changes; timers also in their table, pauses also in the log."""
    execution = log.execution
    waits = dict(execution.waits)
    for change in changes:
        if change.kind == "timer":
            _apply_timer(tx, live, execution, waits, change)
        elif change.kind == "pause":
            _apply_pause(tx, log, waits, change)
        else:
            raise ProtocolError(f"{change.kind!r} is not a kind of wait", execution=execution.id)
    return waits


def _apply_timer(tx: Transaction, live: Overlay, execution: Execution, waits: dict[str, Wait], change: Waiting) -> None:
    if change.open:
        due = min(max(change.due, 0), LATEST)
        waits[change.call] = Wait(kind="timer", due=due, opened=tx.now, parent=change.parent)
        timers.open_one(tx, execution.key, change.call, due, change.parent)
        live.effect(Armed(execution.id, change.call, due))
    elif waits.pop(change.call, None) is not None:
        timers.close(tx, execution.key, change.call)
        live.effect(Disarmed(execution.id, change.call))


def _apply_pause(tx: Transaction, log: Log, waits: dict[str, Wait], change: Waiting) -> None:
    if change.open:
        log.add(_T.PAUSE_OPENED, call=change.call, parent=change.parent, name=change.name, payload=change.payload)
        waits[change.call] = Wait(
            kind="pause", opened=tx.now, parent=change.parent, name=change.name, output=change.payload
        )
    elif waits.pop(change.call, None) is not None:
        log.add(_T.PAUSE_CLOSED, call=change.call, detail=ABANDONED)


def _rest(tx: Transaction, live: Overlay, log: Log, report: Report, waits: dict[str, Wait] | None) -> bool:
    """Whether `idle` or `end` had to be refused; else its event is noted."""
    execution = log.execution
    rest = report.end or report.idle
    if rest is None or report.begins or rest.seen > execution.input_sequence:
        raise ProtocolError(
            f"execution {execution.id} rests or ends, but begins something or has seen what was never sent",
            execution=execution.id,
        )
    if rest.seen < execution.input_sequence:
        return True
    open_waits = execution.waits if waits is None else waits
    if report.end is not None:
        _end(log, report.end)
        disarm_all(tx, live, execution if waits is None else execution.changed(waits=waits))
    elif not open_waits:
        raise ProtocolError(f"execution {execution.id} rests, but waits for nothing", execution=execution.id)
    elif execution.state is State.RUNNING or (execution.state in ASLEEP and log.events):
        paused = any(wait.kind == "pause" for wait in open_waits.values())
        log.add(_T.WORKFLOW_PAUSED if paused else _T.WORKFLOW_WAITING)
    return False


def _end(log: Log, end: End) -> None:
    execution = log.execution
    kind = BY_NUMBER.get(end.type)
    if kind not in _ENDS or not 0 <= end.instant <= LATEST:
        raise ProtocolError(f"{end.type} at {end.instant} is no end of {execution.id}", execution=execution.id)
    if execution.state is State.CANCELLING and kind is _T.WORKFLOW_COMPLETED:
        kind = _T.WORKFLOW_CANCELLED  # it was asked to stop, and it did, with a value
    reason = _reason(end)[:MAX_REASON] if kind is _T.WORKFLOW_FAILED else None
    log.add(kind, instant=end.instant, seen=end.seen, name=reason, detail=end.detail, payload=end.payload)


def _reason(end: End) -> str:
    """One word for why it failed: from the detail, else the type of its error."""
    if end.detail is not None:
        reason = codec.plain(end.detail.encode()) if end.detail.startswith("{") else None
        if isinstance(reason, dict) and isinstance(reason.get("reason"), str):
            return str(reason["reason"])
    if end.payload is not None:
        return str(codec.error_view(end.payload).get("type", "error"))
    return "error"


def _kept(log: Log, waits: dict[str, Wait]) -> dict[str, object]:
    """The waits to keep beside the fold: none once it has ended."""
    ended = any(event.type in _ENDS for event in log.events)
    return {"waits": {}} if ended else {"waits": waits}
