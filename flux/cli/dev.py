"""`flux dev`: a daemon for the folder one stands in.

`./workflows` is watched, everything else is kept in `./.flux`: delete that folder and nothing is left. The
daemon is a child of this process, its log goes to our stderr, what we are told to stop for it is told
too, and its exit code is ours.
"""

import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import click

from flux.cli import render
from flux.cli.child import Daemon, Place, ended
from flux.client.blocking import SyncClient
from flux.errors import InvalidConfiguration

# A terminal that closes says HUP, which would only make the daemon look at its settings.
_TOLD: Final = {
    signal.SIGINT: signal.SIGINT,
    signal.SIGTERM: signal.SIGTERM,
    signal.SIGHUP: signal.SIGTERM,
    signal.SIGQUIT: signal.SIGTERM,
}
_EXAMPLE: Final = "default/hello"  # shown while there is no workflow yet


@click.command()
@click.option("--tcp", metavar="HOST:PORT", help="Listen there as well, for callers with an API key.")
def dev(tcp: str | None) -> int:
    """Start a daemon here: ./workflows is watched, state lives in ./.flux. Ctrl-C stops it."""
    here = Path.cwd()
    place = Place(state=here / ".flux", workflows=here / "workflows")
    _prepare(place)
    daemon = Daemon.start(place, tcp=tcp)
    with _passing_on(daemon.tell):
        client = daemon.reached()
        if client is not None:
            with client:
                if client.info()["pid"] == daemon.pid:  # else another one has this folder
                    _welcome(daemon, client, here)
        code = daemon.wait()
    if code < 0:
        render.problem(f"the daemon {ended(code)}")
        return 128 - code
    return code


def _prepare(place: Place) -> None:
    """Make the two folders, and keep the state out of version control: it holds a key.

    Raises:
        InvalidConfiguration: nobody may write here, or something else has one of the names.
    """
    try:
        if not place.workflows.is_dir():
            place.workflows.mkdir()
            render.say(f"made {place.workflows.name}/: drop a .py file with a workflow into it")
        place.state.mkdir(mode=0o700, exist_ok=True)
        ignore = place.state / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", "utf-8")
    except OSError as error:
        raise InvalidConfiguration(
            f"this folder cannot be used: {error.filename}: {error.strerror}",
            hint="`flux dev` needs a folder of your own, in which it can make workflows/ and .flux/",
        ) from error


def _welcome(daemon: Daemon, client: SyncClient, here: Path) -> None:
    """Say where it listens, and what to type to see something happen."""
    known = [found["ref"] for found in client.workflows()["items"]]
    ref = known[0] if known and _EXAMPLE not in known else _EXAMPLE
    input = '"World"' if ref == _EXAMPLE else "null"
    socket = Path(client.url.removeprefix("unix:"))  # another one than in the folder, if that path is too long
    shown = socket.relative_to(here) if socket.is_relative_to(here) else socket
    render.say(f"Flux listens at {client.url} (process {daemon.pid}) and watches workflows/. Ctrl-C stops it.")
    if any(daemon.place.workflows.rglob("*.py")):
        render.say("In another terminal, try")
    else:
        render.say("There is no workflow yet; `flux help dev` has a first one. With it, try in another terminal")
    render.say(f"    flux run {ref} '{input}' --wait")
    render.say(
        f"    curl --unix-socket {shlex.quote(str(shown))} -H 'Content-Type: application/json' -d '{input}'"
        f" http://localhost/workflows/{ref}/run/sync"
    )


@contextmanager
def _passing_on(tell: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Hand the signals that should end us on to the daemon; we end when it has."""

    def hand_on(number: int, _frame: FrameType | None) -> None:
        tell(_TOLD[signal.Signals(number)])

    before = {number: signal.signal(number, hand_on) for number in _TOLD}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
