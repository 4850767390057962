"""What `--version` says: Flux, Python, platform. Apart, since reading metadata costs more than `flux list` may."""

import platform
from importlib.metadata import PackageNotFoundError, version

from flux.cli import render

UNINSTALLED = "0+checkout"  # run from a source tree that nobody installed


def flux_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("fluxd")
    except PackageNotFoundError:
        return UNINSTALLED


def show() -> None:
    """One line to stdout."""
    render.data(f"flux {flux_version()} (Python {platform.python_version()}, {platform.system()} {platform.machine()})")
