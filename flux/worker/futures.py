"""What a program awaits: the outcome of a call, the end of a wait.

Both live on a private loop or, for what a body asks, on the real one. They hash by their number.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

_ANYIO: Final = ("Cancelled by cancel scope", "Cancelled via cancel scope")


class Cancellable(Protocol):
    """A call, as its future sees it."""

    def cancel(self) -> bool:
        """Ask it to end. Whether it is over at once, since nothing of it ever began."""
        ...


class CallFuture(asyncio.Future[object]):
    """The outcome of a call. Cancelling it asks the call to end, and waits for what comes of it."""

    def __init__(self, call: Cancellable, number: int, loop: asyncio.AbstractEventLoop) -> None:
        self.call = call
        self.number = number
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self.number

    def cancel(self, msg: object = None) -> bool:
        """Ask the call to end. Within an anyio cancel scope the await ends at once, or anyio would ask for ever."""
        if self.done():
            return False
        if self.call.cancel() or (isinstance(msg, str) and msg.startswith(_ANYIO)):
            return super().cancel(msg)
        return True

    def end_cancelled(self) -> None:
        """The call has ended as it was asked to."""
        super().cancel()


class WaitFuture(asyncio.Future[object]):
    """What somebody awaits until the daemon ends the wait. Cancelling it closes the wait."""

    def __init__(self, id: str, number: int, loop: asyncio.AbstractEventLoop, close: Callable[[str], None]) -> None:
        self.id = id
        self.number = number
        self._close = close
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self.number

    def cancel(self, msg: object = None) -> bool:
        """Give the wait up."""
        is_cancelled = super().cancel(msg)
        if is_cancelled:
            self._close(self.id)
        return is_cancelled

    @property
    def is_open(self) -> bool:
        """Whether it still waits."""
        return not self.done()
