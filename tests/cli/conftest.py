"""A daemon for all tests of the command line, and the command line itself, in this process or as another one."""

import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flux.cli.child import Daemon, Place
from flux.cli.main import run
from flux.client.blocking import SyncClient

FLOWS = Path(__file__).parent / "flows"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a command showed, and its exit code."""

    code: int
    out: str
    err: str


Flux = Callable[..., Shown]


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Ctrl-C means something to the programs that tests start, also where a shell has put us into its background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    """The folder of a daemon; short, since a socket's path has room for 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="fx-"))
    (folder / "workflows").mkdir()
    yield Place(state=folder / "state", workflows=folder / "workflows")
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def daemon(place: Place) -> Iterator[str]:
    """The URL of a daemon that knows the workflows of `flows/shop.py`."""
    url = f"unix:{place.socket}"
    with (place.workflows.parent / "log").open("wb") as log:
        daemon = Daemon.start(place, log=log, tcp="")
    try:
        with SyncClient(url) as client:
            assert daemon.answers(client), (place.workflows.parent / "log").read_text()
            client.register("shop.py", (FLOWS / "shop.py").read_bytes())
        yield url
    finally:
        daemon.stop()


@pytest.fixture
def around(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names no daemon and no credentials."""
    for name in [name for name in os.environ if name.startswith("FLUX_")]:
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def client(daemon: str, around: pytest.MonkeyPatch) -> Iterator[SyncClient]:
    """A client of the daemon, which the environment names too."""
    around.setenv("FLUX_URL", daemon)
    with SyncClient(daemon) as client:
        yield client


@pytest.fixture
def flux(client: SyncClient, around: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Flux:
    """Runs one command in this process, against the daemon."""

    def command(*arguments: str, stdin: bytes = b"") -> Shown:
        around.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = run("flux", arguments)
        shown = capsys.readouterr()
        return Shown(code=code, out=shown.out, err=shown.err)

    return command


def flux_process(*arguments: str, cwd: Path = ROOT, stderr: int = subprocess.PIPE) -> "subprocess.Popen[str]":
    """The program as a process of its own, with pipes for its streams."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "flux.cli", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
