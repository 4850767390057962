"""What follows what in one call: attempts, delays, rollback, fallback, the end.

    attempt k ─ completed ───────────────────────────────────────────────────────── TASK_COMPLETED
        │
        └ failed ─ TASK_ATTEMPT_FAILED ─ with a delay ─ timer ─ attempt k+1
                        │
                        └ without one ─ rollback ─┬ fallback ─ completed ───────── TASK_COMPLETED
                                                  └ no fallback, or it failed ──── TASK_FAILED
    asked to end, whenever: the body that runs is cancelled ─ rollback ──────────── TASK_CANCELLED

A call's progress is the fold of what is recorded of it (`after`), and what is to be done next follows from
the progress alone (`next_step`). So a worker that reads a progress out of the log does what the worker
that made it would have done. Whether a failed attempt is followed by another is decided once, when it fails,
and recorded with it.

Durations and instants are int milliseconds.
"""

from dataclasses import dataclass, replace
from typing import Final

from flux.core.events import EventType
from flux.core.retry import RetryPolicy, next_delay, should_retry

_T: Final = EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a call has come.

    Attributes:
        attempt: the newest.
        due: when the next attempt begins; 0: the newest has not failed, or there is none.
        error: of the newest failed attempt, in the codec's bytes.
        has_failed: the last attempt has failed, there is no other.
        is_rolled_back: the rollback has run, with or without success.
        later_error: of the rollback or fallback that failed.
        value: what the fallback gave.
        end: the event that ended the call.
    """

    attempt: int = 1
    due: int = 0
    error: bytes | None = None
    has_failed: bool = False
    is_rolled_back: bool = False
    later_error: bytes | None = None
    value: bytes | None = None
    end: EventType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Run a body. `begin`: TASK_STARTED, TASK_ROLLBACK_STARTED or TASK_FALLBACK_STARTED."""

    begin: EventType
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep:
    """Wait until the instant `due`."""

    due: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Note a fact that needs no body: it follows from those before."""

    fact: EventType


FIRST: Final = Progress()
FACT_OF_SUCCESS: Final = {
    _T.TASK_STARTED: _T.TASK_COMPLETED,
    _T.TASK_ROLLBACK_STARTED: _T.TASK_ROLLBACK_COMPLETED,
    _T.TASK_FALLBACK_STARTED: _T.TASK_FALLBACK_COMPLETED,
}
FACT_OF_FAILURE: Final = {
    _T.TASK_STARTED: _T.TASK_ATTEMPT_FAILED,
    _T.TASK_ROLLBACK_STARTED: _T.TASK_ROLLBACK_FAILED,
    _T.TASK_FALLBACK_STARTED: _T.TASK_FALLBACK_FAILED,
}
ENDS: Final = frozenset({_T.TASK_COMPLETED, _T.TASK_FAILED, _T.TASK_CANCELLED, _T.TASK_DENIED})


def after(progress: Progress, event: EventType, payload: bytes | None = None, due: int = 0) -> Progress:
    """The progress after a fact or an input about this call. `due`: of a failed attempt, when the next begins."""
    if event in ENDS:
        return replace(progress, end=event)
    if event is _T.TASK_ATTEMPT_FAILED:
        return replace(progress, error=payload, due=due, has_failed=not due)
    if event is _T.TIMER_FIRED:
        return replace(progress, attempt=progress.attempt + 1, due=0)
    if event is _T.TASK_ROLLBACK_COMPLETED:
        return replace(progress, is_rolled_back=True)
    if event is _T.TASK_ROLLBACK_FAILED:
        return replace(progress, is_rolled_back=True, later_error=payload)
    if event is _T.TASK_FALLBACK_COMPLETED:
        return replace(progress, value=payload)
    if event is _T.TASK_FALLBACK_FAILED:
        return replace(progress, later_error=payload)
    return progress


def next_step(
    progress: Progress, *, is_cancelled: bool, has_rollback: bool, has_fallback: bool
) -> Run | Sleep | Record | None:
    """What is to be done for a call of which nothing runs; None when it has ended."""
    if progress.end is not None:
        return None
    if not (progress.has_failed or is_cancelled):
        if progress.due:
            return Sleep(due=progress.due)
        return Run(begin=_T.TASK_STARTED, attempt=progress.attempt)
    if has_rollback and not progress.is_rolled_back:
        return Run(begin=_T.TASK_ROLLBACK_STARTED, attempt=progress.attempt)
    if is_cancelled:
        return Record(fact=_T.TASK_CANCELLED)
    if progress.value is not None:
        return Record(fact=_T.TASK_COMPLETED)
    if has_fallback and progress.later_error is None:
        return Run(begin=_T.TASK_FALLBACK_STARTED, attempt=progress.attempt)
    return Record(fact=_T.TASK_FAILED)


def delay_after(policy: RetryPolicy, attempt: int, error: BaseException, jitter: float) -> int | None:
    """Milliseconds from the failure of `attempt` to the next one; None: there is no other.

    Args:
        jitter: uniform in [0, 1); drawn by the caller.
    """
    return next_delay(policy, attempt, jitter) if should_retry(policy, error) else None
