"""One execution, told on a terminal: what it is, its tasks, its input, and its output, error or questions."""

from collections.abc import Iterator, Sequence
from typing import Final

from flux.cli import render
from flux.cli.moments import local, took
from flux.cli.outcome import failure
from flux.cli.render import STATES, Column, Form, Row

_TASKS: Final = (
    Column(key="call", heading="TASK"),
    Column(key="state", colour={**STATES, "STARTED": "cyan", "DENIED": "red"}),
    Column(key="attempts", heading="ATTEMPTS"),
    Column(key="took"),
    Column(key="value", heading="RESULT"),
)


def tell(found: Row, tasks: Sequence[Row]) -> None:
    """Print it."""
    render.fields(_head(found))
    if tasks:
        render.data("")
        render.rows([_task(task) for task in tasks], _TASKS, Form.TABLE)
    for title, key in (("Input", "input"), ("Output", "output")):
        if found.get(key) is not None:
            render.data(f"\n{title}")
            render.value(found[key])
    _tell_error(found)
    _tell_pauses(found)


def _head(found: Row) -> Iterator[tuple[str, str]]:
    yield "execution", str(found["execution_id"])
    yield "workflow", f"{found['workflow']} (source {str(found['version'])[:12]})"
    yield "state", str(found["state"])
    yield "why", str(found["why"])
    yield "created", f"{local(_text(found['created_at']))} by {found['principal']}"
    if found["finished_at"]:
        duration = found["duration"]
        seconds = took(duration if isinstance(duration, int | float) else None)
        yield "finished", f"{local(_text(found['finished_at']))}, {seconds} after it started"
    if found["priority"]:
        yield "priority", str(found["priority"])
    labels = found.get("labels")
    if isinstance(labels, dict) and labels:
        yield "labels", ", ".join(f"{name}={value}" for name, value in labels.items())


def _text(found: object) -> str | None:
    return found if isinstance(found, str) else None


def _task(task: Row) -> Row:
    attempts, duration = task["attempts"], task["duration"]
    failed = failure(task["error"]) if task["error"] is not None else ""
    return {
        "call": task["call_id"],
        "state": task["state"],
        "attempts": str(len(attempts)) if isinstance(attempts, list) else "",
        "took": took(duration if isinstance(duration, int | float) else None),
        "value": failed or ("" if task["output"] is None else render.compact(task["output"])),
    }


def _tell_error(found: Row) -> None:
    error = found.get("error")
    if isinstance(error, dict):
        render.data(f"\nError\n{failure(error)}")
        if error.get("traceback"):
            render.data(str(error["traceback"]).rstrip())


def _tell_pauses(found: Row) -> None:
    pauses = found["pauses"]
    for pause in pauses if isinstance(pauses, list) else ():
        render.data(f"\nPaused at {pause['name']} since {local(pause['opened_at'])}")
        if pause["output"] is not None:
            render.value(pause["output"])
        render.hint(f"answer with `flux resume {found['execution_id']} [INPUT]`")
