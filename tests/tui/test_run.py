"""The terminal UI in a real terminal: it draws, obeys, keeps still, and gives the terminal back."""

import re
import signal

import pytest

from .terminal import Terminal

ON_TERMINAL = ["-m", "tests.tui.on_terminal"]


def is_restored(terminal: Terminal) -> bool:
    """Whether modes, screen and cursor are as they were before."""
    last = terminal.output.rpartition("\x1b[?1049l")[2]
    return terminal.attributes() == terminal.before and "\x1b[?25h" in last and "\x1b[?1003l" in terminal.output


def first_line(screen: str) -> str:
    """The line under the cursor."""
    return next((line for line in screen.split("\n") if line.startswith("▌")), "")


def test_ten_thousand_executions_can_be_walked_through() -> None:
    """The list shows at once, keys move the cursor, the end loads more, Enter opens, q leaves."""
    with Terminal([*ON_TERMINAL, "10000"]) as terminal:
        terminal.until(lambda screen: "200 of 10,000" in screen and first_line(screen), "the list")
        first = first_line(terminal.screen)
        terminal.press("jjj")
        terminal.until(lambda screen: first_line(screen) not in ("", first), "the cursor further down")
        terminal.press("G")
        terminal.until(lambda screen: "400 of 10,000" in screen, "the next page")
        terminal.press("\r")
        terminal.until(lambda screen: "Timeline" in screen and "✓ COMPLETED" in screen, "the execution")
        terminal.press("q")
        terminal.until(lambda screen: "WORKFLOW" in screen, "the list again")
        terminal.press("q")

        assert terminal.wait() == 0
        assert is_restored(terminal)


def test_a_busy_daemon_moves_nothing_under_the_cursor() -> None:
    """Twenty new executions a second: they are counted, the list stands still, keys are obeyed."""
    with Terminal([*ON_TERMINAL, "10000", "busy"]) as terminal:
        terminal.until(lambda screen: re.search(r"▲ \d\d new", screen) and first_line(screen), "new executions")
        terminal.press("jj")
        terminal.until(lambda screen: screen.split("\n").index(first_line(screen)) == 6, "the cursor two lines down")
        here = first_line(terminal.screen)
        terminal.until(lambda screen: re.search(r"▲ [4-9]\d new", screen), "more new executions")
        assert first_line(terminal.screen) == here

        terminal.press("g")
        terminal.until(lambda screen: first_line(screen) != here and "<1m" in first_line(screen), "the newest")
        terminal.press("q")
        assert terminal.wait() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_gives_the_terminal_back(number: signal.Signals, code: int) -> None:
    """Ended from outside it leaves no raw mode, no hidden cursor, no mouse reports; the code names the signal."""
    with Terminal([*ON_TERMINAL, "50"]) as terminal:
        terminal.until(lambda screen: "live" in screen and first_line(screen), "the list")
        terminal.process.send_signal(number)

        assert terminal.wait() == code
        assert is_restored(terminal)


def test_without_colour_no_colour_is_written() -> None:
    """Bold, dim, underline and reverse only, as NO_COLOR asks; everything can still be told apart."""
    with Terminal([*ON_TERMINAL, "50", "plain"]) as terminal:
        terminal.until(lambda screen: "live" in screen and "✓ completed" in screen, "the list")
        terminal.press("q")
        terminal.wait()

    codes = {part for code in re.findall(r"\x1b\[([0-9;]*)m", terminal.output) for part in code.split(";")}
    assert codes <= {"", "0", "1", "2", "3", "4", "7", "39", "49"}
    assert "7" in codes


def test_a_terminal_that_goes_away_ends_it() -> None:
    """A closed window or a lost connection leaves no process behind."""
    with Terminal([*ON_TERMINAL, "50"]) as terminal:
        terminal.until(lambda screen: "live" in screen, "the list")

        assert terminal.hang_up() == 129


def test_nothing_is_written_while_nothing_changes() -> None:
    """An idle screen costs no byte: over a slow link, and on a battery."""
    with Terminal([*ON_TERMINAL, "200"]) as terminal:
        terminal.until(lambda screen: "live" in screen and "ship_order" in screen, "the list and its preview")
        while terminal.read(700):
            pass

        assert terminal.read(2500) == ""
