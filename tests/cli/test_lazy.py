"""Groups whose commands are imported when they run."""

import click
import pytest
from click.testing import CliRunner

from flux.cli.lazy import Entry, LazyGroup, load

HELP = Entry(name="help", target="flux.cli.help:help_topic", help="Show help.")
ABSENT = Entry(name="absent", target="flux.cli.no_such_module:command", help="Never loaded.")
NEEDY = Entry(name="needy", target="no_such_package_of_ours:command", help="Never loaded.")


def test_help_shows_the_table_without_importing_it() -> None:
    """A broken command does not break the help of the others."""
    shown = CliRunner().invoke(LazyGroup(name="flux", entries=[HELP, ABSENT]), ["--help"])

    assert shown.exit_code == 0
    assert "absent  Never loaded." in shown.output


def test_the_order_is_that_of_the_table() -> None:
    """The table begins with what people need first; sorting by letters would hide it."""
    group = LazyGroup(name="flux", entries=[NEEDY, HELP, ABSENT])

    assert group.list_commands(click.Context(group)) == ["needy", "help", "absent"]


def test_a_missing_package_is_named() -> None:
    """A command of an extra that is not installed says what it needs."""
    with pytest.raises(click.ClickException, match="`needy` needs the Python module no_such_package_of_ours"):
        load(NEEDY)


def test_what_is_no_command_is_refused() -> None:
    """A wrong line in the table is found by its first use."""
    with pytest.raises(TypeError, match="is no click command"):
        load(Entry(name="x", target="flux.cli.help:topics", help=""))
