"""Each intention of the person at the keyboard, once: its keys, its words, and when it is not possible.

The bindings, the footer, the help page and the palette are written from these classes; screens say only
what they do for each. Keys never change their meaning. What changes or stops something is upper case
and asks first, or opens a form.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from . import twins
from .records import Row
from .twins import Twin


class Command:
    """An intention. The docstring of each class is what help says.

    `keys` are Textual's names of keys, `shown` is how a person reads the first of them, `label` is the
    word in the footer (empty: not there). `writes`: hidden when nothing may be changed. `first`: done
    before the keys behind it are looked at, since it changes where they go.
    """

    keys: ClassVar[str]
    shown: ClassVar[str]
    label: ClassVar[str] = ""
    writes: ClassVar[bool] = False
    first: ClassVar[bool] = False

    @classmethod
    def refusal(cls, row: Row | None) -> str:
        """Why this is not possible for the selected execution; empty if it is."""
        return ""

    @classmethod
    def twin(cls, row: Row, place: str) -> Twin | None:
        """The same on a command line; None where there is no such thing."""
        return None

    @classmethod
    def help(cls) -> str:
        """One sentence."""
        return (cls.__doc__ or "").partition("\n")[0]


class _OnExecution(Command):
    """Something that needs an execution."""

    @classmethod
    def refusal(cls, row: Row | None) -> str:
        """Why not: there is none."""
        return "no execution is selected" if row is None else ""


class Open(_OnExecution):
    """Open the selected execution."""

    keys, shown, label = "enter", "Enter", "open"


class Query(Command):
    """Narrow the list: state:FAILED,PAUSED workflow:order* namespace:billing words."""

    keys, shown, label, first = "slash", "/", "query", True


class Clear(Command):
    """Clear the query."""

    keys, shown, label = "x", "x", ""


class Cancel(_OnExecution):
    """Cancel the selected execution, after asking."""

    keys, shown, label, writes = "C", "C", "cancel", True

    @classmethod
    def refusal(cls, row: Row | None) -> str:
        """Why not: it has ended, or is being cancelled."""
        if row is None:
            return super().refusal(row)
        if row.is_final:
            return f"it is {row.state}: there is nothing left to cancel"
        return "it is being cancelled already" if row.state == "CANCELLING" else ""

    @classmethod
    def twin(cls, row: Row, place: str) -> Twin | None:
        """`flux cancel`."""
        return twins.cancel(row.id, place)


class Resume(_OnExecution):
    """Answer an open pause of the selected execution with a JSON value."""

    keys, shown, label, writes = "p", "p", "resume", True

    @classmethod
    def refusal(cls, row: Row | None) -> str:
        """Why not: nothing asks."""
        if row is None:
            return super().refusal(row)
        if row.is_final:
            return f"it is {row.state}: nothing waits for an answer"
        return "" if row.pauses or row.state == "PAUSED" else f"it is {row.state}: no pause is open"

    @classmethod
    def twin(cls, row: Row, place: str) -> Twin | None:
        """`flux resume` of its oldest pause."""
        return twins.resume(row.id, None, row.pauses[0].name if row.pauses else None, place)


class Copy(_OnExecution):
    """Copy the id, the command line or the curl of the selected execution."""

    keys, shown, label = "y", "y", "copy"

    @classmethod
    def twin(cls, row: Row, place: str) -> Twin | None:
        """`flux show`."""
        return twins.show(row.id, place)


class Follow(Command):
    """Show new executions as they come, or hold them back again."""

    keys, shown, label = "F", "F", "follow"


class Top(Command):
    """Go to the top and show what was held back."""

    keys, shown = "g,home", "g"


class Bottom(Command):
    """Go to the last line."""

    keys, shown = "G,end", "G"


class Down(Command):
    """Go one line down, as the arrow key does."""

    keys, shown = "j,down", "j"


class Up(Command):
    """Go one line up, as the arrow key does."""

    keys, shown = "k,up", "k"


class PageDown(Command):
    """Go half a screen down."""

    keys, shown = "ctrl+d,pagedown", "^D"


class PageUp(Command):
    """Go half a screen up."""

    keys, shown = "ctrl+u,pageup", "^U"


class Pane(Command):
    """Go to the other pane."""

    keys, shown, label = "tab", "Tab", "pane"


class NextTab(Command):
    """Show the next tab."""

    keys, shown, label = "right_square_bracket,right", "[ ]", "tab"


class PreviousTab(Command):
    """Show the previous tab."""

    keys, shown = "left_square_bracket,left", "["


class Unfold(Command):
    """Show or hide what is below a line of the timeline: its attempts, its calls, its group."""

    keys, shown, label = "enter,space", "Enter", "unfold"


class FirstFailure(Command):
    """Go to the first failure."""

    keys, shown, label = "exclamation_mark", "!", "failure"


class Zoom(Command):
    """Give the whole screen to one pane, or take it back."""

    keys, shown, label = "z", "z", "zoom"


class Refresh(Command):
    """Connect and read everything again, now."""

    keys, shown = "ctrl+r", "^R"


class Theme(Command):
    """Change between the dark and the light theme."""

    keys, shown = "T", "T"


class Palette(Command):
    """Find a command by its name."""

    keys, shown = "colon", ":"


class Help(Command):
    """Show this page."""

    keys, shown, label = "question_mark", "?", "help"


class Back(Command):
    """Go back."""

    keys, shown, label = "escape,q", "Esc", "back"


class Quit(Command):
    """Leave."""

    keys, shown, label = "q,ctrl+c", "q", "quit"


Commands = Sequence[type[Command]]

_ANYWHERE: Final[Commands] = (Refresh, Theme, Palette, Help)
MOVES: Final[Commands] = (Down, Up, Top, Bottom, PageDown, PageUp)
LIST: Final[Commands] = (Open, Query, Clear, Cancel, Resume, Copy, Follow, *MOVES, *_ANYWHERE, Quit)
ONE: Final[Commands] = (
    Back, Pane, NextTab, PreviousTab, Unfold, FirstFailure, Cancel, Resume, Copy, Zoom, *MOVES, *_ANYWHERE,
)  # fmt: skip


def offered(commands: Commands, *, read_only: bool) -> Commands:
    """Those of `commands` that are there at all."""
    return [command for command in commands if not (read_only and command.writes)]
