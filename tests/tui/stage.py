"""The app on a stage: shown without a terminal, played with keys, read as text."""

import html
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual import events
from textual.pilot import Pilot

from flux.clock import SYSTEM, ManualClock
from tui.app import FluxApp
from tui.look import Look

from .recorded import NOON, Recorded

WIDE = (120, 36)
NARROW = (80, 24)
PATIENCE = 30_000  # ms; the machine may be busy with other tests
_TEXT = re.compile(r'<text class="[^"]*-r\d+" x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>')
_CHARACTERS = {"space": " ", "colon": ":", "comma": ",", "slash": "/", "asterisk": "*", "question_mark": "?"}
_QUIET = 3  # looks at the screen, 20 ms apart
_HOPS = 4  # messages from a key to the last of its effects: screen, app, screen, widget
_CELL = 12.2  # width of a cell in the pictures that Textual exports
_LINE = 24.4


def seen(app: FluxApp) -> str:
    """What is on the screen, a line each."""
    lines: dict[int, list[str]] = {}
    for x, y, text in _TEXT.findall(app.export_screenshot()):
        cells = lines.setdefault(round((float(y) - 18.5) / _LINE), [])
        shown = html.unescape(text).replace("\xa0", " ")
        start = round(float(x) / _CELL)
        cells += [" "] * (start - len(cells))
        cells[start : start + len(shown)] = shown
    return "\n".join("".join(lines.get(number, [])).rstrip() for number in range(max(lines, default=0) + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """An app that is shown, the client it asks, and the pilot that plays it."""

    app: FluxApp
    client: Recorded
    clock: ManualClock
    pilot: Pilot[None]

    @property
    def text(self) -> str:
        """What is to be seen."""
        return seen(self.app)

    @property
    def lines(self) -> list[str]:
        """The same, line by line."""
        return self.text.split("\n")

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other, each when everything that the one before has set off is done."""
        for key in keys:
            character = _CHARACTERS.get(key, key if len(key) == 1 else None)
            self.app.post_message(events.Key(key, character))
            for _ in range(_HOPS):
                await self.pilot.pause(0)

    async def write(self, text: str) -> None:
        """Type a text."""
        names = {character: name for name, character in _CHARACTERS.items()}
        await self.press(*(names.get(character, character) for character in text))

    async def until(self, there: str | Callable[[str], object]) -> str:
        """The screen as soon as it shows `there`, or as soon as that says so."""
        end = SYSTEM.monotonic() + PATIENCE
        while True:
            text = self.text
            if there in text if isinstance(there, str) else there(text):
                return text
            if SYSTEM.monotonic() > end:
                raise AssertionError(f"never saw {there!r}:\n{text}")
            await self.pilot.pause(0.02)

    async def still(self) -> None:
        """Wait until the screen has stayed the same for a while: everything asked for has come."""
        quiet, before = 0, self.text
        while quiet < _QUIET:
            await self.pilot.pause(0.02)
            text = self.text
            quiet, before = (quiet + 1, before) if text == before else (0, text)

    @property
    def cursor(self) -> str:
        """The line under the cursor of the list."""
        return next(line for line in self.lines if line.startswith("▌"))


@asynccontextmanager
async def showing(
    client: Recorded, *, size: tuple[int, int] = WIDE, live: bool = True, **look: object
) -> AsyncIterator[Stage]:
    """The app with `client`, shown; connected, unless it should not be waited for."""
    clock = ManualClock(NOON)
    app = FluxApp(client, Look(place=client.url, clock=clock, **look))  # type: ignore[arg-type]  # fields of Look
    async with app.run_test(size=size, notifications=True) as pilot:
        stage = Stage(app=app, client=client, clock=clock, pilot=pilot)
        if live and client.down is None and size[0] >= 60:
            await stage.until("● live" if look.get("glyphs") is None else "* live")
        yield stage
