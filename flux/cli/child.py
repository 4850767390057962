"""A daemon as a child of this process, for `flux dev` and `flux demo`.

It is a process group of its own: Ctrl-C in the terminal reaches its parent, which decides what the daemon
is told. If the parent dies without a word, the daemon is stopped all the same.
"""

import os
import signal
import site
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import flux.cli
from flux import config
from flux.client.blocking import SyncClient
from flux.clock import pause
from flux.errors import FluxError

_LOOK_EVERY: Final = 0.02  # seconds between two looks whether it answers
_STOP: Final = 10.0  # seconds for a stop that was asked for politely


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a daemon keeps its things."""

    state: Path
    workflows: Path

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.state / "flux.sock"


class Daemon:
    """One daemon that this process has started."""

    def __init__(self, process: subprocess.Popen[bytes], place: Place) -> None:
        self._process = process
        self.place = place

    @classmethod
    def start(cls, place: Place, *, log: IO[bytes] | None = None, tcp: str | None = None) -> "Daemon":
        """A daemon that has been started and may not answer yet. `log`: where its words go, instead of stderr."""
        arguments = ["--state", place.state, "--workflows", place.workflows, "--socket", place.socket]
        tcp_arguments = [] if tcp is None else ["--tcp", tcp]
        command = [sys.executable, "-P", "-m", "flux.cli", "serve", "--parent", str(os.getpid()), *tcp_arguments]
        process = subprocess.Popen(
            [*command, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(),
            start_new_session=True,
        )
        return cls(process, place)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def answers(self, client: SyncClient) -> bool:
        """Whether it came to take requests, once that is decided; False: it ended before."""
        while self._process.poll() is None:
            if _is_ready(client):
                return True
            pause(_LOOK_EVERY)
        return False

    def reached(self) -> SyncClient | None:
        """A client of it, once it takes requests; None: it ended before.

        Where its path is too long for a socket, it says only as it starts where it listens instead, so
        that every look is one with a new client.
        """
        while self._process.poll() is None:
            client = SyncClient(f"unix:{self.place.socket}")
            if _is_ready(client):
                return client
            client.close()
            pause(_LOOK_EVERY)
        return None

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal; nothing if it has ended."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Its exit code, once it ends; negative: the number of the signal that ended it."""
        return self._process.wait()

    def kill(self) -> None:
        """End it at once, and wait until it is gone."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it in peace if it can, else at once."""
        self._process.terminate()
        try:
            self._process.wait(_STOP)
        except subprocess.TimeoutExpired:
            self.kill()


def _is_ready(client: SyncClient) -> bool:
    """Whether the daemon takes requests now. That it will do so later is no error."""
    try:
        return client.is_ready()
    except FluxError as error:
        if error.facts.get("retryable"):
            return False
        raise


def ended(code: int) -> str:
    """What an exit code says, as words that follow a noun."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _environment() -> dict[str, str]:
    """Our environment, in which a plain Python finds Flux also where it runs out of an unpacked single file."""
    given = config.inherited()
    home = str(Path(flux.cli.__file__).parents[2])
    if home in {*site.getsitepackages(), site.getusersitepackages()}:
        return given
    return {**given, "PYTHONPATH": os.pathsep.join([home, *filter(None, [given.get("PYTHONPATH")])])}
