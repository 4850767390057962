"""Two bodies that do not end while nobody has been killed; run again, each tells which old processes live.

They talk to the test by files in a folder: `loop` and `process` hold who runs a body, `old` is written before
the kill and names who must be dead, `end` ends bodies that no kill has ended.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

from flux import ExecutionContext, task, workflow
from flux.tasks import parallel


def stat_of(pid: str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def survivors(folder: Path) -> list[str]:
    """Those of the old processes that can still have an effect."""
    found = []
    for line in (folder / "old").read_text().split():
        pid, _, start = line.partition(":")
        stat = stat_of(pid)
        if stat and stat[0] not in "ZX" and stat[19] == start:
            found.append(line)
    return found


def enter(folder: Path, name: str) -> None:
    """Say that a body runs, and where."""
    (folder / f".{name}").write_text(str(os.getpid()))
    (folder / f".{name}").rename(folder / name)


@task
def in_a_process(text: str, is_blocked: bool) -> list[str]:
    folder = Path(text)
    if (folder / "old").exists():
        return survivors(folder)
    enter(folder, "process")
    if is_blocked:
        time.sleep(3600)
    while not (folder / "end").exists():
        time.sleep(0.005)
    return []


@task
async def on_the_loop(text: str, is_blocked: bool) -> list[str]:
    folder = Path(text)
    if (folder / "old").exists():
        return survivors(folder)
    while not (folder / "process").exists():
        await asyncio.sleep(0.005)
    enter(folder, "loop")
    if is_blocked:
        time.sleep(3600)
    while not (folder / "end").exists():
        await asyncio.sleep(0.005)
    return []


@workflow
async def witness(ctx: ExecutionContext[dict[str, Any]]) -> list[list[str]]:
    asked = ctx.input
    return await parallel(
        in_a_process(asked["folder"], asked["process_blocks"]), on_the_loop(asked["folder"], asked["loop_blocks"])
    )
