"""The inspector: a throw-away process that imports one file, says what is in it, and ends.

It reads the file and its local imports once, sends those bytes, imports them by the same loader as workers do,
and sends its `Findings`. What it prints goes to a pipe of the daemon's. If the import does not end in
time, or kills the process, the place where that happened is in `trace`, and the daemon says so.

Durations are int milliseconds.
"""

import ast
import faulthandler
import inspect
import socket
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from flux.errors import InvalidDefinition, PayloadTooLarge
from flux.task import Task
from flux.wire.control import Findings, LoadError, SpawnInspector, WorkflowFound, encode
from flux.wire.frames import Source
from flux.worker import guard
from flux.worker.job import Loaded
from flux.worker.loader import load
from flux.worker.sources import gather
from flux.workflow import Workflow

MAX_SOURCE: Final = 16 * 1024 * 1024
_ATOMS: Final = (str, int, float, bool, type(None))


def run(request: SpawnInspector, end: socket.socket, trace: int) -> None:
    """Inspect the file that `request` names; send its source, then what was found in it."""
    guard.open_output()
    faulthandler.enable(trace)
    faulthandler.dump_traceback_later(request.limit / 1000, exit=True, file=trace)
    connection = Connection(end.detach())
    try:
        source = gather(Path(request.root), request.path)
        _check_size(source)
    except (OSError, PayloadTooLarge) as exc:
        path = str(Path(request.root) / request.path)
        findings = Findings([], LoadError(type=type(exc).__name__, message=str(exc), file=path, line=0))
    else:
        connection.send_bytes(encode(source))
        findings = inspect_source(source)
    faulthandler.cancel_dump_traceback_later()
    connection.send_bytes(encode(findings))


def inspect_source(source: Source) -> Findings:
    """What `source` holds. Imports it into this process."""
    try:
        loaded = load(source)
    except InvalidDefinition as exc:
        return Findings([], _error(exc))
    hidden = _hidden(source, loaded)
    if hidden is not None:
        return Findings([], hidden)
    return Findings([_found(workflow, loaded) for workflow in loaded.workflows.values()], None)


def _check_size(source: Source) -> None:
    size = sum(map(len, source.files.values()))
    if size > MAX_SOURCE:
        raise PayloadTooLarge(f"the file and its local imports are {size} bytes, the limit is {MAX_SOURCE}")


def _hidden(source: Source, loaded: Loaded) -> LoadError | None:
    """Why a workflow cannot be offered: another one of its name stands above it, which Python has forgotten."""
    functions = {workflow.fn.__name__ for workflow in loaded.workflows.values()}
    first: dict[tuple[str, str], int] = {}
    for node in ast.parse(source.files[source.entry]).body:
        if not isinstance(node, ast.AsyncFunctionDef) or node.name not in functions or not node.decorator_list:
            continue
        decorator = node.decorator_list[0]
        made_by = ast.unparse(decorator).partition("(")[0].removesuffix(".with_options")
        line = first.setdefault((node.name, made_by), decorator.lineno)
        if line != decorator.lineno:
            return LoadError(
                type=InvalidDefinition.__name__,
                message=f"two workflows are called {node.name!r}, at lines {line} and {decorator.lineno}; rename one",
                file=str(Path(source.root) / source.entry),
                line=decorator.lineno,
            )
    return None


def _error(exc: InvalidDefinition) -> LoadError:
    """What `load` raised, as a record."""
    kind, detail, file, line = (exc.facts.get(fact) for fact in ("type", "detail", "file", "line"))
    return LoadError(type=str(kind), message=str(detail), file=str(file), line=line if isinstance(line, int) else 0)


def _found(workflow: Workflow, loaded: Loaded) -> WorkflowFound:
    called = _tasks(workflow, loaded)
    return WorkflowFound(
        name=workflow.name,
        namespace=workflow.namespace,
        line=workflow.line,
        doc=inspect.getdoc(workflow.fn),
        tasks=sorted(task.name for task in called if not task.spec.exempt),
        exempt=sorted(task.name for task in called if task.spec.exempt),
        options={name: value for name, value in workflow.options.items() if isinstance(value, _ATOMS)},
        input_schema=None,
    )


def _tasks(workflow: Workflow, loaded: Loaded) -> list[Task[..., object]]:
    """The tasks that the workflow's own code names, as far as its module holds them; one of each name."""
    home = loaded.module.__name__.partition(".")[0]
    found: dict[str, Task[..., object]] = {}
    seen: set[object] = set()
    waiting: list[object] = [workflow.fn]
    while waiting:
        function = waiting.pop()
        code, scope = getattr(function, "__code__", None), getattr(function, "__globals__", None)
        if code is None or scope is None or code in seen:
            continue
        seen.add(code)
        for thing in _things(_names(code), scope):
            if isinstance(thing, Task):
                found.setdefault(thing.name, thing)
                waiting.append(thing.fn)
            elif inspect.isfunction(thing) and thing.__module__.startswith(home):
                waiting.append(thing)
    return list(found.values())


def _things(names: set[str], scope: Mapping[str, object]) -> Iterator[object]:
    """What `names` may mean: globals, and attributes of modules among them."""
    for name in names:
        thing = scope.get(name)
        yield thing
        if inspect.ismodule(thing):
            yield from (vars(thing)[inner] for inner in names if inner in vars(thing))


def _names(code: object) -> set[str]:
    """Global names that a code object and those inside it use."""
    if not inspect.iscode(code):
        return set()
    inner = (constant for constant in code.co_consts if inspect.iscode(constant))
    return set(code.co_names).union(*map(_names, inner))
