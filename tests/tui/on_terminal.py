"""The terminal UI on the terminal that this process is started on, with recorded answers.

`python -m tests.tui.on_terminal COUNT [plain]`: COUNT executions, all of them long finished; without colour.
"""

import asyncio
import sys
import termios
from fcntl import ioctl

from flux.clock import ManualClock
from tui.app import FluxApp
from tui.look import Look
from tui.run import show

from .recorded import NOON, Recorded
from .stories import DAY, MINUTE, completed


async def main(count: int, *, colour: bool) -> int:
    """The exit code. The terminal becomes this session's own, so that its going away is a hang-up."""
    ioctl(0, termios.TIOCSCTTY, 0)
    stories = [completed(number, DAY + number * MINUTE) for number in range(count)]
    client = Recorded(stories)
    return await show(FluxApp(client, Look(place=client.url, clock=ManualClock(NOON), colour=colour)))


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]), colour="plain" not in sys.argv)))
