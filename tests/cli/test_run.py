"""`flux run`."""

import json
import signal

from flux.cli.exits import ExitCode
from flux.client.blocking import SyncClient
from tests.cli.conftest import Flux, flux_process
from tests.cli.terminal import on_a_terminal


def test_without_wait_the_id_is_all_that_is_printed(flux: Flux, client: SyncClient) -> None:
    """`id=$(flux run …)` works, and the execution runs."""
    shown = flux("run", "hello", '"World"')

    assert (shown.code, shown.err) == (ExitCode.OK, "")
    assert client.wait(shown.out.strip())["output"] == "Hello, World!"


def test_with_wait_the_output_is_printed(flux: Flux) -> None:
    """As JSON on stdout, with exit code 0."""
    shown = flux("run", "default/hello", '"World"', "--wait")

    assert shown == type(shown)(code=ExitCode.OK, out='"Hello, World!"\n', err="")


def test_the_input_may_come_from_a_pipe(flux: Flux) -> None:
    """`… | flux run echo - --wait`."""
    assert json.loads(flux("run", "echo", "-", "--wait", stdin=b'{"a": [1]}').out) == {"a": [1]}


def test_an_option_may_stand_before_or_after_the_input(flux: Flux) -> None:
    """Pairs, labels, priority and a key arrive."""
    shown = flux("run", "echo", "--label", "env=test", "a=1", "--priority", "5", "b:=2", "--wait", "-o", "json")

    found = json.loads(shown.out)
    assert (found["output"], found["labels"], found["priority"]) == ({"a": "1", "b": 2}, {"env": "test"}, 5)


def test_the_same_key_gives_the_same_execution(flux: Flux) -> None:
    """A repeated command starts nothing new; another input under that key is a conflict."""
    first, again = (flux("run", "echo", "1", "--key", "once").out for _ in range(2))

    other = flux("run", "echo", "2", "--key", "once")

    assert first == again
    assert (other.code, other.out) == (ExitCode.CONFLICT, "")


def test_following_tells_the_steps_on_stderr(flux: Flux) -> None:
    """stdout has the output only; each event is a line beside it."""
    shown = flux("run", "hello", '"World"', "--follow")

    assert shown.out == '"Hello, World!"\n'
    assert [line.split(maxsplit=1)[1] for line in shown.err.splitlines()] == [
        "queued",
        "started",
        "started             greet#1",
        "completed           greet#1",
        "completed",
    ]


def test_a_failure_is_explained_and_has_its_code(flux: Flux) -> None:
    """Type, message and task on stderr, nothing on stdout, code 1."""
    shown = flux("run", "refused", '"not today"', "--wait")

    assert (shown.code, shown.out) == (ExitCode.FAILED, "")
    assert "default/refused failed: ValueError: not today (in refuse#1)" in shown.err
    assert "flux show" in shown.err


def test_a_pause_has_its_code_and_shows_its_question(flux: Flux) -> None:
    """Code 75: somebody has to answer; how is said."""
    shown = flux("run", "ask", "--wait")

    assert (shown.code, shown.out) == (ExitCode.PAUSED, "")
    assert 'approve: {"total": 540}' in shown.err
    assert "flux resume" in shown.err


def test_a_wait_that_runs_out_has_its_code_and_ends_nothing(flux: Flux, client: SyncClient) -> None:
    """Code 124; the execution goes on."""
    shown = flux("run", "forever", "--timeout", "0.2", "--follow")

    execution = client.executions(workflow="forever", limit=1)["items"][0]
    assert (shown.code, shown.out) == (ExitCode.WAIT_RAN_OUT, "")
    assert execution["state"] in ("QUEUED", "RUNNING", "WAITING")
    assert execution["execution_id"] in shown.err
    client.cancel(execution["execution_id"])


def test_an_interrupted_wait_ends_nothing(client: SyncClient) -> None:
    """Ctrl-C ends the command with 130 and leaves the execution alone."""
    position = client.stats()["position"]
    command = flux_process("run", "forever", "--follow")
    with command:
        started = next(update for update in client.events(after=position) if update.data.get("state") == "WAITING")
        command.send_signal(signal.SIGINT)
        command.communicate()

    execution = started.data["execution_id"]
    assert command.returncode == ExitCode.INTERRUPTED
    assert client.execution(execution)["state"] == "WAITING"
    client.cancel(execution)


def test_an_unknown_workflow_is_answered_with_the_nearest(flux: Flux) -> None:
    """Code 3, and the name that was probably meant."""
    shown = flux("run", "helo")

    assert shown.code == ExitCode.NOT_FOUND
    assert "did you mean hello?" in shown.err


def test_a_version_that_is_not_there_is_named(flux: Flux) -> None:
    """The workflow is there, so its own name is no suggestion."""
    shown = flux("run", "hello", "--version", "99")

    assert shown.code != ExitCode.OK
    assert "did you mean" not in shown.err


def test_a_file_is_no_workflow(flux: Flux) -> None:
    """Said with the way in which a file becomes one."""
    shown = flux("run", "shop.py:hello")

    assert shown.code == ExitCode.NOT_FOUND
    assert "watched folder" in shown.err


def test_input_that_is_no_json_is_a_usage_error(flux: Flux) -> None:
    """Nothing is started."""
    shown = flux("run", "hello", "World")

    assert (shown.code, shown.out) == (ExitCode.USAGE, "")
    assert "A text needs quotes of its own" in shown.err


def test_a_person_is_told_what_comes_next(flux: Flux) -> None:
    """On a terminal the id comes with words; in a pipe it comes alone."""
    shown = on_a_terminal(lambda: flux("run", "hello"))

    assert "default/hello is" in shown
    assert "flux show" in shown
