"""The scrolling list: it draws what is visible and changed, and nothing else."""

from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tui import themes
from tui.app import FluxApp
from tui.format import UNICODE, Line
from tui.widgets.ink import Inked
from tui.widgets.rows import Rows


@dataclass(kw_only=True)
class Numbers:
    """A source of `count` lines that notes which were asked for. `versions` are part of the keys."""

    count: int
    versions: dict[int, int] = field(default_factory=dict)
    drawn: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return self.count

    def key(self, index: int) -> Hashable:
        """The number and its version."""
        return (index, self.versions.get(index, 0))

    def line(self, index: int, width: int) -> Line:
        """The number."""
        self.drawn.append(index)
        return ((f"line {index}", ""),)


class Shell(App[None]):
    """Rows and nothing else."""

    CSS = FluxApp.CSS

    def __init__(self) -> None:
        super().__init__()
        self.register_theme(themes.DARK)
        self.theme = themes.DARK.name
        self.rows = Rows(UNICODE)

    def get_default_screen(self) -> Inked[None]:
        """A screen that knows the roles."""
        return Inked()

    def compose(self) -> ComposeResult:
        """The rows."""
        yield self.rows


@asynccontextmanager
async def shown(source: Numbers, cursor: int | None = 0) -> AsyncIterator[tuple[Rows, Pilot[None]]]:
    """A list of twenty rows on a screen, drawn."""
    app = Shell()
    async with app.run_test(size=(40, 20)) as pilot:
        app.rows.show(source, cursor)
        await pilot.pause()
        source.drawn.clear()
        yield app.rows, pilot


async def test_only_what_is_visible_is_drawn() -> None:
    """Of a million lines, twenty."""
    source = Numbers(count=1_000_000)
    async with shown(source) as (rows, pilot):
        rows.show(source, 999_999)
        await pilot.pause()

        assert rows.scroll_offset.y == 999_980
        assert set(source.drawn) == set(range(999_980, 1_000_000))


async def test_a_step_of_the_cursor_draws_two_lines() -> None:
    """The one it leaves and the one it goes to."""
    source = Numbers(count=1000)
    async with shown(source) as (rows, pilot):
        rows.show(source, 1)
        await pilot.pause()

        assert sorted(set(source.drawn)) == [0, 1]


async def test_only_lines_that_changed_are_drawn_again() -> None:
    """Whatever else happens out of sight."""
    source = Numbers(count=1000)
    async with shown(source) as (rows, pilot):
        changed = Numbers(count=1000, versions={7: 1, 500: 1})
        rows.show(changed, 0)
        await pilot.pause()

        assert changed.drawn == [7]


async def test_nothing_is_drawn_while_nothing_changes() -> None:
    """Looking for changes costs a comparison."""
    source = Numbers(count=1000)
    async with shown(source) as (rows, pilot):
        for _ in range(5):
            rows.show(source, 0)
            rows.sweep()
        await pilot.pause()

        assert source.drawn == []


async def test_a_line_once_drawn_is_remembered() -> None:
    """Scrolling back costs nothing."""
    source = Numbers(count=100)
    async with shown(source) as (rows, pilot):
        for cursor in (60, 0):
            rows.show(source, cursor)
            await pilot.pause()

        assert source.drawn.count(5) == 0


async def test_rows_that_come_later_are_drawn() -> None:
    """An empty list that fills, and one that shrinks."""
    source = Numbers(count=0)
    async with shown(source) as (rows, pilot):
        more = Numbers(count=3)
        rows.show(more, 0)
        await pilot.pause()
        assert sorted(set(more.drawn)) == [0, 1, 2]

        rows.show(Numbers(count=1), 0)
        await pilot.pause()
        assert rows.render_line(2).text.strip() == ""


async def test_a_text_scrolls_and_stops_at_its_ends() -> None:
    """Without a cursor."""
    source = Numbers(count=50)
    async with shown(source, cursor=None) as (rows, pilot):
        rows.step(10)
        await pilot.pause()
        assert rows.scroll_offset.y == 10
        rows.step(1000)
        await pilot.pause()

        assert rows.scroll_offset.y == 30


async def test_another_theme_draws_everything_again() -> None:
    """In its own colours."""
    source = Numbers(count=100)
    async with shown(source) as (rows, pilot):
        rows.app.register_theme(themes.LIGHT)
        rows.app.theme = themes.LIGHT.name
        await pilot.pause()

        assert set(source.drawn) >= set(range(20))
