"""A scrolling list of any length: only what is on the screen is ever drawn, and only what changed.

The widget is given a source and a cursor, and compares the keys of the visible lines with those it
drew last. Strips are cached by key, width and cursor. With `cursor` None it is a text to read.
"""

from collections.abc import Hashable
from dataclasses import dataclass

from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..format import Glyphs
from ..sources import EMPTY, Source
from .ink import BLURRED, CURSOR, Ink


class Rows(Ink, ScrollView, can_focus=True, inherit_bindings=False):
    """Shows the lines of a source, with or without a cursor. Keys are the screen's: none is bound here."""

    @dataclass
    class Pointed(Message):
        """A line was clicked; `twice` if it was the one under the cursor."""

        rows: "Rows"
        index: int
        twice: bool

    def __init__(self, glyphs: Glyphs, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._glyphs = glyphs
        self._source: Source = EMPTY
        self._seen: dict[int, Hashable] = {}
        self.cursor: int | None = None

    @property
    def room(self) -> int:
        """How many lines are visible at once."""
        return max(self.scrollable_content_region.height, 1)

    @property
    def in_view(self) -> range:
        """The numbers of the lines that can be seen, were there enough of them."""
        return range(self.scroll_offset.y, self.scroll_offset.y + self.room)

    @property
    def line_width(self) -> int:
        """The cells of one line, without the column of the cursor."""
        return max(self.scrollable_content_region.width - (self.cursor is not None), 1)

    def show(self, source: Source, cursor: int | None = None) -> None:
        """Show `source`; if there is a cursor, scroll so that it can be seen."""
        grown = len(source) != len(self._source)
        self._source, self.cursor = source, cursor
        if grown:
            self.virtual_size = Size(0, len(source))
        if cursor is not None:
            self._reveal(cursor)
        self.sweep()

    def sweep(self) -> None:
        """Draw again what is visible and no longer true."""
        visible = self.in_view
        self._seen = {index: key for index, key in self._seen.items() if index in visible}
        for index, key in self._seen.items():
            if key != self._key(index):
                self.refresh_line(index)

    def step(self, by: int) -> None:
        """Scroll by `by` lines, as far as there are any."""
        self.scroll_to(y=self.scroll_offset.y + by, animate=False)

    def render_line(self, y: int) -> Strip:
        """The line that is visible in row `y`."""
        index = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        key = self._key(index)
        self._seen[index] = key
        known = (key, width)
        strip = self.drawn.get(known)
        if strip is None:
            strip = self._draw(index, width)
            self.drawn[known] = strip
        return strip

    def _draw(self, index: int, width: int) -> Strip:
        if index >= len(self._source):
            return self.ink((), width)
        if self.cursor is None:
            return self.ink(self._source.line(index, width), width)
        here = index == self.cursor
        mark = (self._glyphs.cursor if here else " ", "key" if here else "")
        return self.ink((mark, *self._source.line(index, width - 1)), width, self._over() if here else "")

    def _key(self, index: int) -> Hashable:
        """What is to be seen in the line at `index`."""
        if index >= len(self._source):
            return None
        return (self._source.key(index), self._over() if index == self.cursor else self.cursor is None)

    def _over(self) -> str:
        return CURSOR if self.has_focus else BLURRED

    def _reveal(self, index: int) -> None:
        top = self.scroll_offset.y
        if index < top:
            self.scroll_to(y=index, animate=False)
        elif index >= top + self.room:
            self.scroll_to(y=index - self.room + 1, animate=False)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        if self.cursor is not None:
            self._reveal(self.cursor)

    def on_focus(self) -> None:
        """The cursor looks different where keys go."""
        self.sweep()

    def on_blur(self) -> None:
        """As above."""
        self.sweep()

    def on_click(self, event: Click) -> None:
        """Report which line it was."""
        index = self.scroll_offset.y + event.y
        if self.cursor is not None and index < len(self._source):
            self.post_message(self.Pointed(self, index, index == self.cursor))
