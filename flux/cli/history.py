"""What happened: the captured output of an execution, and the events of one or of all."""

from collections.abc import Iterator
from typing import Final

import click

from flux.cli import connect, render
from flux.cli.exits import ExitCode
from flux.cli.forms import form_option
from flux.cli.moments import local
from flux.cli.outcome import CODES
from flux.cli.render import Column, Form, Row
from flux.client.blocking import SyncClient
from flux.client.follow import Update
from flux.clock import pause

_TOLD: Final = (Form.TABLE, Form.JSON, Form.JSONL, Form.CSV)
_LATE: Final = 1.5  # seconds; the daemon keeps output for up to one before it writes it
_LOOK_EVERY: Final = 1.0  # seconds that the daemon is asked to wait for an end between two looks at the output

_LINES: Final = {
    Form.TABLE: (Column(key="time"), Column(key="call_id", heading="TASK"), Column(key="text")),
    Form.TSV: tuple(Column(key=key) for key in ("instant", "call_id", "attempt", "stream", "text")),
}
_EVENTS: Final = {
    Form.TABLE: (
        Column(key="sequence", heading="SEQ"),
        Column(key="time"),
        Column(key="type", heading="EVENT"),
        Column(key="call_id", heading="CALL"),
        Column(key="number", heading="ATTEMPT"),
        Column(key="value"),
    ),
    Form.TSV: tuple(
        Column(key=key)
        for key in ("position", "sequence", "instant", "type", "call_id", "attempt", "detail", "payload")
    ),
}
_STREAM: Final = {
    Form.TABLE: (
        Column(key="time"),
        Column(key="execution_id", heading="EXECUTION"),
        Column(key="type", heading="EVENT"),
        Column(key="about"),
    ),
    Form.TSV: tuple(
        Column(key=key) for key in ("position", "instant", "execution_id", "sequence", "type", "call_id", "state")
    ),
}


@click.command(epilog=connect.ID_HELP)
@click.argument("id")
@click.option("-f", "--follow", is_flag=True, help="Go on until the execution rests.")
@form_option(*_TOLD)
@connect.url_option
def logs(id: str, follow: bool, form: Form | None) -> ExitCode:
    """Show what an execution printed and logged."""
    chosen = form or render.usual()
    with connect.client() as client:
        execution = connect.execution_id(client, id)
        lines = _lines(client, execution, follow=follow)
        _print(lines, _LINES, chosen, follow=follow)
    return ExitCode.OK


def _lines(client: SyncClient, execution: str, *, follow: bool) -> Iterator[Row]:
    """The lines so far; with `follow`, also those that come until the execution rests."""
    after, rests = 0, not follow
    while True:
        page = client.logs(execution, after=after)
        yield from (_line(line) for line in page["items"])
        after = page["next_after"]
        if not page["items"]:
            if rests:
                return
            rests = client.wait(execution, _LOOK_EVERY)["state"] in CODES
            if rests:
                pause(_LATE)


def _line(line: Row) -> Row:
    """A line of output without its end, which is ours to write."""
    return {**line, "text": str(line["text"]).rstrip("\n"), "time": local(str(line["instant"]), "%H:%M:%S")}


@click.command(epilog=connect.ID_HELP)
@click.argument("id", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the execution rests; without ID, until Ctrl-C.")
@click.option("--after", type=click.IntRange(min=0), metavar="POSITION", help="Only what came after this position.")
@form_option(*_TOLD)
@connect.url_option
def events(id: str | None, follow: bool, after: int | None, form: Form | None) -> ExitCode:
    """Show the event log of an execution, or follow it. Without ID: follow all executions from now on."""
    chosen = form or render.usual()
    with connect.client() as client:
        execution = connect.execution_id(client, id) if id is not None else None
        if execution is not None and not follow:
            found = client.history(execution, after=after or 0)
            _print((_told(event) for event in found), _EVENTS, chosen, follow=False)
        else:
            stream = client.events(execution, after=after, until_resting=execution is not None)
            _print((_happened(update) for update in stream), _STREAM, chosen, follow=True)
    return ExitCode.OK


def _print(rows: Iterator[Row], columns: dict[Form, tuple[Column, ...]], form: Form, *, follow: bool) -> None:
    """Rows in a form; a list that grows cannot be laid out beforehand, so its table has fixed widths."""
    chosen = columns.get(form, columns[Form.TSV])
    if not follow:
        render.rows(rows, chosen, form)
    elif form is Form.TABLE:
        render.growing(rows, chosen)
    elif form in (Form.JSON, Form.CSV):
        raise click.UsageError(f"what is followed is written line by line: use -o jsonl, not {form}")
    else:
        render.rows(rows, chosen, form)


def _told(event: Row) -> Row:
    """An event of a list, with what a table shows of it."""
    shown = event["payload"] if event["payload"] is not None else event["detail"]
    return {
        **event,
        "time": local(str(event["instant"]), "%H:%M:%S"),
        "number": event["attempt"] or None,
        "value": "" if shown is None else render.compact(shown),
    }


def _happened(update: Update) -> Row:
    """A message of a stream as a row."""
    data = update.data
    instant = data.get("instant") or data.get("updated_at")
    call = data.get("call_id")
    about = call if call is not None else f"{data.get('workflow', '')} {data.get('why', data.get('reason', ''))}"
    return {
        **data,
        "position": update.position,
        "event": update.event,
        "type": data.get("type", update.event),
        "instant": instant,
        "time": local(instant, "%H:%M:%S"),
        "about": about.strip(),
    }
