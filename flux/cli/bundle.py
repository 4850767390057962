"""`flux bundle`: one executable file with Flux and everything it needs, for machines with only Python.

The file is a zip that unpacks itself once, into `~/.cache/flux` (or SHIV_ROOT), and is then as fast as an
installation. It carries compiled packages, so it needs the minor version of Python that built it; started
by another one it looks for the right one and hands over. What is installed here goes into it: build it
with all extras installed and it has them.

A process that the bundle starts with `sys.executable` is a plain Python that knows nothing of the bundle.
What makes it find Flux and all that Flux needs is one folder on its import path, the one that holds the
package `flux`: by PYTHONPATH, or as the first entry of `sys.path`. In an installation the same folder is
there already, so no case needs to be told apart.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from flux.cli import places, render
from flux.cli.exits import ExitCode
from flux.cli.requirements import closure
from flux.clock import perf

_TOOLS: Final = ("shiv", "hatchling")
_LEFT_OUT: Final = ("pip", "setuptools")  # sqlite-utils asks for pip, to install plugins that a bundle cannot hold
_CACHE: Final = "~/.cache/flux"
_PYTHON: Final = f"python{sys.version_info.major}.{sys.version_info.minor}"

# Run by the unpacked file before anything of ours, under whatever Python started it; `archive` is the file.
_PREAMBLE: Final = f"""
import os, shutil, sys
if "python%d.%d" % sys.version_info[:2] != "{_PYTHON}":
    right = shutil.which("{_PYTHON}")
    if right is None:
        sys.exit("This file was built for {_PYTHON}, which is not on the PATH here.")
    os.execv(right, [right, archive] + sys.argv[1:])
"""


@click.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default="fluxd", show_default=True)
def bundle(output: Path) -> ExitCode:
    """Build one executable file with everything in it. Named `fluxd…` it serves, else it is `flux`."""
    missing = [tool for tool in _TOOLS if find_spec(tool) is None]
    if missing:
        raise click.UsageError(f"not installed here: {', '.join(missing)}. `python3 flux.py bundle` installs them.")
    started = perf()
    with tempfile.TemporaryDirectory(prefix="flux-bundle-") as scratch:
        packages = Path(scratch, "site-packages")
        packages.mkdir()
        render.say("[1/3] Flux itself")
        ours = _ourselves(Path(scratch), packages)
        others = [package for package in closure(ours) if package.name not in _LEFT_OUT]
        render.say(f"[2/3] {len(others)} packages that it needs")
        for package in others:
            _copy(package, packages)
        render.say("[3/3] packing")
        _pack(packages, Path(scratch), output.absolute())
    size = output.stat().st_size / 1_000_000
    render.say(f"{output}: {size:.1f} MB, for {_PYTHON}, in {perf() - started:.0f} s")
    return ExitCode.OK


def _ourselves(scratch: Path, packages: Path) -> Distribution:
    """Flux as a distribution inside `packages`: built from the checkout, or copied from the installation."""
    root = places.checkout()
    if root is None:
        ours = distribution("fluxd")
        _copy(ours, packages)
        return ours
    _run(["hatchling", "build", "--target", "wheel", "--directory", str(scratch / "wheel")], cwd=root)
    (wheel,) = (scratch / "wheel").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (metadata,) = packages.glob("fluxd-*.dist-info")
    return Distribution.at(metadata)


def _copy(package: Distribution, packages: Path) -> None:
    """The files of an installed package, but for its programs, its caches and what only a site folder obeys."""
    if package.files is None:
        raise PackageNotFoundError(f"{package.name} does not say which files are its own")
    for file in package.files:
        if ".." in file.parts or "__pycache__" in file.parts or file.suffix == ".pth":
            continue
        target = packages / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(str(package.locate_file(file)), target)


def _pack(packages: Path, scratch: Path, output: Path) -> None:
    """The executable, put in its place in one step, so that a running one is never half overwritten."""
    preamble = scratch / "preamble.py"
    preamble.write_text(_PREAMBLE, "utf-8")
    output.parent.mkdir(parents=True, exist_ok=True)
    fresh = output.with_name(f".{output.name}.new")
    where = [
        "--site-packages",
        str(packages),
        "--root",
        _CACHE,
        "--preamble",
        str(preamble),
        "--output-file",
        str(fresh),
    ]
    _run(["shiv", "--entry-point", "flux.cli.main:main", "--compile-pyc", "--reproducible", *where], cwd=scratch)
    fresh.replace(output)


def _run(arguments: Sequence[str], cwd: Path) -> None:
    """A Python tool, run to its end; what it said is shown if it failed."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        render.say(done.stdout.rstrip())
        raise click.ClickException(f"{arguments[0]} ended with {done.returncode}; its words are above")
