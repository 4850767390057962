"""`flux dev`: a daemon for a folder, from its first start to Ctrl-C."""

import re
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flux.client.blocking import SyncClient
from tests.cli.conftest import FLOWS, ROOT, flux_process


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder, with a path short enough for a socket in it."""
    folder = Path(tempfile.mkdtemp(prefix="fx-"))
    yield folder
    shutil.rmtree(folder)


def told(program: "subprocess.Popen[str]", until: str) -> list[str]:
    """The lines on its stderr up to the first that contains `until`."""
    assert program.stderr is not None
    lines = []
    for line in program.stderr:
        lines.append(line.rstrip("\n"))
        if until in line:
            return lines
    raise AssertionError(f"it ended without {until!r}: {lines}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_it_starts_a_daemon_and_ends_with_it(folder: Path, around, number: signal.Signals) -> None:
    """The folders are made, the address is told, and a signal ends both with exit code 0."""
    with flux_process("dev", cwd=folder) as dev:
        words = told(dev, "curl")
        with SyncClient(f"unix:{folder}/.flux/flux.sock") as client:
            daemon = client.info()["pid"]
        dev.send_signal(number)
        dev.communicate()

    assert dev.returncode == 0
    assert "made workflows/" in words[0]
    assert any(f"unix:{folder}/.flux/flux.sock (process {daemon})" in line for line in words)
    assert (folder / ".flux" / ".gitignore").read_text() == "*\n"
    assert stat.S_IMODE((folder / ".flux").stat().st_mode) == 0o700


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_the_line_that_it_tells_to_try_works(folder: Path, around) -> None:
    """Copied as it stands, from the folder; before that, the workflow is dropped into it."""
    (folder / "workflows").mkdir()
    shutil.copy(ROOT / "examples" / "hello.py", folder / "workflows")
    with flux_process("dev", cwd=folder) as dev:
        line = told(dev, "curl")[-1]
        with SyncClient(f"unix:{folder}/.flux/flux.sock") as client:
            client.register("hello.py", (ROOT / "examples" / "hello.py").read_bytes(), namespace="elsewhere")
            shown = subprocess.run(
                ["bash", "-c", line.replace("/default/", "/elsewhere/")],
                cwd=folder,
                capture_output=True,
                text=True,
                check=True,
            )
        dev.terminate()
        dev.communicate()

    assert '"output":"Hello, World!"' in shown.stdout


def test_a_command_in_a_folder_below_finds_it(folder: Path, around) -> None:
    """The nearest `.flux` upward is the daemon that is meant."""
    below = folder / "a" / "b"
    below.mkdir(parents=True)
    with flux_process("dev", cwd=folder) as dev:
        told(dev, "curl")
        with SyncClient(f"unix:{folder}/.flux/flux.sock") as client:
            client.register("shop.py", (FLOWS / "shop.py").read_bytes())
        with flux_process("run", "hello", '"World"', "--wait", cwd=below) as command:
            out, _ = command.communicate()
        dev.terminate()
        dev.communicate()

    assert out == '"Hello, World!"\n'


def test_a_daemon_that_cannot_start_gives_its_exit_code(folder: Path, around) -> None:
    """What it said is on our stderr, its code is ours."""
    (folder / ".flux").mkdir()
    (folder / ".flux" / "flux.db").write_bytes(b"not a database" * 100)

    with flux_process("dev", cwd=folder) as dev:
        _, words = dev.communicate()

    assert dev.returncode > 0
    assert re.search("error: .*flux.db", words)


def test_in_a_deep_folder_it_tells_where_it_listens_instead(folder: Path, around) -> None:
    """A path above the system's limit for sockets is no reason to stay silent; the line to try names the other."""
    deep = folder.joinpath(*["a_folder_with_a_long_name"] * 6)
    deep.mkdir(parents=True)

    with flux_process("dev", cwd=deep) as dev:
        words = told(dev, "curl")
        dev.terminate()
        dev.communicate()

    listening = next(re.search(r"Flux listens at unix:(\S+)", line) for line in words if "Flux listens" in line)
    assert listening is not None
    assert f"--unix-socket {listening[1]} " in words[-1]


def test_a_second_one_in_a_folder_says_nothing_but_why_it_ends(folder: Path, around) -> None:
    """The first one answers at the same address; that is no reason to welcome anybody."""
    with flux_process("dev", cwd=folder) as first:
        told(first, "curl")
        with flux_process("dev", cwd=folder) as second:
            _, words = second.communicate()
        first.terminate()
        first.communicate()

    assert second.returncode > 0
    assert "in use by another Flux" in words
    assert "Flux listens" not in words


def test_a_folder_that_cannot_be_used_is_an_error_not_a_traceback(folder: Path, around) -> None:
    """Here a file has the name of the watched folder; a folder that may not be written ends alike."""
    (folder / "workflows").write_text("", "utf-8")

    with flux_process("dev", cwd=folder) as dev:
        _, words = dev.communicate()

    assert dev.returncode == 78
    assert f"error: this folder cannot be used: {folder}/workflows" in words
    assert "Traceback" not in words


def test_a_daemon_that_was_killed_is_told(folder: Path, around) -> None:
    """128 and the number of the signal, as shells have it."""
    with flux_process("dev", cwd=folder) as dev:
        told(dev, "curl")
        with SyncClient(f"unix:{folder}/.flux/flux.sock") as client:
            pid = client.info()["pid"]
        subprocess.run(["kill", "-9", str(pid)], check=True)
        _, words = dev.communicate()

    assert dev.returncode == 128 + signal.SIGKILL
    assert "the daemon was ended by SIGKILL" in words
