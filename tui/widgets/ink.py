"""Roles to colours: the one place where a line of pieces becomes a strip on the screen.

What colour a role has stands in `flux.tcss`, as the component class `ink--ROLE`.
"""

from typing import ClassVar, Final, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.widget import Widget

from ..format import Line

_Answer = TypeVar("_Answer")

ROLES: Final = (
    "heading", "dim", "strong", "id", "brand", "key", "off", "chip", "warning", "tab", "tab-on",
    "queued", "running", "waiting", "paused", "cancelling", "completed", "failed", "cancelled", "rollback",
    "queued-strong", "running-strong", "waiting-strong", "paused-strong", "cancelling-strong", "completed-strong",
    "failed-strong", "cancelled-strong", "json-key", "json-text", "json-number", "json-constant",
)  # fmt: skip
CURSOR: Final = "cursor"
BLURRED: Final = "cursor-blurred"


COMPONENTS: Final = frozenset(f"ink--{role}" for role in (*ROLES, CURSOR, BLURRED))


class Inked(Screen[_Answer]):
    """A screen on which lines of pieces are drawn: it holds the styles of the roles, once for all its widgets."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS)


class InkedModal(ModalScreen[_Answer]):
    """The same for a screen that lies over another. (Style sheets see only the first base of a class.)"""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS)


class Ink(Widget):
    """A widget that draws lines of pieces. It stands on an `Inked` or `InkedModal` screen."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._styles: dict[str, Style] = {}
        self.drawn: LRUCache[object, Strip] = LRUCache(1024)

    def notify_style_update(self) -> None:
        """Forget every colour: the theme or a class has changed."""
        super().notify_style_update()
        self._styles = {}
        self.drawn.clear()

    def ink(self, line: Line, width: int, over: str = "") -> Strip:
        """`line` as a strip of exactly `width` cells; `over` is the role of the whole line below its pieces."""
        ground = self.rich_style + self._style(over)
        segments = [Segment(text, ground + self._style(role)) for text, role in line if text]
        return Strip(segments).adjust_cell_length(width, ground)

    def _style(self, role: str) -> Style:
        found = self._styles.get(role)
        if found is None:
            # A widget with these component classes costs as much as thirty without: only the screen has them.
            found = self.screen.get_component_rich_style(f"ink--{role}", partial=True) if role else Style.null()
            self._styles[role] = found
        return found
