"""`flux tui`: where it starts, where it refuses, and that nobody else pays for it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tui.terminal import ROOT, Terminal

TUI = ["-m", "flux.cli", "tui"]


def test_in_a_pipe_it_names_what_does_the_same_there() -> None:
    """A program that draws on a pipe would only fill somebody's log."""
    done = subprocess.run([sys.executable, *TUI], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert "`flux list --watch`" in done.stderr


@pytest.mark.parametrize("kind", ["dumb", ""])
def test_on_a_terminal_that_cannot_move_its_cursor_it_says_so(kind: str) -> None:
    """TERM says what the terminal can do."""
    with Terminal(TUI, TERM=kind) as terminal:
        assert terminal.wait() == 2

        assert "flux list --watch" in " ".join(terminal.output.split())
        assert "\x1b[?1049h" not in terminal.output


def test_an_address_that_is_none_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    """With the code for configuration, and the terminal untouched."""
    with Terminal([*TUI, "--url", "ftp://somewhere"]) as terminal:
        assert terminal.wait() == 78

        assert "got 'ftp://somewhere'" in terminal.output
        assert "\x1b[?1049h" not in terminal.output


def test_without_a_daemon_it_starts_and_says_what_to_do(tmp_path: Path) -> None:
    """It is often started first; NO_COLOR is obeyed, and `q` leaves."""
    with Terminal([*TUI, "--url", f"unix:{tmp_path}/none.sock"], NO_COLOR="1") as terminal:
        terminal.until(lambda screen: "flux dev starts a daemon here" in screen and "retry in" in screen, "what to do")
        terminal.press("q")

        assert terminal.wait() == 0
        assert terminal.attributes() == terminal.before
        assert not re.search(r"\x1b\[[0-9;]*\b(?:3[0-8]|4[0-8])\b[0-9;]*m", terminal.output)


def test_nobody_else_pays_for_it() -> None:
    """Textual takes longer to import than `flux list` may take: neither it nor the terminal UI is imported there."""
    probe = (
        "import sys; from flux.cli.main import run; import flux.cli.tui; run('flux', ['list', '--help']);"
        "print([name for name in sys.modules if name.partition('.')[0] in ('textual', 'rich', 'tui', 'aiohttp')])"
    )

    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_it_works_under_its_name_in_the_wheel(tmp_path: Path) -> None:
    """There it is `flux.tui`, and no top-level name `tui` is taken from anybody."""
    (tmp_path / "tui").symlink_to(ROOT / "tui")
    probe = (
        f"import sys, flux; sys.path[:] = [p for p in sys.path if p not in ('', {str(ROOT)!r})];"
        f"flux.__path__.append({str(tmp_path)!r}); from flux.cli import places; import flux.tui.run;"
        "print(places.tui_module(), 'tui' in sys.modules, len(flux.tui.app.FluxApp.CSS) > 1000)"
    )

    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT, check=True)

    assert done.stdout == "flux.tui False True\n"
