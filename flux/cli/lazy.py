"""A click group whose commands are imported when they run.

The table beside a group is all that `--help` needs. A command's module may therefore import what it
likes at its top: nobody else pays for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

import click


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One command: its name, where it lives (`module:attribute`) and one line of help."""

    name: str
    target: str
    help: str


class LazyGroup(click.Group):
    """A group made from a table of entries, in the order of the table."""

    def __init__(self, *, entries: Sequence[Entry], **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]  # click checks its own settings
        self._entries = {entry.name: entry for entry in entries}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, as the table has them."""
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None if the table has no such name."""
        entry = self._entries.get(cmd_name)
        return None if entry is None else load(entry)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `args` begins with; a name nearly right is answered with the right one."""
        if args[0] not in self._entries and not args[0].startswith("-"):
            raise click.NoSuchCommand(args[0], possibilities=self._entries, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, printed without importing any of it."""
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.help) for entry in self._entries.values()])


def load(entry: Entry) -> click.Command:
    """The command object of `entry`.

    Raises:
        click.ClickException: a package that it needs is not installed.
    """
    module, _, attribute = entry.target.partition(":")
    try:
        command = getattr(import_module(module), attribute)
    except ModuleNotFoundError as missing:
        raise click.ClickException(
            f"`{entry.name}` needs the Python module {missing.name}, not installed here"
        ) from missing
    if not isinstance(command, click.Command):
        raise TypeError(f"{entry.target} is no click command but {type(command).__name__}")
    return command
