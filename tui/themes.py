"""The two palettes. The only place with colours as numbers; everything else names their role.

The hues that tell states apart are those of Okabe and Ito, which people with the common colour
blindnesses can tell apart too, lightened or darkened for the ground they stand on.

Source: Okabe and Ito, "Color Universal Design", 2008.
"""

from typing import Final

from textual.theme import Theme

DARK: Final = Theme(
    name="flux-dark",
    dark=True,
    background="#11151c",
    surface="#171c26",
    panel="#232b39",
    foreground="#dbe2ec",
    primary="#5ab9ee",
    secondary="#8593a8",
    accent="#e9a83a",
    success="#37b98c",
    warning="#f0d048",
    error="#ff825c",
    variables={
        "quiet": "#8a97ac",
        "faint": "#566277",
        "queued": "#9fb0c8",
        "running": "#5ab9ee",
        "waiting": "#a9a4e8",
        "paused": "#f0d048",
        "completed": "#37b98c",
        "failed": "#ff825c",
        "cancelled": "#d68fb8",
        "line": "#313c4e",
        "cursor": "#26364a",
        "cursor-blurred": "#1d2633",
    },
)
LIGHT: Final = Theme(
    name="flux-light",
    dark=False,
    background="#f7f8fa",
    surface="#eef1f5",
    panel="#dfe4ec",
    foreground="#1c2430",
    primary="#0067a8",
    secondary="#5b6878",
    accent="#9a5b00",
    success="#00704f",
    warning="#6f5800",
    error="#ac3800",
    variables={
        "quiet": "#5a6675",
        "faint": "#98a3b1",
        "queued": "#4d5a6b",
        "running": "#0067a8",
        "waiting": "#5a4fae",
        "paused": "#6f5800",
        "completed": "#00704f",
        "failed": "#ac3800",
        "cancelled": "#97457a",
        "line": "#c5cdd9",
        "cursor": "#cfe3f3",
        "cursor-blurred": "#e0e7ef",
    },
)
THEMES: Final = (DARK, LIGHT)
