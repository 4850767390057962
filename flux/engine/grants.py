"""Handing executions to workers and taking them back.

A grant raises the fencing token in the row, in a transaction, before anything is sent. A worker that
is lost gives everything back: `recover`. Blame: a death that nobody can explain (garbage on the pipe is one: only
user code can have put it there) counts against an execution only if nothing else ran on that worker; otherwise
each execution that was running there is next granted a worker of its own. Three deaths alone, with no fact
recorded between, fail it. So do three times of holding the loop with the workflow's own code.
"""

import json
import secrets
from dataclasses import dataclass
from typing import Final

from flux import codec
from flux.core.audit import DENIED, entry_by
from flux.core.events import EventType
from flux.core.execution import ASLEEP, Execution
from flux.core.principal import internal_caller
from flux.engine import audit
from flux.engine.alarms import disarm_all
from flux.engine.live import Lease, Overlay, holds_a_slot
from flux.engine.log import Log
from flux.engine.parked import complete
from flux.engine.tokens import Tokens, jti
from flux.errors import Denied, WorkerCrashed
from flux.store import executions
from flux.store.database import Transaction

MAX_DEATHS: Final = 3  # one may be bad luck, two a coincidence
_UNEXPLAINED: Final = frozenset({"crash", "protocol"})
_T: Final = EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """Effect: this execution was granted; send it to its worker. `fresh`: it never ran before."""

    execution: str
    key: int
    worker: str
    fence: int
    token: str
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Effect: this execution left its worker without the worker's doing; tell it to drop it."""

    execution: str
    worker: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """How a worker was lost.

    Attributes:
        cause: "crash" (nobody knows why), "timeout" or "blocked" (a body held the loop: `call` of `execution`),
            "protocol" (it broke it: `reason`), "lease" (silent too long), "restart" (of the daemon), "launcher" (it
            was lost, and all workers with it), "drain", "unloaded", "retired".
        signal: name of the signal that ended it, such as SIGSEGV.
    """

    cause: str
    signal: str | None = None
    exit_code: int | None = None
    peak_memory: int | None = None
    execution: str | None = None
    call: str | None = None
    attempt: int = 0
    reason: str | None = None


def grant(tx: Transaction, live: Overlay, tokens: Tokens, identity: str, worker: str) -> Granted:
    """Give an execution to a worker: the next fencing token, a token for it, and the event that says so.

    Raises:
        NotFound: there is no such execution, or its principal is gone.
    """
    execution = live.execution(tx, identity)
    fence = execution.fence + 1
    token = tokens.mint(live.permissions.principal(execution.principal), execution.id, fence, tx.now)
    log = Log(tx, live, execution)
    log.add(_T.WORKFLOW_STARTED, attempt=fence, worker=worker)
    after = log.write()
    live.leases[identity] = Lease(worker, fence, token, secrets.randbits(53), jti(identity, fence))
    granted = Granted(
        execution=identity, key=after.key, worker=worker, fence=fence, token=token, fresh=execution.started == 0
    )
    live.effect(granted)
    return granted


def deny(tx: Transaction, live: Overlay, execution: Execution) -> None:
    """End an execution whose principal is disabled or gone: no worker gets it, no report of it counts any more."""
    if execution.worker is not None:
        live.effect(Forgotten(execution=execution.id, worker=execution.worker, fence=execution.fence))
    error = Denied(f"principal {execution.principal} may not act any more", principal=execution.principal)
    log = Log(tx, live, execution)
    log.add(_T.WORKFLOW_FAILED, name=Denied.code, payload=codec.encode_error(error))
    disarm_all(tx, live, execution)
    log.write()
    why = json.dumps(str(error))
    audit.record(
        tx,
        live,
        entry_by(internal_caller(""), "execution.end", f"execution:{execution.id}", outcome=DENIED, after=why),
    )


def recover(tx: Transaction, live: Overlay, worker: str, death: Death) -> list[str]:
    """Take everything back from a lost worker; ids of the executions that were loaded there."""
    there = live.loaded(worker)
    suspects = {execution.id for execution in there if holds_a_slot(execution)}
    for execution in there:
        take_back(tx, live, execution, death, suspects)
    return [execution.id for execution in there]


def take_back(tx: Transaction, live: Overlay, execution: Execution, death: Death, suspects: set[str]) -> None:
    """Take one execution back from a worker that is lost. `suspects`: those that ran something there."""
    if execution.state in ASLEEP:
        unload(tx, live, execution)
        return
    deaths, alone = execution.deaths, execution.alone  # a suspicion lasts until a fact is recorded
    if death.cause in _UNEXPLAINED and execution.id in suspects:
        deaths += len(suspects) == 1
        alone = True
    elif death.cause == "blocked" and death.execution == execution.id and not death.call:
        deaths += 1  # its own code held the loop: no task is there to fail, and it would do so again
    log = Log(tx, live, execution)
    log.add(
        _T.WORKFLOW_RECOVERED,
        attempt=deaths,
        seen=int(alone),
        worker=execution.worker,
        detail=_detail(death, execution),
    )
    if deaths >= MAX_DEATHS:
        _give_up(log, death, deaths)
        disarm_all(tx, live, execution)
    log.write()


def unload(tx: Transaction, live: Overlay, execution: Execution) -> None:
    """Note that a resting execution is on no worker any more. Nothing happened to it, so there is no event."""
    after = execution.changed(worker=None, bodies={})
    executions.update(tx, after)
    live.put(after)


def released(tx: Transaction, live: Overlay, worker: str, identity: str, fence: int) -> None:
    """A worker has unloaded an execution. If something woke it meanwhile, it is granted anew."""
    execution = live.known(identity)
    if execution is None or execution.worker != worker or execution.fence != fence:
        return
    take_back(tx, live, execution, Death(cause="unloaded"), set())


def restart(tx: Transaction, live: Overlay) -> None:
    """What a starting daemon does with every open execution: nothing of the last daemon runs any more."""
    executions.unload_resting(tx)
    for execution in live.base.executions.values():
        if execution.state in ASLEEP:
            live.put(execution.changed(worker=None, bodies={}))
    for row in executions.open_ones(tx):
        if row.state in ASLEEP:
            continue
        execution = complete(tx, row)
        if execution.worker is not None:
            take_back(tx, live, execution, Death(cause="restart"), set())
        else:
            live.put(execution)


def record_breach(tx: Transaction, live: Overlay, worker: str, what: str) -> None:
    """One line of audit for a worker that broke the protocol."""
    breach = entry_by(internal_caller(""), "worker.breach", f"worker:{worker}", outcome=DENIED, after=json.dumps(what))
    audit.record(tx, live, breach)


def record_mints(tx: Transaction, live: Overlay, granted: list[Granted]) -> None:
    """One line of audit for all tokens minted in one batch."""
    tokens = " ".join(f"{one.execution}.{one.fence}" for one in granted)
    audit.record(tx, live, entry_by(internal_caller(""), "token.mint", f"tokens:{tokens}"))


def _give_up(log: Log, death: Death, deaths: int) -> None:
    error = WorkerCrashed(
        f"the worker died {deaths} times in this execution, the last time {_how(death)}",
        signal=death.signal,
        exit_code=death.exit_code,
        peak_memory=death.peak_memory,
        deaths=deaths,
    )
    log.add(_T.WORKFLOW_FAILED, name=WorkerCrashed.code, payload=codec.encode_error(error))


def _how(death: Death) -> str:
    """How a worker died, for people."""
    if death.cause == "protocol":
        return f"since it broke the protocol: {death.reason}"
    if death.cause == "blocked":
        return "since the workflow's own code held it without an await: do in a task what takes long"
    return f"by {death.signal or f'exit code {death.exit_code}'}"


def _detail(death: Death, execution: Execution) -> str:
    """The death as small JSON. Only the culprit of a blocked loop is told what it did."""
    told: dict[str, object] = {"cause": death.cause}
    if death.cause in ("timeout", "blocked"):
        if death.execution == execution.id:
            told |= {"call": death.call, "attempt": death.attempt}
        else:
            told["cause"] = "neighbour"
    elif death.cause == "crash":
        told |= {"signal": death.signal, "exit_code": death.exit_code, "peak_memory": death.peak_memory}
    elif death.cause == "protocol":
        told["reason"] = death.reason
    return codec.encode({name: value for name, value in told.items() if value is not None}).decode()
