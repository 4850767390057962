"""`flux demo`: what it promises, and that nothing of it stays."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flux.cli.exits import ExitCode
from flux.clock import perf
from tests.cli.conftest import ROOT


def begun(temporary: Path, **environment: str) -> "subprocess.Popen[str]":
    """The demo, with a folder of its own for temporary files."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "flux.cli", "demo"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that name the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="fx-"))
    yield folder
    shutil.rmtree(folder)


def test_an_execution_survives(temporary: Path) -> None:
    """Killed in the middle, finished after the restart, each step counted once; within 20 seconds, and clean."""
    started = perf()
    with begun(temporary) as demo:
        out, words = demo.communicate()

    assert (demo.returncode, out.count("\n")) == (ExitCode.OK, 1), words
    assert out.startswith("ok: the execution went on after kill -9")
    assert re.search(r"kill -9 \d+, in the middle of step 5", words)
    assert "10 steps, each completed once in the log" in words
    assert perf() - started < 20
    assert not list(temporary.iterdir())
    assert not processes_of(temporary)


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("[1/5]", signal.SIGTERM),
        ("step  2", signal.SIGINT),
        ("[3/5]", signal.SIGTERM),
        ("[4/5]", signal.SIGINT),
    ],
    ids=["starting", "running", "killing", "starting again"],
)
def test_an_interrupted_demo_leaves_nothing(temporary: Path, moment: str, number: signal.Signals) -> None:
    """Whenever Ctrl-C comes: code 130, no process, no folder."""
    with begun(temporary) as demo:
        assert demo.stderr is not None
        words = ""
        for line in iter(demo.stderr.readline, ""):
            words += line
            if moment in line:
                break
        demo.send_signal(number)
        words += demo.communicate()[1]

    assert demo.returncode == ExitCode.INTERRUPTED, words
    assert not list(temporary.iterdir())
    assert not processes_of(temporary)


def test_a_failed_demo_says_what_it_saw_and_where_it_left_it(temporary: Path) -> None:
    """Here the daemon cannot start. The folder stays, so that one can look."""
    with begun(temporary, FLUX_EXECUTOR__WORKERS="none") as demo:
        out, words = demo.communicate()

    (left,) = temporary.iterdir()
    assert (demo.returncode, out) == (ExitCode.FAILED, "")
    assert "the demo failed: the daemon ended before it answered" in words
    assert "executor.workers" in words
    assert str(left) in words
    assert not processes_of(temporary)
