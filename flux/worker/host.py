"""The host: all executions of one worker. Frames go in by `receive`, frames come out by `send`.

It knows nothing of sockets: the worker process and the in-process engine use the same. The embedding
calls `receive` on the thread of a running loop, and sends what `send` is given; frames of one turn of
the loop should leave in one write. `Source` frames are the embedding's business, which answers `load`.

Sessions that have something to tell are asked once, at the end of the turn. A long history is replayed
in slices, so that the other executions of the worker live on meanwhile.
"""

import asyncio
from collections.abc import Callable
from operator import attrgetter
from random import Random

from flux.clock import Clock
from flux.errors import ProtocolError
from flux.runtime import TaskSpec
from flux.wire.frames import (
    Ack,
    Drain,
    Forget,
    FromDaemon,
    FromWorker,
    Grant,
    History,
    Input,
    Release,
    Released,
    Renewed,
    Source,
    unpack_events,
)
from flux.worker import ordered
from flux.worker.body_tasks import BodyTask, task_factory
from flux.worker.job import Loaded, Processes
from flux.worker.output import Origin
from flux.worker.place import Reporting
from flux.worker.replay import Replay
from flux.worker.session import Session

Holding = tuple[str, str, int, int]


class Host:
    """The executions of one worker.

    Args:
        send: takes frames for the daemon, on the loop's thread.
        load: the imported source of a digest; what it raises fails the execution.
        place: where bodies of a task run, if not where its declaration says.
        drained: called once after a `Drain`, when everything that ran is recorded.
    """

    real_loop: asyncio.AbstractEventLoop

    def __init__(
        self,
        *,
        send: Callable[[FromWorker], None],
        clock: Clock,
        processes: Processes,
        load: Callable[[str], Loaded],
        place: Callable[[TaskSpec], str] = attrgetter("place"),
        drained: Callable[[], None] | None = None,
        random: Random | None = None,
    ) -> None:
        self.send = send
        self.clock = clock
        self.processes = processes
        self.place = place
        self.turning: Origin | None = None
        self._load = load
        self._drained = drained
        self._is_draining = False
        self._random = random or Random()  # noqa: S311 - it spreads retries, it keeps no secret
        self._sessions: dict[str, Session] = {}
        self._changed: dict[Reporting, None] = {}
        self._has_loop = False
        ordered.install()

    # ------------------------------------------------------------------ frames

    def receive(self, frame: FromDaemon) -> None:
        """Take a frame from the daemon.

        Raises:
            ProtocolError: it is one that no daemon of ours sends here.
        """
        self._bind()
        if isinstance(frame, Grant):
            self._grant(frame)
        elif isinstance(frame, Drain):
            self._drain()
        elif isinstance(frame, Renewed):
            return
        elif isinstance(frame, Source):
            raise ProtocolError("a source reached the host; whoever embeds it keeps the sources")
        else:
            session = self._sessions.get(frame.execution)
            if session is not None and session.grant.fence == frame.fence:
                session.guarded(self._for_session, session, frame)

    def _for_session(self, session: Session, frame: History | Ack | Input | Release | Forget) -> None:
        if isinstance(frame, Ack):
            if session.acknowledged(frame):
                self._drop(session)
            elif self._is_draining:
                self._check_drained()
        elif isinstance(frame, Input):
            session.input(frame)
        elif isinstance(frame, History):
            self._history(session, frame)
        elif isinstance(frame, Forget):
            self._drop(session)
        elif session.release():
            self._drop(session)
            self.send(Released(frame.execution, frame.fence))

    def _grant(self, grant: Grant) -> None:
        older = self._sessions.get(grant.execution)
        if older is not None:
            self._drop(older)
        session = Session(self, grant)
        session.is_draining = self._is_draining
        self._sessions[grant.execution] = session

    def _history(self, session: Session, frame: History) -> None:
        session.journal.read(unpack_events(frame.events))
        if frame.last:
            Replay(session, self._load).begin()

    def _drop(self, session: Session) -> None:
        self._sessions.pop(session.execution, None)
        self._changed.pop(session, None)
        if not session.is_closed:
            session.close()
        if self._is_draining:
            self._check_drained()

    # ------------------------------------------------------------------ draining

    def _drain(self) -> None:
        self._is_draining = True
        for session in self._sessions.values():
            session.is_draining = True
        self._check_drained()

    def _check_drained(self) -> None:
        if self._drained is not None and all(session.is_drained for session in self._sessions.values()):
            drained, self._drained = self._drained, None
            drained()

    # ------------------------------------------------------------------ what sessions ask

    def changed(self, session: Reporting) -> None:
        """Have `session.flush` called at the end of this turn of the real loop."""
        if not self._changed:
            self.real_loop.call_soon(self._flush)
        self._changed[session] = None

    def _flush(self) -> None:
        changed, self._changed = self._changed, {}
        for session in changed:
            session.guarded(session.flush)
        if self._is_draining:
            self._check_drained()

    def jitter(self) -> float:
        """A random number in [0, 1)."""
        return self._random.random()

    def _bind(self) -> None:
        if not self._has_loop:
            self._has_loop = True
            self.real_loop = asyncio.get_running_loop()
            self.real_loop.set_task_factory(task_factory)  # type: ignore[arg-type]  # typeshed: any future

    # ------------------------------------------------------------------ what the embedding asks

    def session(self, execution: str) -> Session | None:
        """The session of an execution that is loaded here."""
        return self._sessions.get(execution)

    def sole(self) -> Origin | None:
        """The origin of the only execution here, if there is one only."""
        if len(self._sessions) != 1:
            return None
        return next(iter(self._sessions.values())).origin

    def holding(self) -> Holding | None:
        """Who holds the loop now: execution, call ("" for the workflow's own code), attempt, since (0: not known).

        May be called from another thread.
        """
        if not self._has_loop:
            return None
        origin = self.turning
        if origin is None:
            task = asyncio.current_task(self.real_loop)
            origin = task.origin if isinstance(task, BodyTask) else None
        return None if origin is None else (origin.execution, origin.call or "", origin.attempt, 0)
