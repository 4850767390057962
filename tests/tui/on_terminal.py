"""The terminal UI on the terminal that this process is started on, with recorded answers.

`python -m tests.tui.on_terminal COUNT [plain] [busy]`: COUNT executions, all of them long finished; without
colour; with twenty new ones a second.
"""

import asyncio
import sys
import termios
from collections.abc import Sequence
from fcntl import ioctl

from flux.clock import ManualClock
from tui.app import FluxApp
from tui.look import Look
from tui.run import show

from .recorded import NOON, Recorded
from .stories import DAY, MINUTE, completed


async def main(count: int, options: Sequence[str]) -> int:
    """The exit code. The terminal becomes this session's own, so that its going away is a hang-up."""
    ioctl(0, termios.TIOCSCTTY, 0)
    stories = [completed(number, DAY + number * MINUTE) for number in range(count)]
    client = Recorded(stories)
    app = FluxApp(client, Look(place=client.url, clock=ManualClock(NOON), colour="plain" not in options))
    business = asyncio.create_task(keep_busy(client)) if "busy" in options else None
    try:
        return await show(app)
    finally:
        if business is not None:
            business.cancel()


async def keep_busy(client: Recorded) -> None:
    """Twenty new executions a second, without end."""
    number = 0
    while True:
        await asyncio.sleep(0.05)
        number += 1
        await client.tell(completed(number, -number))


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]), sys.argv[2:])))
