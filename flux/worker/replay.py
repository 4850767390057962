"""Replay: everything that the log has, delivered to a session in the order in which it was delivered first.

In slices of `SLICE` facts, one in each turn of the real loop. What fails here fails the execution: a
source that cannot be loaded, an input that cannot be read, code that does not fit the log.

What the workflow prints is muted where it is known to have printed it before.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from flux.worker.job import Loaded
from flux.worker.journal import Step
from flux.worker.session import Session

SLICE: Final = 500  # facts; some 10 ms


class Replay:
    """The replay of one session."""

    def __init__(self, session: Session, load: Callable[[str], Loaded]) -> None:
        self._session = session
        self._load = load
        self._steps: Iterator[Step] = iter(session.journal.steps)

    def begin(self) -> None:
        """Start the workflow's body, and deliver the first slice."""
        session = self._session
        session.worker.turning = session.origin
        try:
            session.start(self._load(session.grant.digest))
        except Exception as error:  # whatever it is, the execution fails with it and its neighbours go on
            session.ending.fail(error)
        finally:
            session.worker.turning = None
        self._slice()

    def _slice(self) -> None:
        session = self._session
        if session.is_closed:
            return
        try:
            is_over = self._deliver()
        except Exception as error:  # as above: it does not fit, or nobody foresaw it
            session.ending.fail(error)
            is_over = True
        if is_over:
            session.go_live()
        else:
            session.worker.real_loop.call_soon(self._slice)

    def _deliver(self) -> bool:
        """Whether everything has been delivered, or the execution has failed on the way."""
        session = self._session
        n = 0
        for step in islice(self._steps, SLICE):
            n += 1
            if session.ending.has_failed:
                return True
            session.replay(step)
        if n == SLICE:
            return False
        if not session.ending.has_failed:
            for event in session.journal.remaining_inputs():
                session.origin.is_muted = event.sequence < session.journal.rested
                session.deliver(event)
            session.journal.check_end()
        return True
