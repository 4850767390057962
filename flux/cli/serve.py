"""`flux serve`, which is what `fluxd` does without a command: the daemon, in this process.

Flags win over variables, variables over files. `--check-config` shows every setting with its origin and
starts nothing.
"""

import ctypes
import gc
import os
import signal
import sys
from pathlib import Path
from typing import Final

import click

from flux import config
from flux.cli import render
from flux.cli.exits import ExitCode
from flux.cli.render import Column
from flux.cli.version import flux_version

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_YOUNG: Final = 10_000  # new objects until a collection; little of what a request makes needs one
_FLAGS: Final = {"state": "paths.state", "workflows": "paths.workflows", "socket": "paths.socket", "tcp": "server.tcp"}
_COLUMNS: Final = (Column(key="key"), Column(key="value"), Column(key="origin"))

_FOLDER: Final = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option("--config", "file", type=click.Path(dir_okay=False, path_type=Path), help="A file of settings (TOML).")
@click.option("--check-config", is_flag=True, help="Show every setting and where it came from, then end.")
@click.option("--state", type=_FOLDER, help="Folder of the database, the master key and the lock.")
@click.option("--workflows", type=_FOLDER, help="The watched folder.")
@click.option("--socket", type=click.Path(dir_okay=False, path_type=Path), help="The Unix socket of the API.")
@click.option("--tcp", metavar="HOST:PORT", help="Listen there as well; an empty text: nowhere.")
@click.option("--parent", type=int, hidden=True, help="End when the process with this id ends, which started us.")
def serve(file: Path | None, check_config: bool, parent: int | None, **given: Path | str | None) -> int:
    """Run the daemon (what `fluxd` does without a command)."""
    settings = config.load(flags=_flags(given), file=file)
    if check_config:
        return _show(settings)
    if parent is not None:
        _end_with(parent)
    gc.disable()  # what imports make stays; to look at it a dozen times takes a fifth of the start
    from flux.daemon import run

    gc.freeze()
    gc.set_threshold(_YOUNG, 10, 10)
    gc.enable()
    return run(settings, flux_version())


def _flags(given: dict[str, Path | str | None]) -> dict[str, object]:
    """The settings that were given, by key. Paths are taken from the folder that the command was given in."""
    return {
        _FLAGS[name]: str(value.absolute()) if isinstance(value, Path) else value
        for name, value in given.items()
        if value is not None
    }


def _show(settings: config.Config) -> ExitCode:
    for warning in settings.warnings:
        render.say(f"warning: {warning}")
    table = config.as_table(settings)
    render.rows(({"key": key, "value": value, "origin": origin} for key, value, origin in table), _COLUMNS)
    return ExitCode.OK


def _end_with(parent: int) -> None:
    """Make the kernel send SIGTERM when the parent ends, however it ends. Elsewhere than on Linux: nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before we asked
        raise SystemExit(ExitCode.INTERRUPTED)
