"""`flux status`: where the daemon is, what it does, and which files it could not load."""

from collections.abc import Iterator
from typing import Final

import click

from flux.cli import connect, render
from flux.cli.exits import ExitCode
from flux.cli.forms import form_option
from flux.cli.render import Column, Form, Row
from flux.cli.workflows import broken

_COLUMNS: Final = (Column(key="key"), Column(key="value"))


@click.command()
@form_option(Form.TABLE, Form.JSON, Form.JSONL)
@connect.url_option
def status(form: Form | None) -> ExitCode:
    """Say how the daemon is. The exit code is 6 if none answers."""
    with connect.client() as client:
        info, stats, catalog = client.info(), client.stats(), client.workflows()
        found: Row = {
            "url": client.url,
            "version": info["version"],
            "pid": info["pid"],
            "states": stats["states"],
            "workers": stats["workers"],
            "workflows": len(catalog["items"]),
            "load_errors": catalog["load_errors"],
        }
    if form in (Form.JSON, Form.JSONL):
        render.value(dict(found), form)
    elif (form or render.usual()) is Form.TABLE:
        render.fields(_pairs(found))
    else:
        render.rows(({"key": key, "value": value} for key, value in found.items()), _COLUMNS)
    for error in catalog["load_errors"]:
        render.problem(broken(error))
    return ExitCode.OK


def _pairs(found: Row) -> Iterator[tuple[str, str]]:
    """What a person wants to know first, by name."""
    yield "daemon", f"{found['version']}, process {found['pid']}, at {found['url']}"
    states, workers = found["states"], found["workers"]
    if isinstance(states, dict):
        counts = [f"{number} {state}" for state, number in states.items() if number]
        yield "executions", ", ".join(counts) or "none yet"
    if isinstance(workers, list):
        yield "workers", str(len(workers))
    yield "workflows", str(found["workflows"])
