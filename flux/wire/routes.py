"""The routes of the API: one table for the daemon, which answers them, and the client, which asks.

A path is a template; what stands in braces is one segment, and whoever fills it in quotes it, so that a
name with a slash in it cannot become another route. Nothing that changes state is a GET.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path. `summary` says what it gives, for the API's own description."""

    method: str
    path: str
    summary: str


def _get(path: str, summary: str) -> Route:
    return Route(method="GET", path=path, summary=summary)


def _post(path: str, summary: str) -> Route:
    return Route(method="POST", path=path, summary=summary)


_WORKFLOW: Final = "/workflows/{namespace}/{name}"
_EXECUTION: Final = "/executions/{id}"

RUN_SYNC: Final = _post(f"{_WORKFLOW}/run/sync", "Run a workflow and wait until it rests")
RUN: Final = _post(f"{_WORKFLOW}/run", "Run a workflow; answers as soon as it is stored")
RUN_ASYNC: Final = _post(f"{_WORKFLOW}/run/async", "The same as run")
RUN_STREAM: Final = _post(f"{_WORKFLOW}/run/stream", "Run a workflow and follow its events until it rests")
RUN_BATCH: Final = _post(f"{_WORKFLOW}/run/batch", "Run a workflow once for each line")
WORKFLOWS: Final = _get("/workflows", "The workflows that can be run, and the files that could not be loaded")
REGISTER: Final = _post("/workflows", "Register a file of workflows")
WORKFLOW: Final = _get(_WORKFLOW, "One workflow")
SOURCE: Final = _get(f"{_WORKFLOW}/source", "The source of a workflow's current version")
VERSIONS: Final = _get(f"{_WORKFLOW}/versions", "The versions of a workflow, newest first")

EXECUTIONS: Final = _get("/executions", "Executions, newest first")
EXECUTION: Final = _get(_EXECUTION, "One execution; with `wait`, as soon as it rests")
TASKS: Final = _get(f"{_EXECUTION}/tasks", "The tasks of an execution, in the order in which they began")
EXECUTION_EVENTS: Final = _get(f"{_EXECUTION}/events", "The events of an execution, as a stream or a list")
LOGS: Final = _get(f"{_EXECUTION}/logs", "What an execution printed and logged")
OUTPUT: Final = _get(f"{_EXECUTION}/output", "The output of an execution, bare")
RESUME: Final = _post(f"{_EXECUTION}/resume", "Answer a pause")
CANCEL: Final = _post(f"{_EXECUTION}/cancel", "Cancel an execution")

EVENTS: Final = _get("/events", "The events of all executions, as a stream")
STATS: Final = _get("/stats", "How many executions stand where, and what the workers do")
INFO: Final = _get("/info", "What answers here")
LIVEZ: Final = _get("/livez", "Whether the daemon turns")
READYZ: Final = _get("/readyz", "Whether the daemon takes requests")
WHOAMI: Final = _get("/auth/whoami", "Who the caller is")
PROBLEM: Final = _get("/problems/{slug}", "What an error means and what to do about it")
