"""The app itself: themes, colours, what it is made of."""

import re

from textual.color import Color as Paint

from tui import commands, themes
from tui.app import FluxApp
from tui.client import Client
from tui.late import Closing
from tui.widgets.ink import BLURRED, CURSOR, ROLES

from .recorded import Recorded
from .stage import showing
from .stories import every_state


def accepted(client: Client, closing: Closing) -> None:
    """What mypy checks here: the recorded client, and the real one, are what the app asks for."""


def test_the_recorded_client_is_a_client() -> None:
    """Whatever the app may ask, the tests can answer."""
    client = Recorded()

    accepted(client, client)


def test_every_role_has_a_style() -> None:
    """A role that the style sheet does not know would be drawn plain."""
    styled = set(re.findall(r"\.ink--([\w-]+)", FluxApp.CSS))

    assert {*ROLES, CURSOR, BLURRED} == styled


def test_no_colour_stands_in_the_style_sheet() -> None:
    """Colours are the theme's: a second palette must change all of it."""
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=\s*[;%])", FluxApp.CSS) == []


def test_text_can_be_read_on_its_ground() -> None:
    """Every state in both palettes has a contrast of 4.5 : 1 (WCAG 2.2, AA), also on the cursor's line."""
    for theme in themes.THEMES:
        for ground in (theme.background, theme.variables["cursor"], theme.variables["cursor-blurred"]):
            for name in (*_STATES, "quiet"):
                contrast = _contrast(theme.variables[name], ground or "")
                assert contrast >= (4.5 if name != "quiet" else 3.0), (theme.name, name, ground, contrast)


_STATES = ("queued", "running", "waiting", "paused", "completed", "failed", "cancelled")


def _contrast(one: str, other: str) -> float:
    """How far two colours are apart in brightness. Source: WCAG 2.2, "contrast ratio"."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in Paint.parse(colour).normalized
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


async def test_the_palette_offers_what_the_keys_do() -> None:
    """Written from the same classes; moving about is left to the keys."""
    async with showing(Recorded(every_state())) as stage:
        offered = {command.title for command in stage.app.get_system_commands(stage.app.screen)}

    assert "Cancel (C)" in offered
    assert not any(title.startswith("Down") for title in offered)
    assert len(offered) == len(set(commands.LIST) - set(commands.MOVES) - {commands.Palette})
