"""Being told to end, at moments when ending is possible.

Inside the block, SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt, so that whoever made something can take it away
again. What must not be cut in two (making a process and remembering it, taking things away) is done `held`:
the signal then counts when that is over. Main thread only.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, Self

_NUMBERS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """The signals that should end us, as long as the block lasts."""

    def __init__(self) -> None:
        self._is_held = False
        self._is_pending = False
        self._before = [signal.getsignal(number) for number in _NUMBERS]

    def __enter__(self) -> Self:
        for number in _NUMBERS:
            signal.signal(number, self._arrive)
        return self

    def __exit__(self, *_what: object) -> None:
        for number, handler in zip(_NUMBERS, self._before, strict=True):
            signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nothing interrupt what is inside.

        Raises:
            KeyboardInterrupt: at the end, if a signal came meanwhile.
        """
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        if self._is_pending:
            raise KeyboardInterrupt

    def _arrive(self, _number: int, _frame: FrameType | None) -> None:
        if not self._is_held:
            raise KeyboardInterrupt
        self._is_pending = True
