"""`flux workflows` and `flux status`: what can be run, and how the daemon is."""

import json
from pathlib import Path

from flux.cli import workflows
from flux.cli.exits import ExitCode
from flux.client.blocking import SyncClient
from tests.cli.conftest import Flux
from tests.cli.terminal import on_a_terminal


def test_workflows_are_listed_with_their_file_and_line(flux: Flux) -> None:
    """And the first line of their docstring."""
    rows = json.loads(flux("workflows", "list", "--json").out)

    hello = next(row for row in rows if row["ref"] == "default/hello")
    assert (Path(hello["file"]).name, hello["doc"]) == ("shop.py", "Greet somebody.")
    assert "default/hello" in flux("workflows", "list", "-o", "id").out.split()


def test_one_workflow_is_shown(flux: Flux) -> None:
    """Its tasks and its version; as JSON in a pipe, as words on a terminal."""
    assert json.loads(flux("workflows", "show", "hello").out)["tasks"] == ["greet"]
    assert "greet" in on_a_terminal(lambda: flux("workflows", "show", "hello"))


def test_an_unknown_workflow_is_not_found(flux: Flux) -> None:
    """Code 3."""
    assert flux("workflows", "show", "nothing").code == ExitCode.NOT_FOUND


def test_a_file_that_does_not_load_is_named_with_its_line() -> None:
    """In one line, with nothing in it that a terminal would obey."""
    error = {"file": "a.py", "line": 3, "type": "SyntaxError", "message": "invalid \x1b syntax"}

    assert workflows.broken(error) == "a.py:3 does not load: SyntaxError: invalid \\x1b syntax"
    assert workflows.broken({**error, "line": None}).startswith("a.py does not load")


def test_the_status_says_where_the_daemon_is_and_what_it_does(flux: Flux, client: SyncClient) -> None:
    """Address, process, counts; as JSON for programs."""
    client.run("echo", 1)

    found = json.loads(flux("status", "--json").out)

    assert (found["url"], found["pid"]) == (client.url, client.info()["pid"])
    assert found["states"]["COMPLETED"] >= 1
    assert found["workers"]


def test_the_status_on_a_terminal_and_in_a_pipe(flux: Flux, client: SyncClient) -> None:
    """Words for people; key and value with a tab between for programs."""
    client.run("echo", 1)

    assert " COMPLETED" in on_a_terminal(lambda: flux("status"))
    assert flux("status").out.startswith("key\tvalue\nurl\t")
