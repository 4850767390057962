"""The terminal UI. Everything it knows of the daemon comes through `client`.

The app joins those that wait for the daemon (feed, pager, reader) with the screens: facts go down to
the screens by method, wishes come up as messages. It draws nothing itself.
"""

from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import ClassVar, Final

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.filter import LineFilter, NoColor
from textual.screen import Screen

from flux.errors import FluxError

from . import commands, messages, themes
from .client import Client
from .dossier import Dossier
from .feed import Feed
from .format import ASCII
from .glance import Glance
from .look import Look
from .pager import Pager
from .reader import Reader
from .screens.answer import Answer
from .screens.execution import Execution
from .screens.executions import Executions
from .screens.frame import Frame

_NO_COLOUR: Final = (NoColor(),)


class FluxApp(App[None]):
    """A list of executions, and one execution; live."""

    CSS: ClassVar[str] = files(__package__).joinpath("flux.tcss").read_text("utf-8")
    TITLE = "flux"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "quit", "Leave, from everywhere", show=False)]

    def __init__(self, client: Client, look: Look) -> None:
        super().__init__()
        self.animation_level = "none"
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.DARK.name
        self._client = client
        self._look = look
        self._pager = Pager(client, self.post_message)
        self._reader = Reader(client, self.post_message)
        self._feed = Feed(client, self._pager, look.clock, self.post_message)
        self._executions = Executions(look)
        self._glance = Glance(client, self._executions.in_sight, self.post_message)
        self.set_class(look.glyphs is ASCII, "-ascii")
        self.set_class(not look.colour, "-plain")

    def get_default_screen(self) -> Screen[None]:
        """The list is what everything else lies upon."""
        return self._executions

    def on_mount(self) -> None:
        """Begin to follow the daemon."""
        for work in (self._feed.run(), self._pager.run(), self._reader.run(), self._glance.run()):
            self.run_worker(work, exit_on_error=True)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Without colour only bold, dim, underline and reverse reach the terminal."""
        return super().get_line_filters() if self._look.colour else _NO_COLOUR

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette offers what the keys do on the screen that is shown."""
        if isinstance(screen, Frame):
            for command in screen.offered:
                if command in commands.MOVES or command is commands.Palette:
                    continue
                name = command.__name__
                yield SystemCommand(
                    f"{name} ({command.shown})", command.help(), lambda n=name: screen.action_command(n)
                )

    def action_command_palette(self) -> None:
        """Open the palette, with words of ours in its field."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="a command", id="--command-palette"))

    def action_next_theme(self) -> None:
        """Change between dark and light."""
        self.theme = themes.LIGHT.name if self.theme == themes.DARK.name else themes.DARK.name

    def on_app_focus(self) -> None:
        """Somebody looks again."""
        self._feed.look(seen=True)

    def on_app_blur(self) -> None:
        """Nobody looks: draw less often."""
        self._feed.look(seen=False)

    # Facts from the daemon, on their way down

    def on_link_changed(self, message: messages.LinkChanged) -> None:
        """All screens say how the daemon can be reached."""
        for frame in self._frames():
            frame.show_link(message.link)
        if message.link.is_live:
            self._reader.again()

    def on_page_read(self, message: messages.PageRead) -> None:
        """A page of the list."""
        self._executions.take_page(message.page, message.query, first=message.first)

    def on_executions_changed(self, message: messages.ExecutionsChanged) -> None:
        """What happened since the last beat."""
        self._executions.take_changes(message.rows)
        self._glance.changed(message.touched)
        self._reader.changed(message.touched)

    def on_states_counted(self, message: messages.StatesCounted) -> None:
        """The counters."""
        self._executions.take_counts(message.states)

    def on_dossier_read(self, message: messages.DossierRead) -> None:
        """The execution that is looked at."""
        self._show_dossier(message.dossier)

    def on_read_refused(self, message: messages.ReadRefused) -> None:
        """Something could not be had; the screen that asked says so."""
        shown = self._alone()
        if message.execution is None:
            self._executions.take_refusal(message.reason)
        elif shown is not None and shown.execution == message.execution:
            shown.take_refusal(message.reason)

    def _show_dossier(self, dossier: Dossier) -> None:
        shown = self._alone()
        if shown is not None and shown.execution == dossier.row.id:
            shown.take_dossier(dossier)
        selected = self._executions.selected()
        if selected is not None and selected.id == dossier.row.id:
            self._executions.take_dossier(dossier)

    def _frames(self) -> Iterable[Frame]:
        return [screen for screen in self.screen_stack if isinstance(screen, Frame)]

    def _alone(self) -> Execution | None:
        """The screen that shows one execution, if it is open."""
        return next((screen for screen in self.screen_stack if isinstance(screen, Execution)), None)

    # Wishes of the person, on their way to the daemon

    def on_query_asked(self, message: messages.QueryAsked) -> None:
        """Another part of the list."""
        self._pager.ask(message.query)

    def on_more_asked(self, message: messages.MoreAsked) -> None:
        """The next page."""
        self._pager.more(message.query, message.cursor)

    def on_dossier_wanted(self, message: messages.DossierWanted) -> None:
        """Another execution is looked at; what is known of it is shown at once."""
        known = self._reader.want(message.execution)
        if known is not None:
            self._show_dossier(known)

    def on_open_asked(self, message: messages.OpenAsked) -> None:
        """One execution alone; afterwards the list's own is looked at again."""
        screen = Execution(message.row, self._reader.want(message.row.id), self._look)
        screen.link = self._executions.link
        self.push_screen(screen, lambda _: self._look_at_list())

    def _look_at_list(self) -> None:
        selected = self._executions.selected()
        self.post_message(messages.DossierWanted(None if selected is None else selected.id))

    def on_refresh_asked(self) -> None:
        """Connect and read again."""
        self._feed.retry()
        self._reader.again()

    async def on_cancel_asked(self, message: messages.CancelAsked) -> None:
        """Have it cancelled; what became of it is said."""
        self.run_worker(self._cancel(message.row.id))

    async def _cancel(self, execution: str) -> None:
        try:
            await self._client.cancel(execution)
        except FluxError as error:
            self.notify(str(error), title="not cancelled", severity="error", markup=False)
        else:
            self.notify("cancel accepted", markup=False)

    async def on_resume_asked(self, message: messages.ResumeAsked) -> None:
        """Have the pause answered; the form closes when that is done."""
        self.run_worker(self._resume(message))

    async def _resume(self, asked: messages.ResumeAsked) -> None:
        form = next((screen for screen in self.screen_stack if isinstance(screen, Answer)), None)
        try:
            await self._client.resume(asked.row.id, asked.input, pause=asked.pause)
        except FluxError as error:
            if form is not None and form.is_attached:
                form.refused(str(error))
            return
        if form is not None and form.is_current:
            form.dismiss()
        self.notify("answered", markup=False)
