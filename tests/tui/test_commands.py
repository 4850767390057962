"""What the person can ask for."""

from collections import Counter

import pytest

from tui import commands
from tui.commands import Command, offered

from .builders import a_pause, a_row


@pytest.mark.parametrize("of", [commands.LIST, commands.ONE], ids=["list", "one"])
def test_no_key_means_two_things(of: commands.Commands) -> None:
    """On one screen."""
    keys = Counter(key for command in of for key in command.keys.split(","))

    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("of", [commands.LIST, commands.ONE], ids=["list", "one"])
def test_every_command_explains_itself(of: commands.Commands) -> None:
    """Help is written from it."""
    for command in of:
        assert command.help().endswith(".")
        assert command.shown


def test_read_only_hides_what_changes_something() -> None:
    """And nothing else."""
    hidden = set(commands.LIST) - set(offered(commands.LIST, read_only=True))

    assert hidden == {commands.Cancel, commands.Resume}


@pytest.mark.parametrize(
    ("command", "row", "refusal"),
    [
        (commands.Cancel, None, "no execution is selected"),
        (commands.Cancel, a_row(state="RUNNING"), ""),
        (commands.Cancel, a_row(state="FAILED"), "it is FAILED: there is nothing left to cancel"),
        (commands.Cancel, a_row(state="CANCELLING"), "it is being cancelled already"),
        (commands.Resume, a_row(state="RUNNING"), "it is RUNNING: no pause is open"),
        (commands.Resume, a_row(state="RUNNING", pauses=(a_pause(),)), ""),
        (commands.Resume, a_row(state="PAUSED"), ""),
        (commands.Resume, a_row(state="COMPLETED"), "it is COMPLETED: nothing waits for an answer"),
        (commands.Open, None, "no execution is selected"),
        (commands.Help, None, ""),
    ],
)
def test_what_is_not_possible_says_why(command: type[Command], row: object, refusal: str) -> None:
    """Instead of doing nothing."""
    assert command.refusal(row) == refusal  # type: ignore[arg-type]  # rows or None


def test_an_action_knows_its_twin() -> None:
    """The oldest pause is named, so that the line does the same later."""
    row = a_row(state="PAUSED", pauses=(a_pause("ok"),))

    twin = commands.Resume.twin(row, "unix:/s")

    assert twin is not None
    assert twin.cli.endswith("null --pause ok")
