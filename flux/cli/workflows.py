"""Workflows: what can be run, and what one of them is."""

from collections.abc import Iterator
from typing import Final

import click

from flux.cli import connect, render
from flux.cli.exits import ExitCode
from flux.cli.forms import LISTED, form_option
from flux.cli.lazy import Entry, LazyGroup
from flux.cli.render import Column, Form, Row

_HERE: Final = "flux.cli.workflows"
COMMANDS: Final = (
    Entry(name="list", target=f"{_HERE}:list_workflows", help="List the workflows that can be run."),
    Entry(name="show", target=f"{_HERE}:show", help="Show one workflow: file, tasks, input."),
)
_COLUMNS: Final = tuple(Column(key=key) for key in ("ref", "version", "file", "line", "doc"))


@click.group(cls=LazyGroup, entries=COMMANDS)
def workflows() -> None:
    """Look at the workflows that can be run."""


@click.command("list")
@form_option(*LISTED)
@connect.url_option
def list_workflows(form: Form | None) -> ExitCode:
    """List the workflows that can be run; files that do not load are told on stderr."""
    with connect.client() as client:
        catalog = client.workflows()
    render.rows([_told(found) for found in catalog["items"]], _COLUMNS, form)
    for error in catalog["load_errors"]:
        render.problem(broken(error))
    return ExitCode.OK


def broken(error: Row) -> str:
    """A file that does not load, in one line."""
    line = "" if error["line"] is None else f":{error['line']}"
    return render.clean(f"{error['file']}{line} does not load: {error['type']}: {error['message']}")


def _told(found: Row) -> Row:
    """The workflow with the first line of its docstring, known by its ref."""
    doc = found["doc"]
    return {**found, "id": found["ref"], "doc": doc.partition("\n")[0] if isinstance(doc, str) else None}


@click.command()
@click.argument("ref")
@form_option(Form.TABLE, Form.JSON, Form.JSONL)
@connect.url_option
def show(ref: str, form: Form | None) -> ExitCode:
    """Show one workflow: where it is from, its tasks, what it takes. In a pipe: as JSON."""
    with connect.client() as client:
        found = client.workflow(ref)
    if (form or render.usual()) is Form.TABLE:
        render.fields(_pairs(found))
    else:
        render.value(dict(found), form)
    if found["error"] is not None:
        render.problem(f"{broken(found['error'])}; version {found['version']} goes on serving")
    return ExitCode.OK


def _pairs(found: Row) -> Iterator[tuple[str, str]]:
    line = "" if found["line"] is None else f":{found['line']}"
    tasks = found["tasks"]
    yield "workflow", str(found["ref"])
    yield "version", f"{found['version']} ({str(found['digest'])[:12]})"
    yield "file", f"{found['file']}{line}"
    if tasks and isinstance(tasks, list):
        yield "tasks", ", ".join(tasks)
    if found["input_schema"] is not None:
        yield "input", render.compact(found["input_schema"])
    if found["doc"]:
        yield "about", str(found["doc"]).partition("\n")[0]
