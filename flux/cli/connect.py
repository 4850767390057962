"""Which daemon a command talks to, and which execution a word means.

`--url` comes first, then whatever `flux.client.discovery` finds. An execution is named by the beginning
or the end of its id (the daemon completes it), `@last` or `@failed`.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import click

from flux.client.blocking import SyncClient
from flux.errors import NotFound

_URL: Final = "flux.url"
_C = TypeVar("_C", bound=Callable[..., object])
_NEWEST: Final[dict[str, tuple[str, ...]]] = {"@last": (), "@failed": ("FAILED",)}

ID_HELP: Final = "ID is the beginning or the end of an execution's id, @last (the newest) or @failed."


def url_option(command: _C) -> _C:
    """The option `--url`, which `client()` obeys."""
    return click.option(
        "--url",
        metavar="URL",
        expose_value=False,
        callback=_remember,
        help="The daemon: unix:/path or http://host:port. Default: FLUX_URL, else the nearest one.",
    )(command)


def _remember(ctx: click.Context, _parameter: click.Parameter, url: str | None) -> None:
    ctx.meta[_URL] = url


def client() -> SyncClient:
    """A client of the daemon that the running command means."""
    return SyncClient(click.get_current_context().meta.get(_URL))


def execution_id(client: SyncClient, word: str) -> str:
    """What to ask the daemon for when the user says `word`.

    Raises:
        NotFound: there is no newest one.
    """
    states = _NEWEST.get(word)
    if states is None:
        if word.startswith("@"):
            raise NotFound(f"{word} means nothing here", suggestions=sorted(_NEWEST))
        return word
    found = client.executions(states=states, limit=1)["items"]
    if not found:
        raise NotFound(f"{word}: there is no {'failed ' if states else ''}execution yet")
    return found[0]["execution_id"]
