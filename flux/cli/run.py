"""`flux run`: start an execution, and if wanted wait for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Final

import click

from flux.cli import connect, inputs, outcome, render
from flux.cli.exits import ExitCode
from flux.cli.render import Form
from flux.client.blocking import SyncClient
from flux.errors import NotFound

_DEFAULT: Final = "default/"
_EPILOG: Final = f"REF is a workflow: name or namespace/name. {inputs.HELP}"


@click.command(epilog=_EPILOG)
@click.argument("ref")
@click.argument("words", metavar="[INPUT]...", nargs=-1)
@outcome.wait_options
@click.option("--key", help="Idempotency key: the same key and input give the same execution.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="To find it again; may be repeated.")
@click.option("--priority", type=int, default=0, help="Higher ones are taken first.")
@click.option("--version", type=int, help="This version of the workflow instead of the newest.")
@connect.url_option
def run(
    ref: str,
    words: tuple[str, ...],
    wait: bool,
    follow: bool,
    timeout: float | None,
    form: Form | None,
    key: str | None,
    labels: tuple[str, ...],
    priority: int,
    version: int | None,
) -> ExitCode:
    """Run a workflow. Prints the id of the execution; with --wait its output."""
    _check_ref(ref)
    input = inputs.parse(words)
    with connect.client() as client:
        with _suggesting(client, ref):
            made = client.submit(ref, input, version=version, priority=priority, labels=inputs.labels(labels), key=key)
        execution = made["execution_id"]
        if wait or follow or timeout is not None:
            render.hint(f"{made['workflow']}: {execution}")
            return outcome.settle(client, execution, timeout=timeout, follow=follow, form=form)
    if form in (Form.JSON, Form.JSONL):
        render.value(dict(made), form)
    else:
        render.data(execution)
        render.hint(f"{made['workflow']} is {made['state']}; `flux show {execution}` says how it goes")
    return ExitCode.OK


@contextmanager
def _suggesting(client: SyncClient, ref: str) -> Iterator[None]:
    """An unknown workflow, with the names that are nearest to it."""
    try:
        yield
    except NotFound as absent:
        known = [found["ref"] for found in client.workflows()["items"]]
        names = [*known, *(name.removeprefix(_DEFAULT) for name in known if name.startswith(_DEFAULT))]
        if ref in names:
            raise  # the workflow is there, what is missing is a version of it
        raise NotFound(str(absent), **{**absent.facts, "suggestions": get_close_matches(ref, names)}) from absent


def _check_ref(ref: str) -> None:
    """Nothing; an error where somebody names a file instead of a workflow.

    Raises:
        NotFound: it can be no workflow; the hint says how a file becomes one.
    """
    if ref.partition(":")[0].endswith(".py"):
        raise NotFound(
            f"{ref} is a file; `flux run` takes the name of a workflow that the daemon knows",
            hint="Copy the file into the watched folder, then run the workflow by its name.",
        )
