"""A task that writes to the pipe between its worker and the daemon what does not belong there."""

import asyncio
import gc
import os
from pathlib import Path

from flux import ExecutionContext, task, workflow


def pipe() -> int:
    """The descriptor of the worker's end."""
    found = [one for one in gc.get_objects() if type(one).__name__ == "Connection" and hasattr(one, "send_now")]
    return int(vars(found[0])["_socket"].fileno())


@task
async def scribble(what: str, once: str) -> str:
    if once and Path(once).exists():
        return "behaved"
    if once:
        Path(once).touch()
    if what == "half":
        os.write(pipe(), b"\x00\x00\x10\x00half a frame")
        os._exit(0)
    os.write(pipe(), {"garbage": b"garbage on the pipe", "frame": b"\x00\x00\x00\x08notframe"}[what])
    await asyncio.sleep(3600)
    return "unnoticed"


@workflow
async def vandal(ctx: ExecutionContext[list[str]]) -> str:
    what, once = ctx.input
    return await scribble(what, once)
