"""`flux list`, `show`, `resume` and `cancel`."""

import csv
import io
import json
import signal
import subprocess
import sys

import pytest

from flux.cli.exits import ExitCode
from flux.client.blocking import SyncClient
from tests.cli.conftest import Flux, flux_process
from tests.cli.terminal import on_a_terminal


@pytest.fixture
def three(client: SyncClient) -> list[str]:
    """Three executions, the newest first: completed, failed, paused."""
    made = [client.run("echo", 1), client.run("refused", "no"), client.run("ask")]
    return [one["execution_id"] for one in reversed(made)]


def test_a_pipe_gets_lines_with_tabs(flux: Flux, three: list[str]) -> None:
    """A heading and a line for each, newest first, with instants and seconds that programs read."""
    heading, *lines = flux("list", "-n", "3").out.splitlines()

    assert heading.split("\t") == ["execution_id", "state", "workflow", "created_at", "duration", "why"]
    assert [line.split("\t")[:3] for line in lines] == [
        [three[0], "PAUSED", "default/ask"],
        [three[1], "FAILED", "default/refused"],
        [three[2], "COMPLETED", "default/echo"],
    ]


def test_a_terminal_gets_a_table(flux: Flux, three: list[str]) -> None:
    """Ages and durations in words, and how many there are."""
    shown = on_a_terminal(lambda: flux("list", "-n", "1"), columns=120)

    assert all(title in shown for title in ("ID", "AGE", "WHY"))
    assert "waits for an answer to approve" in shown
    assert "1 of " in shown


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "id"])
def test_every_form_shows_the_same_executions(flux: Flux, three: list[str], form: str) -> None:
    """Whichever program reads it."""
    out = flux("list", "-n", "3", "-o", form).out

    ids = {
        "json": lambda: [row["execution_id"] for row in json.loads(out)],
        "jsonl": lambda: [json.loads(line)["execution_id"] for line in out.splitlines()],
        "csv": lambda: [row["execution_id"] for row in csv.DictReader(io.StringIO(out))],
        "id": out.split,
    }[form]()
    assert ids == three


def test_states_and_workflows_narrow_the_list(flux: Flux, three: list[str]) -> None:
    """Several states with commas, in any case; a workflow by its name."""
    by_state = flux("list", "--state", "failed,paused", "-n", "2", "-o", "id").out.split()
    by_workflow = flux("list", "--workflow", "default/echo", "-n", "1", "-o", "id").out.split()

    assert (by_state, by_workflow) == (three[:2], three[2:])


def test_an_unknown_state_is_answered_with_those_there_are(flux: Flux) -> None:
    """Before the daemon is asked."""
    shown = flux("list", "--state", "DONE")

    assert shown.code == ExitCode.USAGE
    assert "DONE: no such state" in shown.err
    assert "COMPLETED" in shown.err


def test_more_than_one_page_is_asked_for(client: SyncClient, flux: Flux) -> None:
    """A list is as long as was asked for, however the daemon cuts it."""
    made = [answer["execution_id"] for answer in client.submit_many("echo", list(range(205)))]

    assert flux("list", "--workflow", "echo", "-n", "205", "-o", "id").out.split() == made[::-1]


def test_a_watched_list_in_a_pipe_is_a_line_for_each_change(client: SyncClient) -> None:
    """What is there first, oldest first, then what happens; a reader that leaves ends it quietly."""
    before = client.run("echo", 0)["execution_id"]
    with flux_process("list", "--watch", "-n", "1", "-o", "id") as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().strip() == before
        after = client.run("echo", 1)["execution_id"]
        assert watching.stdout.readline().strip() == after
        watching.send_signal(signal.SIGINT)
        watching.communicate()

    assert watching.returncode == ExitCode.INTERRUPTED


def test_a_form_that_cannot_grow_is_not_watched(flux: Flux) -> None:
    """JSON has an end, watching has none."""
    shown = flux("list", "--watch", "--json")

    assert shown.code == ExitCode.USAGE
    assert "-o jsonl" in shown.err


def test_the_list_imports_nothing_heavy(client: SyncClient) -> None:
    """`flux list` must feel immediate: no pydantic, no aiohttp, no event loop, no language for authors."""
    probe = (
        "import sys; from flux.cli.main import run; code = run('flux', ['list', '-n', '1', '-o', 'id']);"
        "heavy = ('asyncio', 'aiohttp', 'pydantic', 'msgspec', 'apsw', 'textual', 'flux.task', 'flux.codec');"
        "sys.exit(code or ', '.join(name for name in heavy if name in sys.modules) or 0)"
    )

    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_one_execution_is_shown_whole(flux: Flux, client: SyncClient) -> None:
    """In a pipe as one line of JSON, with its tasks."""
    made = client.run("hello", "World")["execution_id"]

    shown = flux("show", made)

    found = json.loads(shown.out)
    assert (found["execution_id"], found["output"]) == (made, "Hello, World!")
    assert [task["call_id"] for task in found["tasks"]] == ["greet#1"]
    assert shown.out.count("\n") == 1


def test_the_beginning_or_the_end_of_an_id_is_enough(flux: Flux, client: SyncClient) -> None:
    """As long as only one has it; none is code 3."""
    made = client.run("echo", 1)["execution_id"]

    assert flux("show", made[-12:].lower(), "-o", "id").out.strip() == made
    assert flux("show", "zzzzzzzz").code == ExitCode.NOT_FOUND


def test_a_pause_is_answered(flux: Flux, three: list[str]) -> None:
    """The answer is the value of the pause; waiting for the end works as for `run`."""
    shown = flux("resume", "@last", '{"yes": true}', "--wait")

    assert (shown.code, json.loads(shown.out)) == (ExitCode.OK, {"yes": True})


def test_following_a_resume_tells_only_what_is_new(flux: Flux, three: list[str]) -> None:
    """What happened before the pause was told before."""
    words = flux("resume", three[0], "--follow").err

    assert "completed" in words
    assert "queued" not in words


def test_a_pause_that_is_not_there_is_not_answered(flux: Flux, three: list[str]) -> None:
    """Code 5 in the wrong state, and for a name that no pause has."""
    assert flux("resume", three[2]).code == ExitCode.CONFLICT
    assert flux("resume", three[0], "--pause", "no-such").code != ExitCode.OK


def test_an_execution_is_cancelled(flux: Flux, client: SyncClient) -> None:
    """Its id is printed; with `--wait` it has ended by then."""
    made = client.submit("forever")["execution_id"]

    shown = flux("cancel", made, "--wait")

    assert (shown.code, shown.out.strip()) == (ExitCode.OK, made)
    assert client.execution(made)["state"] == "CANCELLED"


def test_a_cancelled_execution_has_its_code_under_wait(flux: Flux, client: SyncClient) -> None:
    """Whoever waits for it learns that somebody else ended it: 7."""
    made = client.submit("forever", key="to be cancelled")["execution_id"]
    client.cancel(made)

    assert flux("run", "forever", "--key", "to be cancelled", "--wait").code == ExitCode.CANCELLED


def test_of_several_some_may_be_too_late(flux: Flux, three: list[str]) -> None:
    """Each is tried; the code says that not all went well, the words say which."""
    shown = flux("cancel", three[0], three[2])

    assert (shown.code, shown.out.split()) == (ExitCode.PARTIAL, [three[0]])
    assert "too late" in shown.err
    assert flux("cancel", three[1], three[2]).code == ExitCode.CONFLICT
