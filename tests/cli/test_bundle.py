"""The single file: built, copied away, and run with nothing but Python around it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import flux_process

pytestmark = [pytest.mark.bundle, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, made by the command in an empty folder."""
    folder = tmp_path_factory.mktemp("built")
    with flux_process("bundle", "-o", "fluxd", cwd=folder) as bundle:
        _, words = bundle.communicate()
    assert bundle.returncode == 0, words
    return folder / "fluxd"


@pytest.fixture(scope="module")
def alone(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in an empty folder, unpacked by its first start."""
    copy = tmp_path_factory.mktemp("alone") / "fluxd"
    shutil.copy(built, copy)
    return copy


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The file, started with no environment but the Python that built it and an empty HOME beside it."""
    home = program.parent / "home"
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [program, *arguments],
        cwd=program.parent,
        env={"PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]), "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_runs_alone(alone: Path) -> None:
    """`fluxd --help` and `--version` work from an empty folder with an empty environment."""
    assert "Usage: fluxd" in run(alone, "--help").stdout
    assert "0+checkout" not in run(alone, "--version").stdout


def test_under_another_name_it_is_flux(alone: Path) -> None:
    """One file serves both names."""
    other = alone.with_name("flux")
    other.symlink_to(alone)

    assert "Usage: flux [" in run(other, "--help").stdout


def test_the_demo_runs_inside_it(alone: Path) -> None:
    """Daemon, workers, kill -9 and recovery, all out of the one file."""
    done = run(alone, "demo")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ok: the execution went on after kill -9 of its daemon")


def test_it_carries_the_manual_and_the_unit(alone: Path) -> None:
    """Data files come along, since they are read through the package."""
    assert "Install Flux" in run(alone, "help", "install").stdout

    (unpacked,) = (alone.parent / "home" / ".cache" / "flux").glob("fluxd_*/site-packages/flux")
    assert (unpacked / "data" / "fluxd.service").is_file()
    assert not (unpacked.parent / "tui").exists()


def test_a_plain_python_finds_flux_by_the_folder_of_the_package(alone: Path) -> None:
    """What a process of the bundle starts with `sys.executable` needs one entry of `sys.path`, and no more."""
    run(alone, "--version")
    (packages,) = (alone.parent / "home" / ".cache" / "flux").glob("fluxd_*/site-packages")
    probe = "import sys; sys.path.insert(0, sys.argv[1]); import click, flux.cli.main; print(flux.cli.__file__)"

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", probe, packages], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == str(packages / "flux" / "cli" / "__init__.py")


def test_another_python_is_told_which_it_needs(alone: Path, tmp_path: Path) -> None:
    """Compiled packages fit one minor version; started by another, the file looks for its own and says its name."""
    others = [shutil.which(f"python3.{minor}") for minor in range(11, 16) if minor != sys.version_info.minor]
    other = next((path for path in others if path and _works(path)), None)
    if other is None:
        pytest.skip("no other Python here")

    done = subprocess.run(
        [other, alone, "--version"],
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert f"built for python3.{sys.version_info.minor}" in done.stderr


def _works(python: str) -> bool:
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
