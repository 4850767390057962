"""Documents: read a whole folder of texts at once and say what is in them.

With `flux dev` running in this folder:

    cp examples/documents.py workflows/
    flux run documents folder=/data/texts limit:=4

The work on each text is a plain `def`, so every one runs in a process of its own and all cores are busy.
`limit` says how many at once. A text that makes Python crash takes nothing else down with it.
"""

import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import NotRequired, TypedDict
from zlib import crc32

from flux import ExecutionContext, task, workflow
from flux.tasks import parallel

SHINGLE = 4  # words that must follow each other to count as copied


class Job(TypedDict):
    folder: str
    limit: NotRequired[int]


class Reading(TypedDict):
    name: str
    words: int
    common: list[tuple[str, int]]
    shingles: set[int]


@task
def list_documents(folder: str) -> list[str]:
    return sorted(str(path) for path in Path(folder).rglob("*") if path.suffix in {".txt", ".md"})


@task.with_options(timeout=60)
def read(path: str) -> Reading:
    """What one text says, in numbers."""
    words = re.findall(r"[a-z']+", Path(path).read_text(encoding="utf-8", errors="replace").lower())
    runs = zip(*(words[start:] for start in range(SHINGLE)), strict=False)
    return {
        "name": Path(path).name,
        "words": len(words),
        "common": Counter(word for word in words if len(word) > 4).most_common(5),
        "shingles": {crc32(" ".join(run).encode()) for run in runs},
    }


@task
def find_copies(readings: list[Reading]) -> list[tuple[str, str, float]]:
    """Pairs of texts that share more than half of what the shorter one says."""
    copies = []
    for one, other in combinations(readings, 2):
        shorter = min(len(one["shingles"]), len(other["shingles"]))
        shared = len(one["shingles"] & other["shingles"]) / shorter if shorter else 0.0
        if shared > 0.5:
            copies.append((one["name"], other["name"], round(shared, 2)))
    return copies


@task
def count_common(readings: list[Reading]) -> list[tuple[str, int]]:
    """The words that most texts talk about."""
    total: Counter[str] = Counter()
    for reading in readings:
        total.update(dict(reading["common"]))
    return total.most_common(5)


@workflow
async def documents(ctx: ExecutionContext[Job]) -> dict[str, object]:
    paths = await list_documents(ctx.input["folder"])
    readings = await read.map(paths, max_concurrent=ctx.input.get("limit", 4))
    copies, common = await parallel(find_copies(readings), count_common(readings))
    return {
        "documents": len(readings),
        "words": sum(reading["words"] for reading in readings),
        "common": common,
        "copies": copies,
    }
