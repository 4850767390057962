"""What the terminal UI needs of a client, and nothing else of the daemon.

`FluxClient` has it; so does anything else that answers in the shapes of `flux.wire.shapes`. Every
method raises a FluxError when it cannot do what it was asked for.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Protocol

from flux.client.follow import Update

from .records import Json


class Client(Protocol):
    """The daemon, as the terminal UI sees it."""

    @property
    def url(self) -> str:
        """Where the daemon is."""
        ...

    async def executions(
        self,
        *,
        states: Iterable[str] = (),
        workflow: str | None = None,
        namespace: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Json:
        """One page of executions, newest first."""
        ...

    async def execution(self, execution: str) -> Json:
        """One execution with its input, output and error."""
        ...

    def history(self, execution: str, *, after: int = 0) -> AsyncIterator[Json]:
        """The events of an execution that are in the log now, oldest first, from the position `after` on."""
        ...

    def events(
        self, execution: str | None = None, *, after: int | None = None, reconnect: bool = True
    ) -> AsyncIterator[Update]:
        """Events of all executions as they happen, from the position `after` on; from now on if there is none."""
        ...

    async def resume(self, execution: str, input: object = None, *, pause: str | None = None) -> Json:
        """Answer the oldest open pause, or the one named."""
        ...

    async def cancel(self, execution: str) -> Json:
        """Ask an execution to stop; WrongState if it has ended already."""
        ...

    async def stats(self) -> Json:
        """How many executions are in which state."""
        ...
