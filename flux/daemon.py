"""The service: the one place where the rooms of the daemon are put together.

Start: lock, file, master key, the last daemon's survivors ended, workers, sockets, then READY; the
folder is scanned beside that. Stop (TERM or INT): no new grants, waits are answered, streams say bye,
running bodies get their time, everything else is recovered at the next start. A second signal ends now.

Nothing here decides anything about executions.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Final

from flux.clock import SYSTEM
from flux.config import Config
from flux.core.catalog import Version
from flux.engine import principals, survivors, vault
from flux.engine.authenticator import Authenticator
from flux.engine.gate import Gate
from flux.engine.live import Live, Overlay
from flux.engine.master import Sources
from flux.engine.tokens import Tokens
from flux.engine.vault import Unlocked
from flux.errors import StorageError, UnusableDatabase
from flux.executor import pids
from flux.executor.pool import Pool, PoolConfig
from flux.executor.registrar import Registrar
from flux.executor.service import Executor, Limits
from flux.executor.watcher import Watcher
from flux.server.app import make_app
from flux.server.auth import LOOPBACK, Door
from flux.server.listen import Server, serve
from flux.server.services import Services, Upload
from flux.store import processes
from flux.store.database import Database, Transaction
from flux.store.place import Lock
from flux.telemetry import Notifier, start_logging

STATUS_EVERY: Final = 10.0  # seconds
EXIT_STORAGE: Final = 74  # sysexits.h: an input or output error
DATABASE: Final = "flux.db"
_LOG: Final = logging.getLogger("flux.daemon")

try:
    from uvloop import Loop as EventLoop
except ImportError:  # no wheel for this platform; asyncio's own loop does the same
    from asyncio import SelectorEventLoop as EventLoop  # type: ignore[assignment]  # one of them is there


def run(config: Config, version: str) -> int:
    """Serve until a signal ends it; the exit code.

    Raises:
        UnusableDatabase: the file cannot be used, or another daemon uses it.
        InvalidConfiguration: the master key does not fit, or an address cannot be listened on.
    """
    start_logging()
    for warning in config.warnings:
        _LOG.warning("%s", warning)
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        return runner.run(_serve(config, version))


async def _serve(config: Config, version: str) -> int:
    daemon = Daemon(config, version)
    try:
        await daemon.start()
        return await daemon.until_stopped()
    finally:
        await daemon.close()


class Daemon:
    """One daemon and everything that belongs to it. `disk`: SQLite's VFS for the file, if not the usual one."""

    def __init__(self, config: Config, version: str, *, disk: str | None = None) -> None:
        self._config = config
        self._disk = disk
        self._version = version
        self._stopped: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._notifier = Notifier(config.environment.get("NOTIFY_SOCKET"))
        self._closing: list[Callable[[], Awaitable[None]]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._ready = False

    async def start(self) -> None:
        """Everything, in order; when it returns, the API answers."""
        database, unlocked, epoch = self._open()
        gate = Gate(database, Live.of(database.reader, slots=self._config.executor.slots), SYSTEM, epoch, self._fatal)
        tokens = Tokens(unlocked.token_secret, unlocked.vault.key_id)
        await gate.write(_install)
        executor, pool = self._executor(gate, tokens)
        registrar = Registrar(gate, pool.inspect, self._config.paths.workflows)
        await pool.start()
        self._closing.append(pool.stop)
        await executor.start(pool)
        self._closing.append(lambda: executor.drain(self._drain_time()))
        server = await self._listen(gate, unlocked, registrar, executor)
        self._closing.append(lambda: server.close(1.0))
        self._watch_signals()
        self._tasks.append(asyncio.create_task(self._scan(registrar)))
        self._tasks.append(asyncio.create_task(self._tell(gate)))
        self._ready = True
        self._notifier.tell("READY=1", f"MAINPID={os.getpid()}")
        _LOG.info("ready: %s, workflows in %s", self._config.paths.socket, self._config.paths.workflows)

    async def until_stopped(self) -> int:
        """Wait for a signal, or for something that cannot be survived; the exit code."""
        return await self._stopped

    async def close(self) -> None:
        """Undo the start, newest first."""
        self._notifier.tell("STOPPING=1")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for close in reversed(self._closing):
            try:
                await close()
            except Exception:  # the rest must still be closed
                _LOG.exception("something could not be closed")

    # ------------------------------------------------------------------ parts

    def _open(self) -> tuple[Database, Unlocked, int]:
        """The file, locked, unlocked, and rid of the last daemon's processes."""
        state = self._config.paths.state
        path = state / DATABASE
        try:
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise UnusableDatabase(f"the state folder {state} cannot be made: {exc.strerror}") from exc
        lock = Lock.take(path)
        self._closing.append(_later(lock.release))
        database = Database.open(path, vfs=self._disk)
        self._closing.append(_later(database.close))
        left = pids.kill_survivors(survivors.noted(database.reader))
        if left:
            raise UnusableDatabase(f"processes {left} of the last daemon cannot be ended: look what holds them")
        now = SYSTEM.now()
        tx = database.begin(now)
        try:
            epoch = processes.raise_epoch(tx)
            unlocked = vault.unlock(tx, self._key_sources())
            processes.clear(tx)
            database.commit()
        except BaseException:
            database.rollback()
            raise
        if unlocked.warning:
            _LOG.warning("%s", unlocked.warning)
        return database, unlocked, epoch

    def _key_sources(self) -> Sources:
        config = self._config
        credential = config.credentials / "master-key" if config.credentials is not None else None
        return Sources(credential=credential, file=config.master_key_file, state=config.paths.state / "master.key")

    def _executor(self, gate: Gate, tokens: Tokens) -> tuple[Executor, Pool]:
        settings = self._config.executor
        limits = Limits(workers=settings.workers, lease=settings.lease, unload_after=settings.unload_after)
        executor = Executor(gate, tokens, SYSTEM, limits)
        config = PoolConfig(
            environment=self._config.environment,
            processes=settings.processes,
            worker_memory=settings.worker_memory,
            process_memory=settings.process_memory,
            heartbeat=settings.heartbeat,
            output=settings.output,
        )
        return executor, Pool(config, executor.frames, executor.ended, executor.process)

    async def _listen(self, gate: Gate, unlocked: Unlocked, registrar: Registrar, executor: Executor) -> Server:
        config = self._config

        async def register(upload: Upload) -> list[Version]:
            folder = config.paths.state / "uploads"
            return await registrar.upload(folder, upload.name, upload.content, upload.namespace, upload.caller)

        services = Services(
            gate=gate,
            clock=SYSTEM,
            authenticator=Authenticator(
                gate, unlocked.pepper, own_uid=os.getuid(), newcomer_roles=config.access.default_user_roles
            ),
            register=register,
            version=self._version,
            workers=executor.overview,
            unready=lambda: None if self._ready else "the daemon starts",
            door=Door(
                hosts=LOOPBACK | frozenset(config.server.hosts),
                origins=frozenset(config.server.origins),
                daemon=os.getpid(),
            ),
        )
        return await serve(
            make_app(services),
            config.paths.socket,
            config.server.tcp or None,
            behind_proxy=config.server.behind_proxy,
        )

    async def _scan(self, registrar: Registrar) -> None:
        """Look at the watched folder, and follow it from now on."""
        folder = self._config.paths.workflows
        folder.mkdir(parents=True, exist_ok=True)
        registrar.missing()
        watcher = Watcher(folder, changed=registrar.changed, deleted=registrar.deleted)
        await watcher.start()
        self._closing.append(watcher.stop)
        self._closing.append(_later(registrar.stop))

    # ------------------------------------------------------------------ life

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)

    def _on_signal(self) -> None:
        if self._stopped.done():
            _LOG.warning("a second signal: ending now")
            os._exit(1)
        _LOG.info("stopping: running tasks get %s s", self._config.executor.drain_timeout / 1000)
        self._stopped.set_result(0)

    def _on_hangup(self) -> None:
        self._notifier.tell("RELOADING=1", f"MONOTONIC_USEC={SYSTEM.monotonic() * 1000}")
        _LOG.info("settings are read at start: restart to change them; executions go on")
        self._notifier.tell("READY=1")

    def _fatal(self, error: StorageError) -> None:
        _LOG.critical("the database cannot be trusted any more: %s", error)
        if not self._stopped.done():
            self._stopped.set_result(EXIT_STORAGE)

    def _drain_time(self) -> float:
        failed = self._stopped.done() and not self._stopped.cancelled() and self._stopped.result() != 0
        return 0.0 if failed else self._config.executor.drain_timeout / 1000

    async def _tell(self, gate: Gate) -> None:
        """Tell systemd that we live, as long as the loop turns and commits succeed."""
        while True:
            live = gate.live
            running = sum(live.busy.values())
            self._notifier.tell(f"STATUS={running} running, {live.queued} queued, position {live.numbers.position}")
            if gate.is_sound:
                self._notifier.tell("WATCHDOG=1")
            await asyncio.sleep(STATUS_EVERY)


def _install(tx: Transaction, live: Overlay) -> None:
    principals.install(tx, live)


def _later(close: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def closing() -> None:
        close()

    return closing
