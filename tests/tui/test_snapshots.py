"""Each screen as a picture: at two sizes, in dark and without colour, with the clock standing still.

`pytest tests/tui/test_snapshots.py --snapshot-update` accepts what is drawn now; look at the pictures
before. Beside each picture a text that must be on it, so that an empty one is never accepted.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from textual.pilot import Pilot

from flux.clock import ManualClock
from tui.app import FluxApp
from tui.look import Look

from .recorded import NOON, Recorded, Story
from .stage import NARROW, WIDE, Stage
from .stories import every_state, failed_order, paused_invoice, running_etl

Compare = Callable[..., bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A screen: how to get there, and what is on it then."""

    name: str
    keys: tuple[str, ...]
    shows: str
    stories: tuple[Story, ...]


_ALL = tuple(every_state())
PICTURES = (
    Picture(name="executions", keys=("j",), shows="✗ charge_card", stories=_ALL),
    Picture(name="empty", keys=(), shows="no executions yet", stories=()),
    Picture(name="failed", keys=("enter",), shows="try 3 CardDeclined", stories=(failed_order(),)),
    Picture(name="running", keys=("enter", "G", "enter"), shows="load_partition ×18 ▾", stories=(running_etl(),)),
    Picture(name="events", keys=("enter", "left_square_bracket"), shows="workflow failed", stories=(failed_order(),)),
    Picture(name="cancel", keys=("C",), shows="Cancel 1 execution?", stories=(running_etl(),)),
    Picture(name="resume", keys=("p",), shows="waits for approve", stories=(paused_invoice(),)),
    Picture(name="copy", keys=("y",), shows="flux show", stories=(running_etl(),)),
    Picture(name="help", keys=("question_mark",), shows="Open the selected execution.", stories=(running_etl(),)),
)


@pytest.mark.parametrize("colour", [True, False], ids=["dark", "plain"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x36", "80x24"])
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_picture(picture: Picture, size: tuple[int, int], colour: bool, snap_compare: Compare) -> None:
    """What is drawn is what was accepted."""
    client = Recorded(picture.stories)
    clock = ManualClock(NOON)
    app = FluxApp(client, Look(place=client.url, clock=clock, colour=colour))

    async def play(pilot: Pilot[None]) -> None:
        stage = Stage(app=app, client=client, clock=clock, pilot=pilot)
        await stage.until("● live")
        await stage.until("✓ ")
        await stage.press(*picture.keys)
        await stage.until(picture.shows)
        await stage.still()

    assert snap_compare(app, terminal_size=size, run_before=play)
