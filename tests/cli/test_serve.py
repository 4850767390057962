"""`flux serve`: settings and their order, and a daemon that ends with whoever started it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flux.cli.exits import ExitCode
from flux.cli.main import run
from tests.cli.conftest import ROOT


@pytest.fixture
def settings(around, tmp_path, capsys):
    """Runs `fluxd --check-config …` with an empty home; the code, the settings by key, the words."""
    around.setenv("HOME", str(tmp_path))
    around.delenv("XDG_CONFIG_HOME", raising=False)

    def check(*arguments: str) -> tuple[int, dict[str, list[str]], str]:
        code = run("fluxd", ["--check-config", *arguments])
        shown = capsys.readouterr()
        rows = [line.split("\t") for line in shown.out.splitlines()[1:]]
        return code, {key: rest for key, *rest in rows}, shown.err

    return check


def test_every_setting_is_shown_with_its_origin(settings, around, tmp_path: Path) -> None:
    """A flag wins over a variable, a variable over a file."""
    file = tmp_path / "flux.toml"
    file.write_text("[executor]\nworkers = 3\nslots = 7\nprocesses = 2\n")
    around.setenv("FLUX_EXECUTOR__SLOTS", "8")
    around.setenv("FLUX_SERVER__TCP", "127.0.0.1:1")

    code, shown, _ = settings("--config", str(file), "--tcp", "127.0.0.1:2")

    assert code == ExitCode.OK
    assert shown["executor.workers"] == ["3", f"{file}:2"]
    assert shown["executor.slots"] == ["8", "FLUX_EXECUTOR__SLOTS"]
    assert shown["server.tcp"] == ["127.0.0.1:2", "flag"]


def test_paths_are_taken_from_where_the_command_is_given(settings, tmp_path: Path, monkeypatch) -> None:
    """A relative path means the same to the daemon as to the shell."""
    monkeypatch.chdir(tmp_path)

    _, shown, _ = settings("--state", "s", "--workflows", "w", "--socket", "s/x.sock")

    assert [shown[f"paths.{name}"][0] for name in ("state", "workflows", "socket")] == [
        str(tmp_path / name) for name in ("s", "w", "s/x.sock")
    ]


def test_a_wrong_file_is_named_with_its_line(settings, tmp_path: Path) -> None:
    """Code 78: the unit does not restart on it."""
    file = tmp_path / "flux.toml"
    file.write_text("[executor]\nworkers = 3\nslotz = 7\n")

    code, _, words = settings("--config", str(file))

    assert code == ExitCode.CONFIGURATION
    assert f"{file}:3" in words


def test_an_unknown_variable_is_a_warning(settings, around) -> None:
    """A typing mistake in a unit is seen, and stops nothing."""
    around.setenv("FLUX_EXECUTOR__WOKERS", "3")

    code, _, words = settings()

    assert code == ExitCode.OK
    assert "FLUX_EXECUTOR__WOKERS means nothing" in words


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells of a parent's death on Linux only")
def test_a_daemon_whose_parent_is_gone_does_not_begin() -> None:
    """It would be left behind: nobody is there to end it."""
    command = [sys.executable, "-P", "-m", "flux.cli", "serve", "--parent", "1", "--state", "/nonexistent/flux"]

    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, "")
