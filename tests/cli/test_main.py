"""The program as the shell sees it: names, help, unknown words, exit codes, and how fast it starts."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from flux.cli.lazy import Entry, load
from flux.cli.main import COMMANDS, program, run, spelled_out


def flux(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The program, run to its end with no terminal."""
    command = [sys.executable, "-m", "flux.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def test_help_lists_every_command() -> None:
    """`flux --help` is the table, each command with its line."""
    shown = flux("--help")

    assert shown.returncode == 0
    assert all(entry.help.split()[0] in shown.stdout and f"  {entry.name} " in shown.stdout for entry in COMMANDS)


def test_help_imports_nothing_heavy() -> None:
    """Only click is imported before a command is known; what a command needs is its own affair."""
    heavy = ("aiohttp", "apsw", "pydantic", "textual", "msgspec", "cryptography", "jsonschema", "sqlite3")
    probe = f"import sys, flux.cli.main; print([name for name in {heavy!r} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_a_word_nearly_right_is_answered_with_the_right_one() -> None:
    """A typing mistake costs one look, not a search in the manual."""
    done = flux("lsit")

    assert done.returncode == 2
    assert "Did you mean" in done.stderr
    assert "'list'" in done.stderr
    assert done.stdout == ""


def test_an_unknown_option_is_a_usage_error() -> None:
    """Code 2, with words on stderr only."""
    done = flux("--wat")

    assert (done.returncode, done.stdout) == (2, "")


def test_the_version_goes_to_stdout() -> None:
    """`flux --version` is data."""
    assert flux("--version").stdout.startswith("flux ")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/usr/local/bin/fluxd", "fluxd"),
        ("fluxd-1.2", "fluxd"),
        ("/x/flux", "flux"),
        ("/x/flux/cli/__main__.py", "flux"),
    ],
)
def test_the_name_of_the_program_decides_who_it_is(path: str, name: str) -> None:
    """A bundle may be called anything; what begins with `fluxd` serves."""
    assert program(path) == name


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("fluxd", [], ["serve"]),
        ("fluxd", ["--config", "x"], ["serve", "--config", "x"]),
        ("fluxd", ["--check-config"], ["serve", "--check-config"]),
        ("fluxd", ["--help"], ["--help"]),
        ("fluxd", ["--version"], ["--version"]),
        ("fluxd", ["list", "-o", "id"], ["list", "-o", "id"]),
        ("flux", [], []),
        ("flux", ["--config", "x"], ["--config", "x"]),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else part,
)
def test_the_service_may_leave_out_its_command(name: str, given: list[str], meant: list[str]) -> None:
    """`fluxd` is `fluxd serve`, and in everything else the two names are one program."""
    assert spelled_out(name, given) == meant


def test_a_failing_command_says_what_and_ends_with_its_code(capsys) -> None:
    """Errors become words on stderr and a number, without a traceback."""
    assert run("flux", ["help", "no-such-topic-of-ours"]) == 2
    assert "no-such-topic-of-ours" in capsys.readouterr().err


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_the_table_names_what_exists(entry: Entry) -> None:
    """Every line of the table leads to a command of that name."""
    if find_spec(entry.target.partition(":")[0]) is None:
        pytest.skip("not written yet")

    assert load(entry).name == entry.name


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        pytest.param(
            "> /dev/full",
            1,
            "error: the output cannot be written: No space left on device\n",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here"),
            id="full",
        ),
        pytest.param(">&-", 0, "", id="closed"),
    ],
)
def test_an_output_that_takes_nothing_is_no_traceback(target: str, code: int, words: str) -> None:
    """A full disk is named; a stream that was closed for us is meant so."""
    command = ["bash", "-c", f'"$0" -m flux.cli help {target}', sys.executable]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (code, words)
