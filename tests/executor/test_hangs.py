"""Hangs and leases: who is lost, and for what reason."""

from dataclasses import dataclass, field

import pytest

from flux.clock import ManualClock
from flux.engine.grants import Death
from flux.executor.hangs import GRACE, WITHOUT_TIMEOUT, Hangs
from flux.executor.peers import Worker, Workers
from flux.wire.frames import Frame, Heartbeat, Renewed, Report
from tests.engine.desk import begin, fact

LEASE = 30_000


@dataclass
class Far:
    """A peer that keeps what it is sent."""

    id: str
    pid: int = 1
    sent: list[Frame] = field(default_factory=list)

    def send(self, frame: Frame) -> None:
        """Keep a frame."""
        self.sent.append(frame)


class Ward:
    """One worker under watch, and who was lost."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.workers = Workers(lambda execution: None)
        self.lost: list[tuple[str, Death]] = []
        self.hangs = Hangs(self.workers, self.clock, lease=LEASE, lose=self._lose)
        self.worker = self.add("w1")

    def add(self, name: str) -> Worker:
        """A worker with a fresh lease."""
        worker = Worker(Far(name), self.clock.monotonic() + LEASE)
        self.workers.add(worker)
        return worker

    def _lose(self, worker: Worker, death: Death) -> None:
        worker.lost = True
        self.lost.append((worker.id, death))

    def reports(self, execution: str = "e1", denied: tuple[int, ...] = (), **parts: object) -> None:
        """A report of an execution was accepted."""
        self.hangs.begun(Report(execution, 1, 0, 1, **parts), denied)  # type: ignore[arg-type]  # builder

    def beats(self, age: int, call: str = "step#1", execution: str = "e1", since: int = 0) -> None:
        """The worker says that a body holds its loop."""
        self.hangs.heard(self.worker, Heartbeat(age, execution, call, 1, since))


@pytest.fixture
def ward() -> Ward:
    """One worker."""
    return Ward()


def test_a_heartbeat_renews_the_lease(ward: Ward) -> None:
    """For its whole length, and the worker is told."""
    ward.clock.advance(LEASE - 1)
    ward.hangs.heard(ward.worker, Heartbeat(0))
    ward.clock.advance(LEASE)
    ward.hangs.expired()

    assert ward.lost == []
    assert ward.worker.peer.sent == [Renewed(LEASE)]  # type: ignore[attr-defined]  # it is a Far


def test_a_worker_that_says_nothing_is_lost_when_its_lease_ends(ward: Ward) -> None:
    """And only that one."""
    ward.clock.advance(LEASE)
    ward.add("w2")
    ward.hangs.expired()
    assert ward.lost == []

    ward.clock.advance(1)
    ward.hangs.expired()
    ward.hangs.expired()

    assert ward.lost == [("w1", Death(cause="lease"))]


def test_whoever_asks_first_whether_a_lease_is_over_ends_it(ward: Ward) -> None:
    """A frame that comes too late finds that out by itself."""
    assert not ward.hangs.is_over(ward.worker)
    ward.clock.advance(LEASE + 1)

    assert ward.hangs.is_over(ward.worker)
    assert ward.lost == [("w1", Death(cause="lease"))]


@pytest.mark.parametrize(
    ("timeout", "age", "cause"),
    [
        pytest.param(2_000, 2_000 + GRACE, None, id="within timeout and grace"),
        pytest.param(2_000, 2_001 + GRACE, "timeout", id="past timeout and grace"),
        pytest.param(60_000, WITHOUT_TIMEOUT + 1, None, id="a long timeout"),
        pytest.param(0, WITHOUT_TIMEOUT, None, id="without a timeout, half a minute"),
        pytest.param(0, WITHOUT_TIMEOUT + 1, "blocked", id="without a timeout, longer"),
    ],
)
def test_a_body_may_hold_the_loop_for_its_timeout(ward: Ward, timeout: int, age: int, cause: str | None) -> None:
    """Then its worker is lost, with the body named; it is no crash, so nobody else is suspected."""
    ward.reports(begins=(begin("step#1", timeout=timeout),))

    ward.beats(age)

    expected = [("w1", Death(cause=cause, execution="e1", call="step#1", attempt=1))] if cause else []
    assert ward.lost == expected


def test_how_long_a_body_holds_the_loop_counts_too(ward: Ward) -> None:
    """The longer of the two ages decides."""
    ward.beats(1_500, since=WITHOUT_TIMEOUT + 1)

    assert [death.cause for _, death in ward.lost] == ["blocked"]


def test_the_workflows_own_code_has_no_timeout(ward: Ward) -> None:
    """Half a minute, whatever its tasks may take."""
    ward.reports(begins=(begin("step#1", timeout=100),))
    ward.beats(WITHOUT_TIMEOUT, call="")
    assert ward.lost == []

    ward.beats(WITHOUT_TIMEOUT + 1, call="")

    assert ward.lost == [("w1", Death(cause="blocked", execution="e1", call="", attempt=1))]


def test_a_loop_that_no_body_holds_is_only_slow(ward: Ward) -> None:
    """Nobody is named, so nobody can be ended; its lease is what counts."""
    ward.hangs.heard(ward.worker, Heartbeat(WITHOUT_TIMEOUT * 2))

    assert ward.lost == []


@pytest.mark.parametrize("how", ["a fact", "denied", "the execution left"])
def test_timeouts_of_bodies_that_do_not_run_are_forgotten(ward: Ward, how: str) -> None:
    """The next body of that call has its own, or none."""
    ward.reports(begins=(begin("step#1", timeout=100),), denied=(0,) if how == "denied" else ())
    if how == "a fact":
        ward.reports(facts=(fact("step#1"),))
    elif how == "the execution left":
        ward.hangs.ended("e1")

    ward.beats(WITHOUT_TIMEOUT)

    assert ward.lost == []


def test_an_attempt_that_follows_at_once_keeps_its_timeout(ward: Ward) -> None:
    """A report may end one attempt of a call and begin the next: what began is what runs."""
    ward.reports(begins=(begin("step#1", timeout=100),))
    ward.reports(facts=(fact("step#1"),), begins=(begin("step#1", attempt=2, timeout=100),))

    ward.beats(101 + GRACE)

    assert [death.cause for _, death in ward.lost] == ["timeout"]
