"""The same thing elsewhere: a command line and a `curl` for what the terminal UI does. Pure."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

_NONE = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """How the CLI and how the API say the same."""

    cli: str
    curl: str


def show(execution: str, place: str) -> Twin:
    """Looking at one execution."""
    return Twin(cli=_cli(["show", execution]), curl=_curl(place, "GET", f"/executions/{execution}"))


def cancel(execution: str, place: str) -> Twin:
    """Cancelling it."""
    return Twin(cli=_cli(["cancel", execution]), curl=_curl(place, "POST", f"/executions/{execution}/cancel"))


def resume(execution: str, input: object, pause: str | None, place: str) -> Twin:
    """Answering a pause of it; the oldest one if `pause` is None."""
    body = {"input": input} if pause is None else {"input": input, "pause": pause}
    named = [] if pause is None else ["--pause", pause]
    return Twin(
        cli=_cli(["resume", execution, _json(input), *named]),
        curl=_curl(place, "POST", f"/executions/{execution}/resume", body),
    )


def _cli(words: Sequence[str]) -> str:
    return shlex.join(["flux", *words])


def _curl(place: str, method: str, path: str, body: object = _NONE) -> str:
    """A `curl` for the socket or the address at `place`."""
    words = ["curl", "-s"]
    if method != "GET":
        words += ["-X", method]
    if body is not _NONE:
        words += ["--json", _json(body)]
    if place.startswith(("http://", "https://")):
        return shlex.join([*words, place.rstrip("/") + path])
    return shlex.join([*words, "--unix-socket", place.removeprefix("unix:"), f"http://flux{path}"])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
