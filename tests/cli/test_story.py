"""One execution, told on a terminal."""

from flux.client.blocking import SyncClient
from tests.cli.conftest import Flux
from tests.cli.terminal import on_a_terminal


def test_a_completed_execution_is_told_with_its_tasks_and_output(flux: Flux, client: SyncClient) -> None:
    """What a person wants to know is there without looking anything up."""
    client.submit("hello", "World", labels={"env": "test"}, priority=3)
    client.wait(client.executions(limit=1)["items"][0]["execution_id"])

    shown = on_a_terminal(lambda: flux("show", "@last", "--url", client.url), columns=120)

    for word in ("default/hello", "COMPLETED", "greet#1", "env=test", "priority", "Input", "Output", '"Hello, World!"'):
        assert word in shown


def test_a_failed_one_with_its_error_and_traceback(flux: Flux, client: SyncClient) -> None:
    """Type, message, task, and where in the code."""
    client.run("refused", "not today")

    shown = on_a_terminal(lambda: flux("show", "@last"), columns=120)

    assert "ValueError: not today (in refuse#1)" in shown
    assert "raise ValueError(reason)" in shown


def test_a_paused_one_with_its_question_and_how_to_answer(flux: Flux, client: SyncClient) -> None:
    """The command to type is there, with the id in it."""
    made = client.run("ask")["execution_id"]

    shown = on_a_terminal(lambda: flux("show", made), columns=120)

    assert "Paused at approve" in shown
    assert '"total": 540' in shown
    assert f"flux resume {made}" in shown


def test_what_a_user_wrote_cannot_steer_the_terminal(flux: Flux, client: SyncClient) -> None:
    """Neither in an output nor in an error."""
    client.run("echo", "\x1b[2J")
    first = on_a_terminal(lambda: flux("show", "@last"))
    client.run("refused", "\x1b[2J")

    second = on_a_terminal(lambda: flux("show", "@last"))

    assert "\x1b[2J" not in first + second
