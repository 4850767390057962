"""`flux tui`: the terminal UI. It needs a terminal; where there is none, another command does the same.

Textual is imported when the command runs and not before, and what HTTP stands on after the first paint.
"""

import sys
from collections.abc import Callable
from importlib import import_module

import click

from flux import config
from flux.cli import places
from flux.client import discovery

_INSTEAD = "use `flux list --watch` there"


@click.command()
@click.option("--url", metavar="URL", help="The daemon: unix:/path/to/flux.sock or http://host:port.")
@click.option("--read-only", is_flag=True, help="Offer nothing that changes anything.")
@click.option("--ascii", "ascii_only", is_flag=True, help="No characters but ASCII, for terminals without Unicode.")
@click.option("--terminal", envvar="TERM", default="", hidden=True)  # how a command may know the terminal's kind
@click.pass_context
def tui(ctx: click.Context, url: str | None, read_only: bool, ascii_only: bool, terminal: str) -> int:
    """Open the terminal UI: the list of executions and each of them, live."""
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise click.UsageError(f"`flux tui` needs a terminal, not a pipe or a file: {_INSTEAD}.")
    if terminal in ("", "dumb"):
        raise click.UsageError(
            f"`flux tui` cannot draw on a terminal of the kind {terminal or '(none)'!r}: {_INSTEAD}."
        )
    address = discovery.find(config.client(), url)
    run: Callable[..., int] = import_module(f"{places.tui_module()}.run").main
    return run(
        str(address),
        _client_class,
        read_only=read_only,
        ascii_only=ascii_only or terminal == "linux" or not _speaks_unicode(),
        colour=ctx.find_root().color is not False,
    )


def _client_class() -> Callable[[str], object]:
    """What makes a client for an address."""
    made: Callable[[str], object] = import_module("flux.client").FluxClient
    return made


def _speaks_unicode() -> bool:
    return "utf" in (sys.stdout.encoding or "").lower()
