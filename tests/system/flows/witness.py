"""Two bodies that do not end while nobody has been killed; run again, each tells which old processes live.

Each body has started a program of its own. They talk to the test by files in a folder: `loop` and `process` hold
who runs a body and its program, `old` is written before the kill and names who must be dead, `end` ends bodies that
no kill has ended.
"""

import asyncio
import os
import subprocess
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


def enter(folder: Path, name: str) -> subprocess.Popen[bytes]:
    """Start a program, and say that a body runs, and where."""
    program = subprocess.Popen(["sleep", "3600"])
    (folder / f".{name}").write_text(f"{os.getpid()} {program.pid}")
    (folder / f".{name}").rename(folder / name)
    return program


def leave(program: subprocess.Popen[bytes]) -> list[str]:
    program.kill()
    program.wait()
    return []


@task
def in_a_process(text: str, is_blocked: bool) -> list[str]:
    folder = Path(text)
    if (folder / "old").exists():
        return survivors(folder)
    program = enter(folder, "process")
    if is_blocked:
        time.sleep(3600)
    while not (folder / "end").exists():
        time.sleep(0.005)
    return leave(program)


@task
async def on_the_loop(text: str, is_blocked: bool) -> list[str]:
    folder = Path(text)
    if (folder / "old").exists():
        return survivors(folder)
    while not (folder / "process").exists():
        await asyncio.sleep(0.005)
    program = enter(folder, "loop")
    if is_blocked:
        time.sleep(3600)
    while not (folder / "end").exists():
        await asyncio.sleep(0.005)
    return leave(program)


@workflow
async def witness(ctx: ExecutionContext[dict[str, Any]]) -> list[list[str]]:
    asked = ctx.input
    return await parallel(
        in_a_process(asked["folder"], asked["process_blocks"]), on_the_loop(asked["folder"], asked["loop_blocks"])
    )
