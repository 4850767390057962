"""Each screen as a picture: at two sizes, in dark and without colour, with the clock standing still.

`pytest tests/tui/test_snapshots.py --snapshot-update` accepts what is drawn now; look at the pictures
before. Beside each picture a text that must be on it, so that an empty one is never accepted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped]  # it ships no types
from syrupy.assertion import SnapshotAssertion

from .recorded import Recorded, Story
from .stage import NARROW, WIDE, showing
from .stories import every_state, failed_order, paused_invoice, running_etl


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A screen, and how to get there: keys, each with what must be on the screen after it."""

    name: str
    keys: Sequence[tuple[str, str]]
    stories: tuple[Story, ...]


_ALL = tuple(every_state())
_ETL, _ORDER = (running_etl(),), (failed_order(),)
_OPENED = ("enter", "▌")
PICTURES = (
    Picture(name="executions", keys=[("j", "✗ charge_card")], stories=_ALL),
    Picture(name="empty", keys=[("g", "no executions yet")], stories=()),
    Picture(name="failed", keys=[_OPENED, ("j", "▌✓ validate_order"), ("k", "▌✗ order_fulfil")], stories=_ORDER),
    Picture(name="running", keys=[_OPENED, ("G", "▌► load"), ("enter", "load_partition #9")], stories=_ETL),
    Picture(name="events", keys=[_OPENED, ("left_square_bracket", "workflow failed")], stories=_ORDER),
    Picture(name="cancel", keys=[("C", "Cancel 1 execution?")], stories=_ETL),
    Picture(name="resume", keys=[("p", "null --pause approve")], stories=(paused_invoice(),)),
    Picture(name="copy", keys=[("y", "flux show")], stories=_ETL),
    Picture(name="help", keys=[("question_mark", "Open the selected execution.")], stories=_ETL),
)


@pytest.mark.parametrize("colour", [True, False], ids=["dark", "plain"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x36", "80x24"])
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
async def test_picture(picture: Picture, size: tuple[int, int], colour: bool, snapshot: SnapshotAssertion) -> None:
    """What is drawn is what was accepted."""
    async with showing(Recorded(picture.stories), size=size, colour=colour) as stage:
        await stage.until("✓ ")
        for key, shown in picture.keys:
            await stage.press(key)
            await stage.until(shown)
        await stage.still()

        assert stage.app.export_screenshot(simplify=True) == snapshot(extension_class=SVGImageExtension)
