"""One inspection, as the daemon sees it: what the inspector sends, prints, and leaves behind when it dies.

The import of a file may hang, crash, end the process or print without end. Whatever it does, there is
one `Inspection` when the process is reaped. Of the output the first `OUTPUT` bytes are kept, and the rest is
read and dropped, so that a file that prints a lot does not hang on a full pipe.
"""

import asyncio
import os
import re
import socket
from typing import Final

from flux.errors import ProtocolError
from flux.wire.control import Ended, Findings, Inspection, LoadError, from_inspector
from flux.wire.frames import Source, Splitter

OUTPUT: Final = 64 * 1024
_READ: Final = 256 * 1024
_FRAME: Final = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')
_TIMEOUT: Final = "Timeout ("  # how faulthandler begins what it leaves when the time is up


class Inspector:
    """Collects what one inspector process gives, until it is reaped."""

    def __init__(self, root: str, path: str, limit: int, descriptors: list[int]) -> None:
        stream, self._output, self._trace = descriptors
        self._root = root
        self._path = path
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._stream = socket.socket(fileno=stream)
        self._stream.setblocking(False)
        os.set_blocking(self._output, False)
        self._splitter = Splitter()
        self._printed = bytearray()
        self._is_late = False
        self._source: Source | None = None
        self._findings: Findings | None = None
        self.result: asyncio.Future[Inspection] = self._loop.create_future()
        self._loop.add_reader(stream, self._read_stream)
        self._loop.add_reader(self._output, self._read_output)

    def expired(self) -> None:
        """The process did not end itself in time, and is killed."""
        self._is_late = True

    def ended(self, end: Ended) -> None:
        """The process is dead and reaped: the result is known."""
        while self._read_stream() or self._read_output():
            continue
        findings = self._findings or Findings([], self._crash(end))
        self._close()
        source = self._source or Source(digest="", entry=self._path, root=self._root, files={})
        inspection = Inspection(
            digest=source.digest,
            entry=source.entry,
            root=source.root,
            files=source.files,
            workflows=findings.workflows,
            error=findings.error,
            output=self._printed.decode(errors="replace"),
        )
        if not self.result.done():
            self.result.set_result(inspection)

    def fail(self, error: Exception) -> None:
        """The process is gone for a reason that is not the file's."""
        self._close()
        if not self.result.done():
            self.result.set_exception(error)

    def _crash(self, end: Ended) -> LoadError:
        """What to tell about an import that killed its process."""
        trace = os.pread(self._trace, OUTPUT, 0).decode(errors="replace")
        if self._is_late or trace.startswith(_TIMEOUT):
            kind, message = "TimeoutError", f"importing the file took longer than {self._limit / 1000:g} s"
        elif end.signal == "SIGKILL":
            kind, message = "Killed", "the process that imported the file was killed (out of memory?)"
        elif end.signal is not None:
            kind, message = "Crashed", f"importing the file crashed Python: {end.signal}"
        else:
            kind, message = "Exited", f"the file ended the process that imported it, with exit code {end.exit_code}"
        file, line = self._place(trace)
        return LoadError(type=kind, message=message, file=file, line=line)

    def _place(self, trace: str) -> tuple[str, int]:
        """The innermost place in the author's files that `trace` names; else the file as such."""
        files = self._source.files if self._source is not None else {}
        own = {os.path.join(self._root, path) for path in files}  # noqa: PTH118 - as the loader names them
        for found in _FRAME.finditer(trace):
            if found["file"] in own:
                return found["file"], int(found["line"])
        return os.path.join(self._root, self._path), 0  # noqa: PTH118 - as above

    def _read_stream(self) -> bool:
        """Take in what one read gives; whether there may be more."""
        try:
            data = self._stream.recv(_READ)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._stream.fileno())
            return False
        try:
            for body in self._splitter.feed(data):
                self._take(from_inspector(body))
        except ProtocolError:
            self._loop.remove_reader(self._stream.fileno())  # the file wrote to what is not its own
            return False
        return True

    def _take(self, message: Source | Findings) -> None:
        if isinstance(message, Source):
            self._source = message
        else:
            self._findings = message

    def _read_output(self) -> bool:
        try:
            data = os.read(self._output, _READ)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(self._output)
        self._printed += data[: OUTPUT - len(self._printed)]
        return bool(data)

    def _close(self) -> None:
        self._loop.remove_reader(self._stream.fileno())
        self._loop.remove_reader(self._output)
        self._stream.close()
        os.close(self._output)
        os.close(self._trace)
