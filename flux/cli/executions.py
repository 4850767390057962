"""Executions: list them, show one, answer its pause, cancel it."""

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Final

import click

from flux.cli import connect, exits, inputs, outcome, render, story
from flux.cli.exits import ExitCode
from flux.cli.forms import LISTED, form_option
from flux.cli.moments import age, took
from flux.cli.render import STATES, Column, Form, Row
from flux.client.blocking import SyncClient
from flux.clock import pause as pause_thread
from flux.core.execution import FINAL, State
from flux.errors import FluxError, Unreachable

_PAGE: Final = 200  # executions asked for at a time
_REDRAW: Final = 1.0  # seconds between two looks of `--watch` on a terminal; ages count seconds anyway

_PEOPLE: Final = (
    Column(key="execution_id", heading="ID"),
    Column(key="state", colour=STATES),
    Column(key="workflow"),
    Column(key="age"),
    Column(key="took"),
    Column(key="why"),
)
_PROGRAMS: Final = tuple(
    Column(key=key) for key in ("execution_id", "state", "workflow", "created_at", "duration", "why")
)


def _states(_ctx: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """The states, upper case; each value may hold several with commas."""
    found = [part.strip().upper() for text in given for part in text.split(",") if part.strip()]
    unknown = [part for part in found if part not in State.__members__]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}: no such state; there are {', '.join(State)}")
    return tuple(found)


@click.command("list")
@click.option("--state", "states", multiple=True, callback=_states, help="Only these: FAILED, or FAILED,PAUSED.")
@click.option("--workflow", metavar="REF", help="Only of this workflow.")
@click.option("--namespace", help="Only of this namespace.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@click.option("--watch", is_flag=True, help="Keep it up to date; in a pipe, a line for each change of state.")
@form_option(*LISTED)
@connect.url_option
def list_executions(
    states: tuple[str, ...], workflow: str | None, namespace: str | None, limit: int, watch: bool, form: Form | None
) -> ExitCode:
    """List executions, newest first."""
    chosen = form or render.usual()
    with connect.client() as client:
        listing = Listing(client, states, workflow, namespace)
        if not watch:
            render.rows(listing.rows(limit), _columns(chosen), chosen)
            render.hint(listing.remark(limit))
        elif chosen is Form.TABLE:
            listing.redraw(limit)
        elif chosen in (Form.JSON, Form.CSV):
            raise click.UsageError(f"--watch writes a line for each change: use -o jsonl or -o id, not {chosen}")
        else:
            render.rows(chain(reversed([*listing.rows(limit)]), listing.changes()), _columns(chosen), chosen)
    return ExitCode.OK


def _columns(form: Form) -> tuple[Column, ...]:
    return _PEOPLE if form is Form.TABLE else _PROGRAMS


class Listing:
    """The executions that one command asked for. `count`: how many there are in all, as of the first page."""

    def __init__(
        self, client: SyncClient, states: tuple[str, ...], workflow: str | None, namespace: str | None
    ) -> None:
        self._client = client
        self._states = states
        self._workflow = workflow
        self._namespace = namespace
        self._count = 0
        self._position = 0

    def rows(self, limit: int) -> Iterator[Row]:
        """At most `limit` rows, newest first."""
        return islice(self._all(min(limit, _PAGE)), limit)

    def _all(self, size: int) -> Iterator[Row]:
        cursor: str | None = None
        while True:
            page = self._client.executions(
                states=self._states, workflow=self._workflow, namespace=self._namespace, limit=size, cursor=cursor
            )
            if cursor is None:
                self._count, self._position = page["count"], page["position"]
            yield from (_told(row, page["as_of"]) for row in page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def remark(self, limit: int) -> str:
        """What a person should know beside the rows."""
        if not self._count:
            return "there is none; `flux run REF` makes one, `flux workflows list` shows what can be run"
        return f"{min(limit, self._count):,} of {self._count:,}"

    def redraw(self, limit: int) -> None:
        """Draw the list again and again, until Ctrl-C. A daemon that goes away is waited for."""
        while True:
            try:
                rows, word = [*self.rows(limit)], ""
            except Unreachable as gone:
                rows, word = [], f"{gone}; trying again"
            render.clear()
            render.rows(rows, _PEOPLE, Form.TABLE)
            render.hint(word or f"{self.remark(limit)}; Ctrl-C ends")
            pause_thread(_REDRAW)

    def changes(self) -> Iterator[Row]:
        """A row whenever an execution that belongs into the list changes its state, as it happens."""
        states: dict[str, str] = {}
        for update in self._client.events(after=self._position):
            row = update.data
            if update.event != "execution" or states.get(row["execution_id"]) == row["state"]:
                continue
            states[row["execution_id"]] = row["state"]
            if row["state"] in FINAL:
                del states[row["execution_id"]]
            if self._wants(row):
                yield _told(row, row["updated_at"])

    def _wants(self, row: Row) -> bool:
        return (
            (not self._states or row["state"] in self._states)
            and (self._namespace is None or row["namespace"] == self._namespace)
            and (self._workflow is None or self._workflow in (row["workflow"], row["name"]))
        )


def _told(row: Mapping[str, object], now: str) -> Row:
    """The row, with what people read instead of instants and seconds."""
    duration = row["duration"]
    seconds = duration if isinstance(duration, int | float) else None
    return {**row, "age": age(str(row["created_at"]), now), "took": took(seconds)}


@click.command(epilog=connect.ID_HELP)
@click.argument("id")
@form_option(Form.TABLE, Form.JSON, Form.JSONL, Form.ID)
@connect.url_option
def show(id: str, form: Form | None) -> ExitCode:
    """Show one execution: state, why, tasks, output. In a pipe: as JSON."""
    with connect.client() as client:
        found = client.execution(connect.execution_id(client, id))
        tasks = client.tasks(found["execution_id"])
    if form is Form.TABLE or (form is None and render.usual() is Form.TABLE):
        story.tell(found, tasks)
    elif form is Form.ID:
        render.data(found["execution_id"])
    else:
        render.value({**found, "tasks": tasks}, form)
    return ExitCode.OK


@click.command(epilog=f"{connect.ID_HELP} {inputs.HELP}")
@click.argument("id")
@click.argument("words", metavar="[INPUT]...", nargs=-1)
@click.option("--pause", metavar="NAME", help="Answer this pause instead of the oldest open one.")
@outcome.wait_options
@connect.url_option
def resume(
    id: str,
    words: tuple[str, ...],
    pause: str | None,
    wait: bool,
    follow: bool,
    timeout: float | None,
    form: Form | None,
) -> ExitCode:
    """Answer a pause."""
    input = inputs.parse(words)
    with connect.client() as client:
        found = client.resume(connect.execution_id(client, id), input, pause=pause)
        if wait or follow or timeout is not None:
            execution, since = found["execution_id"], found["sequence"]
            return outcome.settle(client, execution, timeout=timeout, follow=follow, form=form, since=since)
    _acknowledge(found, form, "goes on")
    return ExitCode.OK


@click.command(epilog=connect.ID_HELP)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--wait", is_flag=True, help="Wait until it has ended.")
@form_option(Form.JSON, Form.JSONL, Form.ID)
@connect.url_option
def cancel(ids: tuple[str, ...], wait: bool, form: Form | None) -> ExitCode:
    """Cancel executions. What they are doing is interrupted, and cleans up."""
    with connect.client() as client:
        names = [connect.execution_id(client, word) for word in ids]
        if len(names) == 1:
            _cancel(client, names[0], form, wait=wait)
            return ExitCode.OK
        codes = {_try_to_cancel(client, name, form, wait=wait) for name in names}
    if len(codes) == 1:
        return codes.pop()
    return ExitCode.PARTIAL if ExitCode.OK in codes else ExitCode.FAILED


def _try_to_cancel(client: SyncClient, execution: str, form: Form | None, *, wait: bool) -> ExitCode:
    """What became of one of several: the code that it would have alone."""
    try:
        _cancel(client, execution, form, wait=wait)
    except FluxError as error:
        return exits.report(error)
    return ExitCode.OK


def _cancel(client: SyncClient, execution: str, form: Form | None, *, wait: bool) -> None:
    found: Row = client.cancel(execution)
    if wait:
        found = client.wait(str(found["execution_id"]))
    _acknowledge(found, form, "is CANCELLED" if wait else "is being cancelled")


def _acknowledge(found: Row, form: Form | None, word: str) -> None:
    """The id to whoever reads data, the word to whoever reads along."""
    if form in (Form.JSON, Form.JSONL):
        render.value(dict(found), form)
        return
    render.data(str(found["execution_id"]))
    render.hint(f"{found['workflow']} {word}")
