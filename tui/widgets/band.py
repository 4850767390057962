"""A few lines that do not scroll: titles, counters, sentences, the keys at the bottom."""

from collections.abc import Sequence

from textual.geometry import Region, Size
from textual.strip import Strip

from ..format import Line, width_of
from .ink import Ink


class Band(Ink):
    """Shows the lines it is given; a line that stays the same is not drawn again."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Show `lines`, one below the other."""
        before, self._lines = self._lines, tuple(lines)
        if len(before) != len(self._lines) or (self.styles.is_auto_width and _widest(before) != _widest(self._lines)):
            self.refresh(layout=True)
            return
        for y, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if old != new:
                self.refresh(Region(0, y, self.size.width, 1))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """What the widest line takes."""
        return _widest(self._lines)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as there are lines."""
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """Row `y`; below the lines there is nothing."""
        return self.ink(self._lines[y] if y < len(self._lines) else (), self.size.width)


def _widest(lines: Sequence[Line]) -> int:
    return max((width_of(line) for line in lines), default=0)
