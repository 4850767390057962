"""What a workload is: figures with the bounds they must keep, a run of ours, and a run of the limit.

A run of ours is a daemon of its own on a fresh folder; the figure is taken by this process, outside of
the daemon and its workers, unless the workload says otherwise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.bench.counts import Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number that is measured.

    Attributes:
        key: what it is called; the main figure of a workload has the workload's name.
        must: the bound, of the ratio to the limit if `of_limit`, else of the number itself.
        rising: whether more is better.
        digits: after the point, where it is shown.
    """

    key: str
    about: str
    unit: str
    must: float
    of_limit: bool = True
    rising: bool = False
    digits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is done."""

    seconds: float = 2.0  # of W1
    tasks: int = 100  # of one sequential workflow
    workflows: int = 1_000
    in_flight: int = 64
    parallel: int = 500
    rounds: int = 20  # of W3
    history: int = 5_000
    edge: int = 500  # tasks at both ends of the history
    calls: int = 300
    kept: int = 5_000  # tasks whose bytes are weighed
    burns: int = 64


TINY = Size(
    seconds=0.1, tasks=10, workflows=20, in_flight=4, parallel=20, rounds=2, history=40, edge=10, calls=10, kept=100,
    burns=4,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run of ours: a value for each figure, and how much was written for it where that was counted."""

    values: Mapping[str, float]
    counts: Counts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One of W1 to W7.

    Attributes:
        ours: one run; the second argument says whether to count syncs too, which takes time of its own.
        limit: one run of the prototype, a value for each figure that it has.
    """

    name: str
    figures: tuple[Figure, ...]
    ours: Callable[[Size, bool], Sample]
    limit: Callable[[Size], Mapping[str, float]]
