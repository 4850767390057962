"""Reports that cannot be, or that come from somebody who may not act: what is refused, and what becomes of whom."""

import msgspec
import pytest

from flux import codec
from flux.core.events import EventType
from flux.core.execution import State
from flux.core.permissions import Grants
from flux.engine import parked, principals, tokens
from flux.engine.grants import Forgotten, Granted
from flux.engine.reports import LATEST
from flux.errors import NotFound, ProtocolError, StaleLease
from flux.store import events
from flux.wire.frames import Begin, End, Fact, Idle, Report, Waiting
from tests.engine.desk import CALLER, PAUSE, Desk, begin, end, fact, number

_T = EventType


async def refused(desk: Desk, report: Report, error: type[Exception], worker: str = "w1") -> None:
    """The report is refused with this error, and the log stays as it was."""
    position = desk.gate.live.numbers.position
    with pytest.raises(error):
        await desk.accept(report, worker)
    assert desk.gate.live.numbers.position == position
    assert events.last_position(desk.database.reader) == position


# ---------------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param({"facts": (fact("a#1", seen=99),)}, id="a fact that saw an input that was never sent"),
        pytest.param({"facts": (Fact(21, "a#1", 1, -1, 0),)}, id="a fact before the beginning of time"),
        pytest.param({"facts": (Fact(21, "a#1", 1, LATEST + 1, 0),)}, id="a fact after its end"),
        pytest.param({"facts": (fact("a#1"), fact("a#1"))}, id="a body that ends twice"),
        pytest.param({"facts": (fact("a#1"), fact("a#1", _T.TASK_FAILED))}, id="a call that succeeds, then fails"),
        pytest.param({"facts": (fact("a#1", _T.TASK_FAILED),)}, id="a call that fails while its body runs"),
        pytest.param({"facts": (fact("c#1", _T.TASK_CANCELLED),)}, id="a cancelled call that nobody made"),
        pytest.param({"begins": (Begin(21, "c#1", "c", 1, "loop"),)}, id="a begin that is none"),
        pytest.param({"waits": (Waiting("x", "hope", True),)}, id="a wait of no kind that there is"),
        pytest.param({"begins": (begin("c#1"),), "idle": Idle(0)}, id="rest with a new body"),
        pytest.param({"begins": (begin("c#1"),), "end": end()}, id="an end with a new body"),
        pytest.param({"idle": Idle(0)}, id="rest without anything to wait for"),
        pytest.param({"waits": (PAUSE,), "idle": Idle(7)}, id="rest after an input that was never sent"),
        pytest.param({"end": end(seen=7)}, id="an end after an input that was never sent"),
        pytest.param({"end": End(number(_T.WORKFLOW_PAUSED), 0, 1)}, id="an end that is none"),
        pytest.param({"end": End(number(_T.WORKFLOW_COMPLETED), 0, LATEST + 1)}, id="an end after the end of time"),
    ],
)
async def test_what_cannot_be_is_refused_whole(desk: Desk, lie: dict[str, object]) -> None:
    """Nothing of such a report is written; its worker is ended by whoever hears the error."""
    granted = await desk.started("w1", "a#1", "b#1")

    await refused(desk, desk.frame(granted, **lie), ProtocolError)  # type: ignore[arg-type]  # builder


async def test_an_execution_that_nobody_made_is_not_found(desk: Desk) -> None:
    """A worker was never given it."""
    granted = await desk.started()

    await refused(desk, replace_frame(desk, granted, execution="01H"), NotFound)


async def test_a_fence_that_no_grant_has_reached_is_a_lie(desk: Desk) -> None:
    """An older one is only late."""
    granted = await desk.started()

    await refused(desk, replace_frame(desk, granted, fence=granted.fence + 1), ProtocolError)


async def test_a_report_on_an_execution_of_another_worker_counts_for_nothing(desk: Desk) -> None:
    """Even with the right fence and the right token."""
    granted = await desk.grant((await desk.submit()).id, "w1")

    await refused(desk, desk.frame(granted, begins=(begin("a#1"),)), StaleLease, "w2")


async def test_a_report_on_an_ended_execution_is_late(desk: Desk) -> None:
    """It was the worker's once: it is told to forget it, and lives."""
    granted = await desk.started()
    await desk.accept(desk.frame(granted, end=end()))

    await refused(desk, desk.frame(granted, end=end()), StaleLease)


async def test_a_timer_beyond_the_end_of_time_fires_at_its_end(desk: Desk) -> None:
    """To sleep for ever is no crime."""
    granted = await desk.sleeping(due=10**18)

    assert desk.execution(granted.execution).waits["~sleep#1"].due == LATEST


async def test_the_reason_of_a_failure_has_a_bound(desk: Desk) -> None:
    """It stands in every list."""
    granted = await desk.started()
    failure = End(number(_T.WORKFLOW_FAILED), 0, 1, codec.encode({"reason": "x" * 100_000}).decode())

    await desk.accept(desk.frame(granted, end=failure))

    assert desk.execution(granted.execution).reason == "x" * 200


# ---------------------------------------------------------------------- who may not act


async def test_a_disabled_principal_ends_its_execution_at_the_next_report(desk: Desk) -> None:
    """Nothing of the report is written, nothing may begin; its neighbours on the worker go on."""
    bot = await desk.caller("bot", "workflow:default:work:*")
    mine = await desk.grant((await desk.submit(caller=bot)).id)
    await desk.accept(desk.frame(mine, begins=(begin("a#1"),)))
    neighbour = await desk.started("w1", "b#1")
    await desk.gate.write(principals.disable, bot.principal.id, CALLER)
    effects: list[object] = []
    desk.gate.on_commit(lambda committed: effects.extend(committed.effects))

    answer = await desk.accept(desk.frame(mine, facts=(fact("a#1"),), begins=(begin("c#1"), begin("d#1"))))
    ended = desk.execution(mine.execution)
    await desk.accept(desk.frame(neighbour, facts=(fact("b#1"),)))

    assert answer.denied == (0, 1)
    assert (ended.state, ended.reason) == (State.FAILED, "denied")
    assert desk.log(ended)[-2:] == [_T.TASK_STARTED, _T.WORKFLOW_FAILED]
    assert effects[0] == Forgotten(execution=mine.execution, worker="w1", fence=1)
    assert desk.execution(neighbour.execution).state is State.RUNNING


async def test_a_disabled_principal_ends_a_resting_execution_too(desk: Desk) -> None:
    """An end that a worker reports for it is none any more: nobody acts for somebody who may not."""
    bot = await desk.caller("bot", "workflow:default:work:*")
    mine = await desk.grant((await desk.submit(caller=bot)).id)
    await desk.accept(desk.frame(mine))
    await desk.gate.write(principals.disable, bot.principal.id, CALLER)

    answer = await desk.accept(desk.frame(mine, end=end()))

    assert answer.refused
    assert desk.execution(mine.execution).state is State.FAILED


async def test_a_revoked_token_is_refused_from_the_next_report_on(desk: Desk) -> None:
    """Though it had been verified before: the handle stands in for the token, not for its revocation."""
    granted = await desk.started("w1", "a#1")
    await desk.gate.write(tokens.revoke, tokens.jti(granted.execution, granted.fence), CALLER)

    await refused(desk, desk.frame(granted, facts=(fact("a#1"),)), ProtocolError)


async def test_a_token_that_has_expired_is_refused(desk: Desk) -> None:
    """Whoever shows it for the first time came too late."""
    granted = await desk.grant((await desk.submit()).id)
    desk.clock.advance(tokens.TTL + 1_000)

    await refused(desk, desk.frame(granted, begins=(begin("a#1"),)), ProtocolError)


async def test_a_begin_without_permission_is_denied_alone(desk: Desk) -> None:
    """Its neighbour in the same report starts; the denial is an input that must be seen before any rest."""
    bot = await desk.caller("bot", "workflow:default:work:run", "workflow:default:work:task:step:execute")
    granted = await desk.grant((await desk.submit(caller=bot)).id)

    answer = await desk.accept(desk.frame(granted, begins=(begin("secret#1"), begin("step#1"))))
    idle = await desk.accept(desk.frame(granted, facts=(fact("step#1"),), waits=(PAUSE,), idle=Idle(0)))
    denial = events.of(desk.database.reader, granted.key)[2]

    assert answer.denied == (0,)
    assert codec.decode(denial.payload or b"") == {
        "principal": bot.principal.id,
        "permission": "workflow:default:work:task:secret:execute",
        "task": "secret",
    }
    assert idle.refused
    assert desk.execution(granted.execution).bodies == {}


async def test_a_narrowed_key_stays_narrow_as_long_as_what_it_started(desk: Desk) -> None:
    """The principal may do more; the key that started this may not, neither now nor after a restart."""
    narrowing = Grants(["workflow:default:work:run", "workflow:default:work:task:step:execute"])
    bot = await desk.caller("bot", "workflow:default:work:*", narrowing=narrowing)
    execution = await desk.submit(caller=bot)
    stored = parked.load(desk.database.reader, execution.id)
    granted = await desk.grant(execution.id)

    answer = await desk.accept(desk.frame(granted, begins=(begin("step#1"), begin("secret#1"))))

    assert answer.denied == (1,)
    assert stored.narrowing == execution.narrowing == tuple(sorted(narrowing.permissions))


async def test_a_repeated_report_gets_the_answer_that_it_got(desk: Desk) -> None:
    """A worker that lost an acknowledgement must not take what was denied for allowed, nor a refused rest for one."""
    bot = await desk.caller("bot", "workflow:default:work:run", "workflow:default:work:task:step:execute")
    granted = await desk.grant((await desk.submit(caller=bot)).id)
    begins = desk.frame(granted, begins=(begin("secret#1"), begin("step#1")))
    first = await desk.accept(begins)
    again = await desk.accept(begins)
    idle = desk.frame(granted, facts=(fact("step#1"),), waits=(PAUSE,), idle=Idle(0))
    refusal = await desk.accept(idle)
    refusal_again = await desk.accept(idle)
    early = desk.frame(granted, end=end())
    end_refused = await desk.accept(early)
    end_refused_again = await desk.accept(early)

    assert (first.denied, again.denied) == ((0,), (0,))
    assert (refusal.refused, refusal_again.refused) == (True, True)
    assert (end_refused.refused, end_refused_again.refused) == (True, True)


def replace_frame(desk: Desk, granted: Granted, *, execution: str | None = None, fence: int | None = None) -> Report:
    """The next report of a grant, about another execution or under another fence."""
    frame = desk.frame(granted, begins=(begin("z#1"),))
    return msgspec.structs.replace(frame, execution=execution or frame.execution, fence=fence or frame.fence)
