"""Grants: fences grow, lost workers give back what they had, and blame falls on whom it belongs to."""

import json

import pytest

from flux import codec
from flux.core.events import EventType
from flux.core.execution import Execution, State
from flux.engine import grants, parked, timers
from flux.engine.alarms import Disarmed
from flux.engine.audit import verify
from flux.engine.grants import Death, Granted
from flux.engine.live import Overlay
from flux.errors import IllegalTransition, NotFound
from flux.store import events
from flux.store.database import Transaction
from flux.wire.frames import Waiting
from tests.engine.desk import Desk, begin, end, fact

_T = EventType
CRASH = Death(cause="crash", signal="SIGSEGV", peak_memory=1_000)


async def lose(desk: Desk, worker: str = "w1", death: Death = CRASH) -> list[str]:
    """Take everything back from a worker."""
    return await desk.gate.write(grants.recover, worker, death)


def told(desk: Desk, execution: Execution) -> dict[str, object]:
    """What the newest WORKFLOW_RECOVERED of an execution says."""
    found = [event for event in events.of(desk.database.reader, execution.key) if event.type is _T.WORKFLOW_RECOVERED]
    return dict(json.loads(found[-1].detail or "{}"))


# ---------------------------------------------------------------------- granting


async def test_every_grant_raises_the_fence(desk: Desk) -> None:
    """In the row, in the log and in the lease, before anything is sent."""
    execution = await desk.submit()
    first = await desk.grant(execution.id, "w1")
    await lose(desk)
    second = await desk.grant(execution.id, "w2")

    lease = desk.gate.live.leases[execution.id]
    assert (first.fence, second.fence) == (1, 2)
    assert (first.fresh, second.fresh) == (True, False)
    assert (lease.worker, lease.fence, lease.jti) == ("w2", 2, f"{execution.id}.2")
    assert parked.load(desk.database.reader, execution.id).fence == 2


async def test_a_token_and_a_handle_are_made_for_one_grant_only(desk: Desk) -> None:
    """Who had the last ones has nothing."""
    execution = await desk.submit()
    first = await desk.grant(execution.id)
    handle = desk.gate.live.leases[execution.id].handle
    await lose(desk)
    second = await desk.grant(execution.id)

    assert second.token != first.token
    assert desk.gate.live.leases[execution.id].handle != handle
    assert not desk.gate.live.leases[execution.id].verified


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED, State.WAITING, State.COMPLETED, State.FAILED])
async def test_what_wants_no_worker_gets_none(desk: Desk, state: State) -> None:
    """The state machine says who may be started."""
    execution = await desk.standing(state)

    with pytest.raises(IllegalTransition):
        await desk.grant(execution.id)

    assert desk.execution(execution.id).fence == execution.fence


async def test_a_cancelled_execution_is_granted_for_its_clean_up(desk: Desk) -> None:
    """It stays CANCELLING."""
    execution = await desk.standing(State.CANCELLING)
    await desk.grant(execution.id, "w2")

    assert (desk.execution(execution.id).state, desk.execution(execution.id).worker) == (State.CANCELLING, "w2")


async def test_an_unknown_execution_cannot_be_granted(desk: Desk) -> None:
    """Whoever asks is told so."""
    with pytest.raises(NotFound):
        await desk.grant("nobody")


async def test_mints_of_one_batch_are_one_line_of_audit(desk: Desk) -> None:
    """With every grant named."""
    granted = [Granted(execution=name, key=1, worker="w", fence=3, token="t", fresh=True) for name in ("E1", "E2")]
    await desk.gate.write(grants.record_mints, granted)

    newest = desk.audit()[-1]
    assert (newest.action, newest.object) == ("token.mint", "tokens:E1.3 E2.3")
    assert verify(desk.database.reader).holds


# ---------------------------------------------------------------------- taking back


@pytest.mark.parametrize("cause", ["crash", "lease", "restart", "launcher", "drain", "protocol", "timeout", "blocked"])
async def test_a_lost_worker_gives_everything_back(desk: Desk, cause: str) -> None:
    """What ran is queued, what rested is unloaded, and no slot stays taken."""
    running, paused = await desk.started("w1", "a#1"), await desk.paused()
    elsewhere = await desk.started("w2", "a#1")

    given = await lose(desk, death=Death(cause=cause))

    live = desk.gate.live
    assert given == sorted([running.execution, paused.execution])
    assert desk.execution(running.execution).state is State.QUEUED
    assert (desk.execution(paused.execution).state, desk.execution(paused.execution).worker) == (State.PAUSED, None)
    assert desk.execution(elsewhere.execution).worker == "w2"
    assert (live.busy["w1"], live.loaded["w1"], live.queued) == (0, set(), 1)


async def test_a_resting_execution_that_is_unloaded_says_nothing(desk: Desk) -> None:
    """Nothing happened to it; it costs a row and waits for what it waited for."""
    granted = await desk.paused()
    before = desk.execution(granted.execution)
    await lose(desk)

    after = desk.execution(granted.execution)
    assert after.sequence == before.sequence
    assert after.waits == before.waits
    assert granted.execution not in desk.gate.live.executions


async def test_a_lost_clean_up_is_granted_anew(desk: Desk) -> None:
    """A cancelled execution whose worker dies is still to be cleaned up."""
    execution = await desk.standing(State.CANCELLING)
    await desk.grant(execution.id, "w2")

    await lose(desk, "w2", Death(cause="lease"))

    after = desk.execution(execution.id)
    assert (after.state, after.worker, after.needs_grant) == (State.CANCELLING, None, True)


async def test_what_was_granted_in_the_same_batch_is_given_back_too(desk: Desk) -> None:
    """The worker died between the two."""
    execution = await desk.submit()

    def both(tx: Transaction, live: Overlay) -> list[str]:
        grants.grant(tx, live, desk.tokens, execution.id, "w1")
        return grants.recover(tx, live, "w1", CRASH)

    assert await desk.gate.write(both) == [execution.id]
    assert desk.execution(execution.id).needs_grant


async def test_losing_a_worker_that_had_nothing_is_no_event(desk: Desk) -> None:
    """Most that die while nothing is to be done."""
    assert await lose(desk, "w9") == []


# ---------------------------------------------------------------------- blame


async def test_a_death_alone_counts(desk: Desk) -> None:
    """Nobody else ran there: it was this one, and next time it is alone again."""
    granted = await desk.started("w1", "a#1")
    await lose(desk)

    after = desk.execution(granted.execution)
    assert (after.deaths, after.alone) == (1, True)
    assert told(desk, after) == {"cause": "crash", "signal": "SIGSEGV", "peak_memory": 1_000}


async def test_a_death_in_company_counts_for_nobody(desk: Desk) -> None:
    """One of them did it: each gets a worker of its own, where it will show."""
    first, second = await desk.started("w1", "a#1"), await desk.started("w1", "b#1")
    await lose(desk)

    for granted in (first, second):
        after = desk.execution(granted.execution)
        assert (after.deaths, after.alone) == (0, True)


async def test_who_was_only_resting_there_is_no_suspect(desk: Desk) -> None:
    """No code of it ran; so the one that did run was alone."""
    running, paused = await desk.started("w1", "a#1"), await desk.paused()
    await lose(desk)

    assert desk.execution(running.execution).deaths == 1
    assert (desk.execution(paused.execution).deaths, desk.execution(paused.execution).alone) == (0, False)


async def test_three_deaths_alone_are_the_end(desk: Desk) -> None:
    """With how it died, three times with nothing recorded between; its timers are closed."""
    execution = await desk.submit()
    effects: list[object] = []
    desk.gate.on_commit(lambda committed: effects.extend(committed.effects))
    for _ in range(3):
        granted = await desk.grant(execution.id)
        timer = Waiting("~t#1", "timer", True, due=desk.clock.now() + 1)
        await desk.accept(desk.frame(granted, begins=(begin("a#1"),), waits=(timer,)))
        await lose(desk)

    after = desk.execution(execution.id)
    error = codec.error_view(events.of(desk.database.reader, execution.key)[-1].payload or b"")
    assert (after.state, after.reason, after.deaths) == (State.FAILED, "worker_crashed", 3)
    assert error["type"] == "WorkerCrashed"
    assert "died 3 times" in str(error["message"])
    assert "SIGSEGV" in str(error["message"])
    assert desk.gate.read(timers.everything) == []
    assert effects[-1] == Disarmed(execution.id, "~t#1")


async def test_a_fact_between_two_deaths_clears_the_first(desk: Desk) -> None:
    """It got on: whatever killed it then is behind it."""
    execution = await desk.submit()
    for attempt in (1, 2, 3, 4):
        granted = await desk.grant(execution.id)
        await desk.accept(desk.frame(granted, begins=(begin(f"a#{attempt}"),)))
        await desk.accept(desk.frame(granted, facts=(fact(f"a#{attempt}"),), begins=(begin(f"b#{attempt}"),)))
        await lose(desk)

    assert (desk.execution(execution.id).state, desk.execution(execution.id).deaths) == (State.QUEUED, 1)


@pytest.mark.parametrize("cause", ["lease", "restart", "launcher", "drain", "unloaded", "timeout", "blocked"])
async def test_what_is_explained_counts_against_nobody(desk: Desk, cause: str) -> None:
    """However often it happens."""
    execution = await desk.submit()
    for _ in range(5):
        granted = await desk.grant(execution.id)
        await desk.accept(desk.frame(granted, begins=(begin("a#1"),)))
        await lose(desk, death=Death(cause=cause, execution="another", call="a#1", attempt=1))

    after = desk.execution(execution.id)
    assert (after.state, after.deaths, after.alone) == (State.QUEUED, 0, False)


async def test_a_suspicion_outlives_an_interruption(desk: Desk) -> None:
    """It was alone when the daemon was restarted, and nobody knows yet whether it would have died."""
    execution = await desk.submit()
    await desk.grant(execution.id)
    await lose(desk)
    await desk.grant(execution.id, "own")
    await lose(desk, "own", Death(cause="restart"))

    after = desk.execution(execution.id)
    assert (after.deaths, after.alone) == (1, True)


async def test_a_breach_of_the_protocol_is_blamed_like_a_death(desk: Desk) -> None:
    """Only user code can have put garbage there; what it was, the third time, is the error."""
    execution = await desk.submit()
    for _ in range(3):
        await desk.grant(execution.id)
        await lose(desk, death=Death(cause="protocol", reason="not a frame"))

    error = codec.error_view(events.of(desk.database.reader, execution.key)[-1].payload or b"")
    assert desk.execution(execution.id).state is State.FAILED
    assert "not a frame" in str(error["message"])


async def test_only_the_culprit_of_a_hang_is_told_what_it_did(desk: Desk) -> None:
    """Its attempt fails; a neighbour's body simply runs again."""
    culprit, neighbour = await desk.started("w1", "a#1"), await desk.started("w1", "a#1")
    await lose(desk, death=Death(cause="timeout", execution=culprit.execution, call="a#1", attempt=1))

    assert told(desk, desk.execution(culprit.execution)) == {"cause": "timeout", "call": "a#1", "attempt": 1}
    assert told(desk, desk.execution(neighbour.execution)) == {"cause": "neighbour"}


async def test_workflow_code_that_holds_the_loop_three_times_is_failed(desk: Desk) -> None:
    """There is no task to fail for it, and it would do so for ever; its neighbour has nothing to fear."""
    culprit, neighbour = await desk.submit(), await desk.submit()
    for _ in range(3):
        await desk.grant(culprit.id)
        await desk.grant(neighbour.id)
        await lose(desk, death=Death(cause="blocked", execution=culprit.id, call=""))

    assert (desk.execution(culprit.id).state, desk.execution(culprit.id).reason) == (State.FAILED, "worker_crashed")
    assert (desk.execution(neighbour.id).state, desk.execution(neighbour.id).deaths) == (State.QUEUED, 0)


# ---------------------------------------------------------------------- unloading


@pytest.mark.parametrize("state", [State.PAUSED, State.WAITING])
async def test_a_resting_execution_that_was_unloaded_is_a_row(desk: Desk, state: State) -> None:
    """As the worker says, under the fence that it had."""
    execution = await desk.standing(state)
    await desk.gate.write(grants.released, "w1", execution.id, execution.fence)

    after = desk.execution(execution.id)
    assert (after.state, after.worker) == (state, None)
    assert after.waits == execution.waits
    assert execution.id not in desk.gate.live.executions


async def test_what_was_woken_while_it_was_unloaded_is_granted_anew(desk: Desk) -> None:
    """The input went to a worker that had just let go; the history brings it again."""
    granted = await desk.sleeping()
    desk.clock.advance(5_000)
    await desk.gate.write(timers.fire, granted.execution, "~sleep#1")
    await desk.gate.write(grants.released, "w1", granted.execution, granted.fence)

    after = desk.execution(granted.execution)
    assert (after.state, after.needs_grant) == (State.QUEUED, True)
    assert told(desk, after) == {"cause": "unloaded"}


@pytest.mark.parametrize(("worker", "fence"), [("w1", 9), ("w2", 1), ("w1", 0)])
async def test_only_who_holds_a_grant_can_give_it_back(desk: Desk, worker: str, fence: int) -> None:
    """A late or foreign word changes nothing."""
    granted = await desk.paused()
    await desk.gate.write(grants.released, worker, granted.execution, fence)

    assert desk.execution(granted.execution).worker == "w1"


async def test_giving_back_what_is_gone_is_no_error(desk: Desk) -> None:
    """It ended meanwhile."""
    granted = await desk.started()
    await desk.accept(desk.frame(granted, end=end()))

    await desk.gate.write(grants.released, "w1", granted.execution, granted.fence)

    assert desk.execution(granted.execution).state is State.COMPLETED


# ---------------------------------------------------------------------- whose principal is gone


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.PAUSED, State.WAITING, State.CANCELLING])
async def test_an_execution_can_be_ended_for_its_principal_in_every_open_state(desk: Desk, state: State) -> None:
    """With an error that says so, and a line of audit."""
    execution = await desk.standing(state)
    await desk.gate.write(grants.deny, execution)

    after = desk.execution(execution.id)
    newest = desk.audit()[-1]
    assert (after.state, after.reason, after.worker) == (State.FAILED, "denied", None)
    assert (newest.action, newest.outcome) == ("execution.end", "denied")
    assert desk.gate.read(timers.everything) == []
