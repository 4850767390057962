"""Exit codes, and the one place where an error of ours becomes words and a code.

The numbers are a promise to scripts: they never change their meaning. An error that is not in `EXIT`
ends with FAILED.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

from flux.cli import render
from flux.errors import FluxError


class ExitCode(IntEnum):
    """What a command says to the shell."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    DENIED = 4
    CONFLICT = 5
    UNREACHABLE = 6
    CANCELLED = 7
    PARTIAL = 8
    PAUSED = 75  # EX_TEMPFAIL: under --wait, somebody has to answer first
    CONFIGURATION = 78  # EX_CONFIG; the unit does not restart on it
    WAIT_RAN_OUT = 124  # what timeout(1) says
    INTERRUPTED = 130  # 128 + SIGINT


EXIT: Final[Mapping[str, ExitCode]] = {
    "invalid": ExitCode.USAGE,
    "invalid_input": ExitCode.USAGE,
    "invalid_definition": ExitCode.USAGE,
    "invalid_permission": ExitCode.USAGE,
    "payload_type": ExitCode.USAGE,
    "payload_too_large": ExitCode.USAGE,
    "invalid_configuration": ExitCode.CONFIGURATION,
    "not_found": ExitCode.NOT_FOUND,
    "denied": ExitCode.DENIED,
    "unauthenticated": ExitCode.DENIED,
    "conflict": ExitCode.CONFLICT,
    "wrong_state": ExitCode.CONFLICT,
    "version_gone": ExitCode.CONFLICT,
    "busy": ExitCode.CONFLICT,
    "unreachable": ExitCode.UNREACHABLE,
}


def report(error: FluxError) -> ExitCode:
    """The exit code of `error`, after saying what happened and what can be done."""
    message = str(error) or error.code
    render.problem(message)
    for line in _details(error.facts):
        if line not in message:  # the message of a malformed request lists what is wrong with it already
            render.say(f"  {line}")
    return EXIT.get(error.code, ExitCode.FAILED)


def _details(facts: Mapping[str, object]) -> Iterable[str]:
    """What the facts of an error add to its message, a line each."""
    file, line = facts.get("file"), facts.get("line")
    if file is not None:
        yield f"at {file}:{line}" if line is not None else f"at {file}"
    for found in _listed(facts.get("errors")):
        if isinstance(found, Mapping):
            yield f"{found.get('pointer') or '(top)'}: {found.get('detail')}"
        else:
            yield str(found)
    for key, phrase in _PHRASES.items():
        values = ", ".join(str(value) for value in _listed(facts.get(key)))
        if values:
            yield phrase.format(values)


_PHRASES: Final = {
    "missing_permissions": "missing permission: {}",
    "allowed": "possible now: {}",
    "suggestions": "did you mean {}?",
    "retry_after": "try again in {} s",
    "hint": "{}",
}


def _listed(value: object) -> Iterable[object]:
    """A list as it is, one value as a list of one, nothing as an empty one."""
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)
