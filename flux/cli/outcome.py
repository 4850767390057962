"""Waiting for an execution: what is said on the way, what its end looks like, and the exit code of it.

The data of a finished wait is the output, or with `-o json` the whole execution; everything else is words
on stderr. Whoever stops waiting ends the wait, not the execution.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

import click

from flux.cli import render
from flux.cli.alarm import RanOut, limited
from flux.cli.exits import ExitCode
from flux.cli.forms import form_option
from flux.cli.moments import local
from flux.cli.render import Form, Row
from flux.client.blocking import SyncClient

_C = TypeVar("_C", bound=Callable[..., object])

CODES: Final[Mapping[str, ExitCode]] = {
    "COMPLETED": ExitCode.OK,
    "FAILED": ExitCode.FAILED,
    "CANCELLED": ExitCode.CANCELLED,
    "PAUSED": ExitCode.PAUSED,
}
_STEPS: Final = {
    "TASK_STARTED": "started",
    "TASK_COMPLETED": "completed",
    "TASK_FAILED": "failed",
    "TASK_CANCELLED": "cancelled",
    "TASK_DENIED": "denied",
    "TASK_ATTEMPT_FAILED": "an attempt failed",
    "TASK_FALLBACK_STARTED": "fallback started",
    "TASK_FALLBACK_COMPLETED": "fallback completed",
    "TASK_FALLBACK_FAILED": "fallback failed",
    "TASK_ROLLBACK_STARTED": "rollback started",
    "TASK_ROLLBACK_COMPLETED": "rollback completed",
    "TASK_ROLLBACK_FAILED": "rollback failed",
}
_COLOURS: Final = {"completed": "green", "failed": "red", "denied": "red", "an attempt failed": "yellow"}


def wait_options(command: _C) -> _C:
    """The options `--wait`, `--follow`, `--timeout` and `-o`."""
    options = (
        click.option("--wait", is_flag=True, help="Wait until it rests; print its output."),
        click.option("--follow", is_flag=True, help="The same, and say on the way what happens."),
        click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
                     help="Wait no longer; it goes on, the exit code is 124."),
        form_option(Form.JSON, Form.JSONL, Form.ID),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def settle(
    client: SyncClient, execution: str, *, timeout: float | None, follow: bool, form: Form | None, since: int = 0
) -> ExitCode:
    """Wait until the execution rests and show how; the exit code that says so.

    Args:
        timeout: seconds; None: as long as it takes.
        since: the sequence up to which nothing is told.
    """
    try:
        with limited(timeout):
            if follow:
                narrate(client, execution, since)
            found = client.wait(execution)
    except RanOut:
        render.say(f"{execution} is still on its way after {timeout:g} s and goes on; `flux show {execution}`")
        return ExitCode.WAIT_RAN_OUT
    except KeyboardInterrupt:
        render.say(f"\nno longer waiting; {execution} goes on. `flux cancel {execution}` would end it")
        return ExitCode.INTERRUPTED
    _show(found, form)
    return CODES[found["state"]]


def narrate(client: SyncClient, execution: str, since: int = 0) -> None:
    """Say what happens to the execution, a line for each event, until it rests."""
    for update in client.events(execution, until_resting=True):
        if update.event == "task" and update.data["sequence"] > since:
            kind = str(update.data["type"])
            step = _STEPS.get(kind, kind)
            _tell(update.data["instant"], step, f"{update.data['call_id']}{_attempt(update.data)}")
        elif update.event == "execution" and update.data["sequence"] > since:
            word = str(update.data["type"]).removeprefix("WORKFLOW_").replace("_", " ").lower()
            _tell(update.data["updated_at"], word, "")
        elif update.event == "reset":
            render.say(f"  … {update.data['reason']}")


def _attempt(data: Row) -> str:
    number = data["attempt"]
    return f", attempt {number}" if isinstance(number, int) and number > 1 else ""


def _tell(instant: str, what: str, about: str) -> None:
    padded = render.paint(f"{what:<18}", _COLOURS.get(what, ""), sys.stderr)
    render.say(f"  {local(instant, '%H:%M:%S')}  {padded}  {render.clean(about)}".rstrip())


def _show(found: Row, form: Form | None) -> None:
    """How an execution at rest looks to whoever waited for it."""
    if form is Form.ID:
        render.data(str(found["execution_id"]))
    elif form is not None:
        render.value(dict(found), form)
    elif found["state"] == "COMPLETED":
        render.value(found.get("output"))
    if found["state"] != "COMPLETED":
        explain(found)


def explain(found: Row) -> None:
    """Words for an execution that rests without an output: why, and what can be done."""
    execution = found["execution_id"]
    match found["state"]:
        case "FAILED":
            render.problem(f"{found['workflow']} failed: {failure(found.get('error'))}")
            render.say(f"  `flux show {execution}` has the whole story")
        case "PAUSED":
            render.say(f"{found['workflow']} is paused: {render.clean(str(found['why']))}")
            for line in _questions(found):
                render.say(line)
            render.say(f"  answer with `flux resume {execution} [INPUT]`")
        case _:
            render.say(f"{found['workflow']} {found['why']}")


def failure(error: object) -> str:
    """An error in one line: type, message, and the task it came from."""
    if not isinstance(error, Mapping):
        return "for an unknown reason"
    attempts = error.get("attempts")
    times = f", {attempts} attempts" if isinstance(attempts, int) and attempts > 1 else ""
    where = f" (in {error['call_id']}{times})" if error.get("call_id") else ""
    return render.clean(f"{error.get('type')}: {error.get('message')}{where}")


def _questions(found: Row) -> Iterator[str]:
    """What the open pauses show, a line each."""
    pauses = found.get("pauses")
    for pause in pauses if isinstance(pauses, list) else ():
        shown = "" if pause["output"] is None else f": {render.compact(pause['output'])}"
        yield f"  {render.clean(pause['name'])}{shown}"
