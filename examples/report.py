"""A weekly report: figures from several sources at once, one of which may be missing, in one Markdown file.

With `flux dev` running in this folder:

    cp examples/report.py workflows/
    flux run report sources=/data/figures folder=/data/reports

A source is a JSON file `sales.json`, `visits.json` or `tickets.json` with a list of numbers, one a day. A source
that cannot be read in time is replaced by what its fallback says, and the report says so.
"""

import json
from pathlib import Path
from typing import TypedDict

from flux import ExecutionContext, task, workflow
from flux.tasks import now, parallel, uuid4

SOURCES = ("sales", "visits", "tickets")


class Places(TypedDict):
    sources: str
    folder: str


class Figures(TypedDict):
    source: str
    days: list[float]
    note: str


def missing(folder: str, source: str) -> Figures:
    return {"source": source, "days": [], "note": "no figures this week"}


@task.with_options(name="figures_{source}", retry_max_attempts=1, retry_delay=0.1, timeout=20, fallback=missing)
def figures(folder: str, source: str) -> Figures:
    days = json.loads(Path(folder, f"{source}.json").read_text(encoding="utf-8"))
    return {"source": source, "days": [float(day) for day in days], "note": ""}


@task
def chart(found: Figures) -> str:
    """One line of the report: total, average, and a small picture."""
    days = found["days"]
    if not days:
        return f"| {found['source']} | – | – | {found['note']} |"
    top = max(days) or 1
    bars = "".join("▁▂▃▄▅▆▇█"[min(7, int(day / top * 7.99))] for day in days)
    return f"| {found['source']} | {sum(days):g} | {sum(days) / len(days):.1f} | {bars} |"


@task
def write(folder: str, name: str, text: str) -> str:
    """Written under another name first: nobody ever reads half a report."""
    path = Path(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    return str(path)


@workflow
async def report(ctx: ExecutionContext[Places]) -> dict[str, object]:
    places = ctx.input
    today = (await now()).date()
    number = str(await uuid4())[:8]
    found = await parallel(*(figures(places["sources"], source) for source in SOURCES))
    rows = await chart.map(found)
    head = f"# Week to {today}\n\nReport {number}\n\n| source | total | a day | week |\n|---|--:|--:|---|\n"
    path = await write(places["folder"], f"report-{today}-{number}.md", head + "\n".join(rows) + "\n")
    return {"report": path, "missing": [one["source"] for one in found if not one["days"]]}
