"""A pipeline: from a web server's access log to the pages that people read, stage by stage.

With `flux dev` running in this folder:

    cp examples/pipeline.py workflows/
    flux run pages @log.json        # the log as one JSON string, or as a list of lines

Each stage gets what the one before it returned, and each result is kept: if the last stage fails, the
first ones are not run again when it is repaired. An error says in which stage it happened.
"""

import re
from collections import Counter
from typing import TypedDict

from flux import ExecutionContext, task, workflow
from flux.tasks import pipeline

LINE = re.compile(
    r'(?P<host>\S+) .*?"(?:GET|POST) (?P<page>\S+)[^"]*" (?P<status>\d{3}) \S+(?: "[^"]*" "(?P<agent>[^"]*)")?'
)
BOTS = re.compile("bot|crawl|spider", re.IGNORECASE)


class Hit(TypedDict):
    host: str
    page: str
    status: int
    agent: str


@task
async def parse(log: str | list[str]) -> list[Hit]:
    lines = log.splitlines() if isinstance(log, str) else log
    found = [match for line in lines if (match := LINE.match(line))]
    return [
        Hit(
            host=match["host"],
            page=match["page"].partition("?")[0],
            status=int(match["status"]),
            agent=match["agent"] or "",
        )
        for match in found
    ]


@task
async def keep_people(hits: list[Hit]) -> list[Hit]:
    """Pages that were there, read by somebody who is not a machine."""
    return [hit for hit in hits if hit["status"] < 400 and not BOTS.search(hit["agent"])]


@task
async def count(hits: list[Hit]) -> list[tuple[str, int, int]]:
    """Page, hits, visitors; the most read first."""
    reads = Counter(hit["page"] for hit in hits)
    visitors = Counter(page for page, _ in {(hit["page"], hit["host"]) for hit in hits})
    return [
        (page, number, visitors[page]) for page, number in sorted(reads.items(), key=lambda item: (-item[1], item[0]))
    ]


@task
async def as_table(rows: list[tuple[str, int, int]]) -> str:
    widest = max([len(page) for page, _, _ in rows], default=4)
    head = f"{'page':<{widest}}  hits  visitors"
    return "\n".join([head, *(f"{page:<{widest}}  {hits:>4}  {visitors:>8}" for page, hits, visitors in rows)])


@workflow
async def pages(ctx: ExecutionContext[str | list[str]]) -> str:
    return await pipeline(parse, keep_people, count, as_table, input=ctx.input)
