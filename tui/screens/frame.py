"""What every full screen has: the title, the keys at the bottom, and the face of a terminal too small.

A screen names its commands and what it does for each; bindings and footer follow. A command that is not
possible now says why instead of doing nothing.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from .. import commands
from .. import format as write
from ..commands import Command, Commands
from ..format import Line, Piece
from ..look import Look
from ..messages import CancelAsked, RefreshAsked
from ..model import Link, Reach
from ..records import Row
from ..widgets.band import Band
from ..widgets.ink import Inked
from .answer import Answer
from .confirm import Confirm
from .copy import Copy
from .help import Help

SMALLEST: Final = (60, 14)
NARROW: Final = 100  # below this many cells a screen leaves out what it can do without


def bindings(of: Commands) -> list[BindingType]:
    """The bindings of `of`, hidden from Textual's own footer."""
    return [
        Binding(key, f"command('{command.__name__}')", command.help(), show=False, priority=command.first)
        for command in of
        for key in command.keys.split(",")
    ]


class Frame(Inked[None]):
    """A full screen with a title and a footer."""

    COMMANDS_HERE: ClassVar[Commands] = ()
    AUTO_FOCUS: ClassVar[str | None] = (
        ""  # each screen says itself where keys go; the first field would take them as text
    )

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.look = look
        self.link = Link()
        self.title_band = Band(id="title")
        self.keys_band = Band(id="keys")
        self.too_small = Band(id="too-small")

    # What a screen says about itself

    def doers(self) -> Mapping[type[Command], Callable[[], object]]:
        """What is done for each command; a screen adds its own."""
        return {
            commands.Cancel: self.do_cancel,
            commands.Resume: self.do_resume,
            commands.Copy: self.do_copy,
            commands.Help: self.do_help,
            commands.Refresh: lambda: self.post_message(RefreshAsked()),
            commands.Palette: lambda: self.call_later(self.run_action, "app.command_palette"),
            commands.Theme: lambda: self.call_later(self.run_action, "app.next_theme"),
        }

    def selected(self) -> Row | None:
        """The execution that commands are about."""
        return None

    def main(self) -> Widget:
        """Where keys go unless the person has gone elsewhere."""
        return self

    def heading(self) -> Line:
        """What the title says after the product's name."""
        return ()

    # What is done to it from above

    def show_link(self, link: Link) -> None:
        """Show how the daemon can be reached."""
        self.link = link
        self.draw()

    def draw(self) -> None:
        """Bring everything that depends on data or time up to date."""
        self.title_band.show([self._title()])
        self.keys_band.show([self._keys()])

    # Commands

    @property
    def offered(self) -> Commands:
        """The commands that are there at all."""
        return commands.offered(self.COMMANDS_HERE, read_only=self.look.read_only)

    def action_command(self, name: str) -> None:
        """Do what the command called `name` stands for, or say why that is not possible."""
        command = next(found for found in self.COMMANDS_HERE if found.__name__ == name)
        if command not in self.offered:
            self.notify("this terminal UI was started with --read-only", severity="warning", markup=False)
            return
        refusal = command.refusal(self.selected())
        if refusal:
            self.notify(refusal, severity="warning", markup=False)
            return
        self.doers()[command]()

    def do_cancel(self) -> None:
        """Ask, then have it cancelled."""
        row = self.selected()
        if row is not None:
            self.app.push_screen(Confirm(row, self.look), partial(self._confirmed, row))

    def _confirmed(self, row: Row, yes: bool | None) -> None:
        if yes:
            self.post_message(CancelAsked(row))

    def do_resume(self) -> None:
        """Open the form that answers a pause."""
        row = self.selected()
        if row is not None:
            self.app.push_screen(Answer(row, self.look))

    def do_copy(self) -> None:
        """Open the menu of what can be copied."""
        row = self.selected()
        if row is not None:
            self.app.push_screen(Copy(row, self.look))

    def do_help(self) -> None:
        """Open the page of keys."""
        self.app.push_screen(Help(self.offered))

    # Drawing

    def on_mount(self) -> None:
        """Time passes: what depends on it is looked at once a second."""
        self.main().focus()
        self.set_interval(1.0, self.draw)

    def on_resize(self, event: events.Resize) -> None:
        """Choose the face that fits."""
        width, height = event.size
        self.set_class(width < NARROW, "-narrow")
        self.set_class(height < 30, "-short")
        small = width < SMALLEST[0] or height < SMALLEST[1]
        self.set_class(small, "-too-small")
        by = self.look.glyphs.times
        text = f"{width}{by}{height} is too small: {SMALLEST[0]}{by}{SMALLEST[1]} is the least. q leaves."
        if not small and self.focused is None:
            self.main().focus()
        self.too_small.show([((part, "warning"),) for part in write.wrap(text, max(width, 8))] if small else [])
        self.call_after_refresh(self.draw)

    def _title(self) -> Line:
        width = self.size.width
        start: Line = ((" flux ", "brand"), (" ", ""), *self.heading())
        return write.spread(start, self._reach(), width, self.look.glyphs)

    def _reach(self) -> Line:
        """The right end of the title: how the daemon is reached; if it is not, why, since when and what next."""
        signs, link = self.look.glyphs, self.link
        if link.reach is Reach.LIVE:
            mode = ((f"read only {signs.separator} ", "dim"),) if self.look.read_only else ()
            return (*mode, (f"{signs.live} live ", "completed"))
        if link.reach is Reach.CONNECTING:
            return ((f"{signs.offline} connecting{signs.more} ", "waiting"),)
        seconds = max(link.retry_at - self.look.clock.now(), 0) // 1000
        begun = f"{signs.offline} {link.reach} "
        end = f" {signs.separator} data as of {write.clock_time(link.since)} {signs.separator} retry in {seconds} s "
        reason = write.cut(write.clean(link.reason), max(self.size.width - len(begun + end) - 8, 0), signs)
        return ((begun, "failed-strong"), (reason, ""), (end, "failed"))

    def _keys(self) -> Line:
        """The footer: as many commands as fit, those not possible now dim, help always."""
        row = self.selected()
        shown = [command for command in self.offered if command.label]
        shown = [command for command in shown if command is not commands.Help] + [commands.Help]
        room = self.size.width - _footer_size(commands.Help)
        pieces: list[Piece] = []
        for command in shown:
            if command is not commands.Help:
                if _footer_size(command) > room:
                    continue
                room -= _footer_size(command)
            off = bool(command.refusal(row))
            pieces += [(f" {command.shown}", "off" if off else "key"), (f" {command.label} ", "off" if off else "dim")]
        return tuple(pieces)


def entitle(box: Widget, text: str) -> None:
    """Write `text` into the border of `box`, which is drawn again only if it says something else then."""
    title = Content(text)  # no markup: what looks like some in a name is part of the name
    if box.border_title != title.markup:
        box.border_title = title


def _footer_size(command: type[Command]) -> int:
    return len(command.shown) + len(command.label) + 3
