"""`flux.py` on machines of every kind: fresh, interrupted, crowded, incomplete.

It runs from a small checkout of its own, whose build backend is a file beside it, so that nothing is
fetched from anywhere: what is tested is the launcher, with a real venv and a real pip.
"""

import ast
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

LAUNCHER = Path(__file__).parent.parent / "flux.py"
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "fluxd"
version = "1"
dependencies = [{dependencies}]
[project.optional-dependencies]
dev = []
"""
# An editable wheel by hand: a .pth file to the checkout. With a FIFO `hold` beside it, it waits for its writer to go.
BACKEND = """
import os, zipfile
def get_requires_for_build_editable(settings=None):
    return []
def build_editable(folder, settings=None, metadata=None):
    if os.path.exists("hold"):
        with open("hold") as hold:
            hold.read()
    name = "fluxd-1-py3-none-any.whl"
    extra = "Provides-Extra: dev\\n" + os.environ.get("REQUIRES", "")
    files = {
        "fluxd.pth": os.getcwd(),
        "fluxd-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: fluxd\\nVersion: 1\\n" + extra,
        "fluxd-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "fluxd-1.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return name
"""
COMMAND = "import os, sys; print('ran', sys.argv[1:], os.getcwd())\n"


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A small checkout, and how to start its launcher."""

    root: Path

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """The launcher, running, with nothing of our environment but what finds programs."""
        return subprocess.Popen(
            [sys.executable, str(self.root / "flux.py"), *arguments],
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PIP_NO_INDEX": "1", **environment},
            cwd=self.root.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of the launcher."""
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate()
        return process.returncode, out, err

    def replace(self, name: str, old: str, new: str) -> None:
        """Edit one of the files."""
        path = self.root / name
        path.write_text(path.read_text().replace(old, new))


def a_checkout(root: Path) -> Checkout:
    """A checkout in `root` that nobody has started yet."""
    (root / "flux" / "cli").mkdir(parents=True)
    shutil.copy(LAUNCHER, root / "flux.py")
    (root / "pyproject.toml").write_text(PROJECT.format(dependencies=""))
    (root / "backend.py").write_text(BACKEND)
    (root / "flux" / "__init__.py").touch()
    (root / "flux" / "cli" / "__init__.py").touch()
    (root / "flux" / "cli" / "__main__.py").write_text(COMMAND)
    return Checkout(root=root)


@pytest.fixture
def fresh(tmp_path: Path) -> Checkout:
    """A checkout without an environment."""
    return a_checkout(tmp_path / "a checkout")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose environment was made by a first start. Tests leave it finished."""
    checkout = a_checkout(tmp_path_factory.mktemp("launcher") / "checkout")
    code, out, err = checkout.run("first", "--start")
    assert (code, out) == (0, f"ran ['first', '--start'] {checkout.root.parent}\n"), err
    assert "the first time" in err
    assert "ready in" in err
    return checkout


def test_a_second_start_makes_nothing(finished: Checkout) -> None:
    """An environment that fits is used as it is, in silence, with the folder and the arguments as they were."""
    assert finished.run("again", "a b") == (0, f"ran ['again', 'a b'] {finished.root.parent}\n", "")


def test_a_changed_project_is_installed_again(finished: Checkout) -> None:
    """The stamp holds a digest of what pyproject.toml asks for; the environment itself is kept."""
    before = (finished.root / ".venv" / "pyvenv.cfg").stat().st_ino
    finished.replace("pyproject.toml", 'version = "1"', 'version = "1"\ndescription = "changed"')

    code, _, err = finished.run("x")

    assert code == 0
    assert "pyproject.toml has changed" in err
    assert (finished.root / ".venv" / "pyvenv.cfg").stat().st_ino == before
    assert finished.run("x")[2] == ""


def test_tools_come_with_the_first_command_that_needs_them(finished: Checkout) -> None:
    """`test` needs the extra `dev`; once there, it stays, for all commands."""
    assert "for tests" in finished.run("test")[2]
    assert finished.run("test")[2] == ""
    assert finished.run("run")[2] == ""


def test_an_interrupted_setup_is_done_again(fresh: Checkout) -> None:
    """Killed in the middle, it is begun anew by the next start, after what was left running has ended."""
    hold = fresh.root / "hold"
    os.mkfifo(hold)
    with fresh.start("one") as first:
        with hold.open("w"):  # returns when pip has come to building
            first.kill()
            first.communicate()
            second = fresh.start("two")
            assert second.stderr is not None
            assert "waiting" in second.stderr.readline()
            hold.unlink()
        out, err = second.communicate()

    assert (second.returncode, out) == (0, f"ran ['two'] {fresh.root.parent}\n")
    assert "an earlier set-up was not finished" in err


def test_two_at_once_take_turns(fresh: Checkout) -> None:
    """Only one of two first starts makes the environment; both run."""
    pair = [fresh.start(name) for name in ("one", "two")]
    said = [process.communicate() for process in pair]

    assert [process.returncode for process in pair] == [0, 0]
    assert sorted("ready in" in err for _, err in said) == [False, True]
    assert sorted("waiting" in err for _, err in said) == [False, True]


def test_an_environment_of_somebody_else_is_left_alone(fresh: Checkout) -> None:
    """A `.venv` that flux.py did not make is not deleted."""
    theirs = fresh.root / ".venv" / "theirs"
    theirs.parent.mkdir()
    theirs.touch()

    code, _, err = fresh.run("demo")

    assert code == 1
    assert "not made by flux.py" in err
    assert theirs.exists()


def test_a_python_without_venv_names_the_package(fresh: Checkout, tmp_path: Path) -> None:
    """Debian ships `ensurepip` apart: the message says which package, and how to install it."""
    (tmp_path / "ensurepip.py").write_text("raise ImportError('not here', name='ensurepip')\n")

    code, _, err = fresh.run("demo", PYTHONPATH=str(tmp_path))

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert code == 1
    assert f"apt-get install python{version}-venv" in err
    assert "python3 flux.py demo" in err
    assert not (fresh.root / ".venv").exists()


def test_a_failing_pip_shows_its_last_lines(fresh: Checkout) -> None:
    """What pip said stands there, with what to do; the next start tries again."""
    code, _, err = fresh.run("demo", REQUIRES="Requires-Dist: no-such-package-of-ours\n")

    assert code == 1
    assert "No matching distribution found for no-such-package-of-ours" in err
    assert "PIP_INDEX_URL" in err
    assert fresh.run("demo")[0] == 0


def test_an_old_python_is_told_so() -> None:
    """Its syntax is one that Python 3.6 reads, so that it can say which Python is needed."""
    text = LAUNCHER.read_text()
    ast.parse(text, feature_version=(3, 6))
    pretend = f"import sys; sys.version_info = (3, 8, 1, 'final', 0); exec(open({str(LAUNCHER)!r}).read())"

    done = subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
