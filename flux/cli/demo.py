"""`flux demo`: an execution that survives `kill -9` of its daemon, shown step by step.

A real daemon on a temporary folder, the example workflow `demo`, a real SIGKILL in the middle of a step, a
second daemon on the same folder. Then the event log and the ledger, in which every step wrote a line, are
asked what happened. Whatever ends the demo, Ctrl-C too, nothing of it stays: no process, no folder; only a
failure leaves the folder, and says where it is.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib.resources import as_file
from pathlib import Path
from typing import Final

import click

from flux.cli import places, render
from flux.cli.alarm import RanOut, limited
from flux.cli.child import Daemon, Place
from flux.cli.exits import ExitCode
from flux.cli.interrupts import Interrupts
from flux.client.blocking import SyncClient
from flux.clock import pause, perf
from flux.errors import FluxError, NotFound

_REF: Final = "default/demo"
_STEPS: Final = 10  # as in examples/demo.py
_FATAL: Final = 5  # the step in whose middle the daemon is killed
_MIDDLE: Final = 0.1  # seconds after its start; the step takes 0.3
_LIMIT: Final = 60  # seconds for everything; it takes a tenth of that
_LOOK_EVERY: Final = 0.05  # seconds
_LOG_LINES: Final = 15  # of the daemon's log, shown after a failure


class Failed(FluxError):
    """The demo has not seen what it promises."""


class Demo:
    """One run of the demo in one folder."""

    def __init__(self, folder: Path, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._place = Place(state=folder / "state", workflows=folder / "workflows")
        self._ledger = folder / "ledger.txt"
        self._log = folder / "daemon.log"
        self._daemon: Daemon | None = None

    def play(self) -> None:
        """All of it, told as it happens.

        Raises:
            Failed: something else happened; the message says what was seen.
        """
        self._copy_examples()
        daemon = self._start("[1/5] a daemon starts on the examples: one process, one SQLite file, one Unix socket")
        with SyncClient(f"unix:{self._place.socket}") as client:
            execution = self._submit(client)
            self._watch_until_fatal(client, execution)
        self._kill(daemon)
        self._start("[4/5] the daemon starts again on the same file; nobody tells it what to do")
        with SyncClient(f"unix:{self._place.socket}") as client:
            self._watch_to_the_end(client, execution)
            self._verify(client, execution)

    def end(self) -> None:
        """Stop the daemon, if one runs."""
        if self._daemon is not None:
            self._daemon.stop()

    def last_words(self) -> list[str]:
        """The last lines of the daemon's log."""
        return self._log.read_text("utf-8", "replace").splitlines()[-_LOG_LINES:] if self._log.exists() else []

    def _copy_examples(self) -> None:
        self._place.workflows.mkdir()
        with as_file(places.examples()) as examples:
            for file in sorted(examples.glob("*.py")):
                shutil.copy(file, self._place.workflows)

    def _start(self, words: str) -> Daemon:
        """A daemon that answers."""
        render.say(words)
        with self._log.open("ab") as log, self._interrupts.held():
            daemon = self._daemon = Daemon.start(self._place, log=log, tcp="")
        with SyncClient(f"unix:{self._place.socket}") as client:
            if not daemon.answers(client):
                raise Failed("the daemon ended before it answered")
        _tell(f"process {daemon.pid} answers")
        return daemon

    def _submit(self, client: SyncClient) -> str:
        render.say(f"[2/5] POST /workflows/{_REF}/run: a workflow of {_STEPS} steps, one after the other")
        while True:
            try:
                execution = client.submit(_REF, str(self._ledger))["execution_id"]
            except NotFound:  # its file is still being looked at, in a process of its own
                pause(_LOOK_EVERY)
            else:
                _tell(f"execution {execution} is stored; from here on it cannot get lost")
                return execution

    def _watch_until_fatal(self, client: SyncClient, execution: str) -> None:
        """Tell the steps until the fatal one has begun."""
        for kind, number in _steps(client, execution, after=0):
            if kind == "TASK_COMPLETED":
                _tell(f"step {number:2} done, its result is in the event log")
            elif number == _FATAL:
                _tell(f"step {number:2} begins")
                return
        raise Failed(f"the execution ended before step {_FATAL} began")

    def _kill(self, daemon: Daemon) -> None:
        """kill -9, in the middle of the step."""
        pause(_MIDDLE)
        render.say(f"[3/5] kill -9 {daemon.pid}, in the middle of step {_FATAL}")
        daemon.kill()
        _tell(f"the daemon is gone; the ledger on disk has {len(self._written())} lines")

    def _watch_to_the_end(self, client: SyncClient, execution: str) -> None:
        seen: set[int] = set()
        for kind, number in _steps(client, execution, after=0):
            if kind == "TASK_COMPLETED" and number not in seen:
                seen.add(number)
                if number < _FATAL:
                    _tell(f"step {number:2} is done already: its result is read, it does not run again")
                else:
                    again = ": it was cut off, so it has run again" if number == _FATAL else ""
                    _tell(f"step {number:2} done{again}")

    def _verify(self, client: SyncClient, execution: str) -> None:
        """Nothing; Failed if the log or the ledger says something else than that each step counted once."""
        render.say("[5/5] what the event log and the ledger on disk say")
        found = client.execution(execution)
        if found["state"] != "COMPLETED" or found.get("output") != list(range(1, _STEPS + 1)):
            raise Failed(f"the execution is {found['state']} ({found['why']}), its output {found.get('output')!r}")
        counted = Counter(e["call_id"] for e in client.history(execution) if e["type"] == "TASK_COMPLETED")
        if len(counted) != _STEPS or set(counted.values()) != {1}:
            raise Failed(f"the log has these numbers of completions: {dict(counted)}")
        _tell(f"{_STEPS} steps, each completed once in the log")
        lines = Counter(self._written())
        twice = sorted(number for number, times in lines.items() if times > 1)
        if set(lines) != set(range(1, _STEPS + 1)) or not set(twice) <= {_FATAL} or lines[_FATAL] > 2:
            raise Failed(f"the ledger has these steps: {self._written()}")
        _tell(
            f"{sum(lines.values())} lines in the ledger: finished steps did not run again"
            + (f"; step {_FATAL} wrote its line before it was cut off, and again" if twice else "")
        )

    def _written(self) -> list[int]:
        """The numbers of the steps in the ledger, in order."""
        text = self._ledger.read_text("utf-8") if self._ledger.exists() else ""
        return [int(line.split()[0]) for line in text.splitlines() if line]


@click.command()
def demo() -> ExitCode:
    """Show an execution that survives kill -9 of its daemon. Takes some seconds, leaves nothing behind."""
    started = perf()
    failure = ""
    with Interrupts() as interrupts:
        folder = Path(tempfile.mkdtemp(prefix="flux-demo-"))
        played = Demo(folder, interrupts)
        try:
            with limited(_LIMIT):
                played.play()
        except RanOut:
            failure = f"it was not over after {_LIMIT} s"
        except (FluxError, OSError) as error:
            failure = str(error)
        except KeyboardInterrupt:
            render.say("interrupted: stopping the daemon and removing its folder")
            return ExitCode.INTERRUPTED
        finally:
            with interrupts.held():
                played.end()
                if not failure:
                    shutil.rmtree(folder, ignore_errors=True)
    if failure:
        return _explain(failure, folder, played)
    render.data(
        f"ok: the execution went on after kill -9 of its daemon; {_STEPS} steps, each counted once,"
        f" in {perf() - started:.1f} s"
    )
    return ExitCode.OK


def _explain(failure: str, folder: Path, played: Demo) -> ExitCode:
    for line in played.last_words():
        render.say(f"  | {render.clean(line)}")
    render.problem(f"the demo failed: {failure}")
    render.say(f"  everything it left is in {folder}; the last lines of the daemon's log are above")
    return ExitCode.FAILED


def _steps(client: SyncClient, execution: str, *, after: int) -> Iterator[tuple[str, int]]:
    """What happens to the steps, as (type of the event, number of the step), until the execution rests."""
    for update in client.events(execution, after=after, until_resting=True):
        call = update.data.get("call_id") or ""
        if update.event == "task" and call.startswith("step#"):
            yield update.data["type"], int(call.removeprefix("step#"))


def _tell(text: str) -> None:
    render.say(f"      {text}")
