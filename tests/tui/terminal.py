"""A terminal for tests: a real pty, and what a person would see on it.

The emulation knows what Textual writes: absolute cursor movement and text; colours are skipped.
"""

import os
import pty
import re
import selectors
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from fcntl import ioctl
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.cells import cell_len

from flux.clock import SYSTEM

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 20_000  # ms; the machine may be busy with other tests
_CODE = re.compile(
    r"\x1b\[(?P<move>\d+;\d+)H|\x1b\[[0-9;?>=<$]*[a-zA-Z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1bP[^\x1b]*\x1b\\|\x1b[=>78]"
)


class Terminal:
    """A process on a pty of `size` (columns, rows)."""

    def __init__(self, command: Sequence[str], size: tuple[int, int] = (120, 36), **environment: str) -> None:
        self.columns, self.rows = size
        self._ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self._theirs = theirs
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=ROOT,
            env=_environment(environment),
            start_new_session=True,
        )
        self.output = ""
        self._cells = [[" "] * self.columns for _ in range(self.rows)]
        self._rest = ""
        self._at = (0, 0)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._ours, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._close()

    @property
    def screen(self) -> str:
        """What is to be seen."""
        return "\n".join("".join(row).rstrip() for row in self._cells)

    def hang_up(self) -> int:
        """The exit code, after the terminal has gone away."""
        self._close()
        return self.process.wait(PATIENCE / 1000)

    def _close(self) -> None:
        self._selector.close()
        for end in (self._ours, self._theirs):
            if end >= 0:
                os.close(end)
        self._ours = self._theirs = -1

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._ours, keys.encode())

    def until(self, seen: Callable[[str], object], what: str) -> None:
        """Read until the screen is as wanted; fails with the screen after PATIENCE."""
        end = SYSTEM.monotonic() + PATIENCE
        while not seen(self.screen):
            if SYSTEM.monotonic() > end:
                raise AssertionError(f"never saw {what}:\n{self.screen}")
            self.read(100)

    def read(self, milliseconds: int) -> str:
        """What came, after waiting for something at most so long."""
        if not self._selector.select(milliseconds / 1000):
            return ""
        try:
            came = os.read(self._ours, 65_536).decode("utf-8", "replace")
        except OSError:  # the last process on the other side has closed it
            return ""
        self.output += came
        self._take(came)
        return came

    def wait(self) -> int:
        """The exit code, after reading everything that is still to come."""
        end = SYSTEM.monotonic() + PATIENCE
        while self.process.poll() is None:
            self.read(50)
            if SYSTEM.monotonic() > end:
                raise AssertionError(f"it does not end:\n{self.screen}")
        while self.read(50):
            pass
        return self.process.wait()

    def attributes(self) -> Sequence[object]:
        """The terminal's modes as they are now."""
        return termios.tcgetattr(self._theirs)

    def _take(self, came: str) -> None:
        text = self._rest + came
        at = 0
        for code in _CODE.finditer(text):
            self._write(text[at : code.start()])
            if code["move"]:
                row, column = map(int, code["move"].split(";"))
                self._at = (row - 1, column - 1)
            at = code.end()
        unfinished = text.find("\x1b", at)
        self._write(text[at : unfinished if unfinished >= 0 else len(text)])
        self._rest = text[unfinished:] if unfinished >= 0 else ""

    def _write(self, text: str) -> None:
        row, column = self._at
        for character in text:
            if character == "\n":
                row += 1
            elif character == "\r":
                column = 0
            elif character.isprintable():
                if row < self.rows and column < self.columns:
                    self._cells[row][column] = character
                column += cell_len(character)
        self._at = (row, column)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """The surroundings of the process: ours, without what changes how things look."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM")}
    return {**kept, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "COLUMNS": "", "LINES": "", **more}
