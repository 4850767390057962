"""What came out: medians, spread and ratio of each figure, as a table or as JSON.

The ratio of a run is ours by the limit of the same minute; what is shown is the median of the runs, so
that a machine that is slow for a while spoils neither.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flux.cli.render import Column
from tests.bench.counts import Counts
from tests.bench.machine import Machine
from tests.bench.workload import Figure, Sample, Workload

COLUMNS = (
    Column(key="key", heading="WORKLOAD"),
    Column(key="about", heading="WHAT"),
    Column(key="ours"),
    Column(key="limit"),
    Column(key="ratio"),
    Column(key="must"),
    Column(key="kept", heading="KEPT", colour={"yes": "green", "NO": "red"}),
    Column(key="commits", heading="COMMITS/TASK"),
    Column(key="syncs", heading="SYNCS/TASK"),
    Column(key="calls", heading="CALLS/COMMIT"),
)


@dataclass(slots=True)
class Runs:
    """The runs of one workload, ours and the limit's in pairs. A limit is empty where it was not asked for."""

    workload: Workload
    ours: list[Sample] = field(default_factory=list)
    limits: list[Mapping[str, float]] = field(default_factory=list)

    def add(self, ours: Sample, limit: Mapping[str, float]) -> None:
        """Note a pair."""
        self.ours.append(ours)
        self.limits.append(limit)

    @property
    def counts(self) -> Counts | None:
        """What the first run counted."""
        return self.ours[0].counts

    def values(self, figure: Figure) -> list[float]:
        """Ours, one a run."""
        return [sample.values[figure.key] for sample in self.ours]

    def bounds(self, figure: Figure) -> list[float]:
        """The limit's, one a run; empty if it has no such figure."""
        return [limit[figure.key] for limit in self.limits if figure.key in limit]

    def ratios(self, figure: Figure) -> list[float]:
        """Ours by the limit, one a run."""
        return [ours / limit for ours, limit in zip(self.values(figure), self.bounds(figure), strict=False)]


def rows(found: Sequence[Runs]) -> list[Mapping[str, object]]:
    """A row for each figure."""
    return [_row(runs, figure) for runs in found for figure in runs.workload.figures]


def document(machine: Machine, found: Sequence[Runs]) -> dict[str, object]:
    """Everything, as an object for JSON."""
    workloads = {figure.key: _entry(runs, figure) for runs in found for figure in runs.workload.figures}
    return {"machine": machine.as_dict(), "workloads": workloads}


def _row(runs: Runs, figure: Figure) -> Mapping[str, object]:
    counts = runs.counts if figure is runs.workload.figures[0] else None
    ratios = runs.ratios(figure)
    return {
        "key": figure.key,
        "about": figure.about,
        "ours": f"{_spread(runs.values(figure), figure.digits)} {figure.unit}",
        "limit": _spread(runs.bounds(figure), figure.digits),
        "ratio": _times(ratios, figure),
        "must": _must(figure),
        "kept": {True: "yes", False: "NO", None: ""}[_is_kept(runs, figure)],
        "commits": "" if counts is None else f"{counts.commits:.3f}",
        "syncs": "" if counts is None or counts.syncs is None else f"{counts.syncs:.3f}",
        "calls": "" if counts is None else f"{counts.calls:.1f}",
    }


def _entry(runs: Runs, figure: Figure) -> dict[str, object]:
    bounds, ratios = runs.bounds(figure), runs.ratios(figure)
    pairs = [dict(zip(("ours", "limit"), pair, strict=False)) for pair in _pairs(runs.values(figure), bounds)]
    counts = runs.counts if figure is runs.workload.figures[0] else None
    entry: dict[str, object] = {
        "about": figure.about,
        "ours": statistics.median(runs.values(figure)),
        "limit": statistics.median(bounds) if bounds else None,
        "ratio": statistics.median(ratios) if ratios else None,
        "unit": figure.unit,
        "must": _must(figure),
        "kept": _is_kept(runs, figure),
        "runs": pairs,
    }
    if counts is not None:
        entry |= {"commits_per_task": counts.commits, "calls_per_commit": counts.calls, "syncs_per_task": counts.syncs}
    return entry


def _pairs(ours: Sequence[float], bounds: Sequence[float]) -> list[tuple[float, ...]]:
    return [(value, bounds[at]) if at < len(bounds) else (value,) for at, value in enumerate(ours)]


def _is_kept(runs: Runs, figure: Figure) -> bool | None:
    """Whether the bound is kept; None where the limit it is taken from was not measured."""
    measured = runs.ratios(figure) if figure.of_limit else runs.values(figure)
    if not measured:
        return None
    median = statistics.median(measured)
    return median >= figure.must if figure.rising else median <= figure.must


def _must(figure: Figure) -> str:
    sign = "≥" if figure.rising else "≤"
    if not figure.of_limit:
        return f"{sign} {figure.must:g} {figure.unit}"
    return f"{sign} {figure.must:.0%}" if figure.rising else f"{sign} {figure.must:g}×"


def _times(ratios: Sequence[float], figure: Figure) -> str:
    if not ratios:
        return ""
    low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
    if figure.rising:
        return f"{middle:.1%} ({low:.1%}–{high:.1%})"
    return f"{middle:.2f}× ({low:.2f}–{high:.2f})"


def _spread(values: Sequence[float], digits: int) -> str:
    """Median and range."""
    if not values:
        return ""
    low, middle, high = (f"{value:,.{digits}f}" for value in (min(values), statistics.median(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({low}–{high})"
