"""`flux logs` and `flux events`."""

import json
import signal
from functools import partial

from flux.cli.exits import ExitCode
from flux.client.blocking import SyncClient
from tests.cli.conftest import Flux, flux_process
from tests.cli.terminal import on_a_terminal


def test_what_a_task_printed_and_logged_is_shown(flux: Flux, client: SyncClient) -> None:
    """Each line with its task, in the order in which they came."""
    made = client.run("hello", "World")["execution_id"]

    shown = flux("logs", made, "--follow", "-o", "jsonl")

    lines = [json.loads(line) for line in shown.out.splitlines()]
    assert [(line["call_id"], line["text"]) for line in lines if "greeting" in line["text"]] == [
        ("greet#1", "greeting World")
    ]
    assert any("slowly" in line["text"] for line in lines)


def test_the_events_of_an_execution_are_a_list(flux: Flux, client: SyncClient) -> None:
    """In the order of the log, with what they carry."""
    made = client.run("hello", "World")["execution_id"]

    heading, *lines = flux("events", made).out.splitlines()

    rows = [dict(zip(heading.split("\t"), line.split("\t"), strict=True)) for line in lines]
    assert [row["type"] for row in rows] == [
        "WORKFLOW_QUEUED",
        "WORKFLOW_STARTED",
        "TASK_STARTED",
        "TASK_COMPLETED",
        "WORKFLOW_COMPLETED",
    ]
    assert rows[-1]["payload"] == "Hello, World!"


def test_only_what_came_after_a_position(flux: Flux, client: SyncClient) -> None:
    """Whoever has seen a part of it asks for the rest."""
    made = client.run("hello", "World")["execution_id"]
    positions = [event["position"] for event in client.history(made)]

    rest = flux("events", made, "--after", str(positions[2]), "-o", "jsonl").out.splitlines()

    assert [json.loads(line)["position"] for line in rest] == positions[3:]


def test_a_terminal_gets_tables(flux: Flux, client: SyncClient) -> None:
    """Of a list, and of what is followed, each cut at the edge."""
    made = client.run("hello", "World")["execution_id"]

    for command in (["events", made], ["events", made, "-f"], ["logs", made], ["logs", made, "-f"]):
        shown = on_a_terminal(partial(flux, *command), columns=100)
        assert "TIME" in shown.splitlines()[0], command


def test_following_one_execution_ends_when_it_rests(flux: Flux, client: SyncClient) -> None:
    """The command ends by itself, with the last event told."""
    made = client.run("ask")["execution_id"]

    shown = flux("events", made, "--follow", "-o", "jsonl")

    assert [json.loads(line)["type"] for line in shown.out.splitlines()][-1] == "WORKFLOW_PAUSED"


def test_without_an_id_all_executions_are_followed(client: SyncClient) -> None:
    """From now on, or from a position, until Ctrl-C."""
    position = client.stats()["position"]
    with flux_process("events", "--after", str(position), "-o", "jsonl") as following:
        assert following.stdout is not None
        made = [client.run("echo", number)["execution_id"] for number in range(2)]
        seen = [json.loads(following.stdout.readline()) for _ in range(6)]
        following.send_signal(signal.SIGINT)
        following.communicate()

    assert [row["execution_id"] for row in seen] == [made[0]] * 3 + [made[1]] * 3
    assert following.returncode == ExitCode.INTERRUPTED


def test_what_is_followed_is_written_line_by_line(flux: Flux) -> None:
    """A JSON array or a CSV file has an end; what is followed has none."""
    assert flux("events", "-o", "csv").code == ExitCode.USAGE
