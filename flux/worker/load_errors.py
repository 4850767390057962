"""Why a source could not be imported, in the author's terms: type, message, file, line.

The line is that of the innermost frame in the author's own files; where an error knows its own line
(a syntax error, a definition of ours), that one.
"""

import os
import traceback
from typing import Final

from flux.errors import FluxError
from flux.wire.control import LoadError
from flux.wire.frames import Source

_MAX_MESSAGE: Final = 4_000


def load_error(error: BaseException, source: Source, prefix: str) -> LoadError:
    """What to tell about `error`, raised by importing `source` as package `prefix`."""
    file, line = _place(error, source)
    return LoadError(type=type(error).__name__, message=_message(error, prefix), file=file, line=line)


def _place(error: BaseException, source: Source) -> tuple[str, int]:
    if isinstance(error, SyntaxError) and error.filename:
        return _path(error.filename), error.lineno or 0
    own = {os.path.join(source.root, path) for path in source.files}  # noqa: PTH118 - an empty root must stay so
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _path(frame.filename) in own:
            return _path(frame.filename), frame.lineno or 0
    line = error.facts.get("line", 0) if isinstance(error, FluxError) else 0
    return os.path.join(source.root, source.entry), line if isinstance(line, int) else 0  # noqa: PTH118 - as above


def _path(filename: str) -> str:
    """The path of a file, whichever version of it."""
    return filename.partition(" (version ")[0]


def _message(error: BaseException, prefix: str) -> str:
    if isinstance(error, SystemExit):
        return f"the file ends the process when it is imported: sys.exit({error.code!r})"
    if isinstance(error, SyntaxError):
        return error.msg
    if isinstance(error, MemoryError) and not str(error):
        return "importing it needs more memory than a worker may have"
    return str(error).replace(f"{prefix}.", "")[:_MAX_MESSAGE]
