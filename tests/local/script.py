"""Scripts as their users write them, run by an interpreter of their own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def environment(home: Path) -> dict[str, str]:
    """The surroundings of a script: nothing of ours but the folder for what it keeps."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLUX_", "PYTEST_", "COV_"))}
    return {**kept, "FLUX_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}


def run(
    path: Path, home: Path, *arguments: str, stdin: str | None = None, more: Mapping[str, str] | None = None
) -> str:
    """What the script prints; it must end well."""
    done = subprocess.run(
        [sys.executable, str(path), *arguments],
        env={**environment(home), **(more or {})},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def start(path: Path, home: Path, *arguments: str) -> "subprocess.Popen[str]":
    """The script, running."""
    return subprocess.Popen(
        [sys.executable, str(path), *arguments], env=environment(home), stdout=subprocess.PIPE, text=True
    )
