"""The rules about what stands in a file: each thing with one home only there, and the walls of size."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.rooms import room_of
from tests.architecture.rules import Violation
from tests.architecture.tree import Module, Source

LONGEST_FILE = 400
LONGEST_FUNCTION = 50
NAMELESS = frozenset({"utils", "util", "helpers", "helper", "common", "base", "manager", "managers", "misc"})
AS_IT_WAS = "tests/bench/limit"  # a prototype that is measured unchanged

_SQL = re.compile(
    r"""\s*(
        SELECT\s+[\w(*?:] | INSERT\s+(OR\s+\w+\s+)?INTO\s | REPLACE\s+INTO\s | UPDATE\s+\S+\s+SET\s
      | DELETE\s+FROM\s | WITH\s+(RECURSIVE\s+)?\w+.*\sAS\s*\( | PRAGMA\s+\w
      | (CREATE|DROP|ALTER)\s+((TEMP\w*|UNIQUE|VIRTUAL)\s+)?(TABLE|INDEX|TRIGGER|VIEW)\s
      | BEGIN\s+(IMMEDIATE|EXCLUSIVE|DEFERRED) | (SAVEPOINT|RELEASE)\s+\w | ROLLBACK\s+TO | VACUUM\s+INTO
      | (?i:select\s+[\w*,.\s]+\sfrom\s+\w+\s*(;|where\s|order\s+by|limit\s|$))
      | (?i:insert\s+into\s+\w+\s*(\(|values|select))
      | (?i:update\s+\w+\s+set\s+\w+\s*=) | (?i:delete\s+from\s+\w+\s*(where\s|;|$)) | (?i:pragma\s+\w+\s*(=|\(|;|$))
    )""",
    re.VERBOSE | re.DOTALL,
)
_ENVIRONMENT = frozenset({"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"})
_NOW = frozenset({"now", "utcnow", "today"})
_PRINTERS = frozenset({"print", "pprint", "pp", "echo", "secho"})


def sql(source: Source) -> Iterator[Violation]:
    """SQL is written in `flux/store/` only; the shipped test kit may seed and damage databases."""
    for module in source.modules.values():
        here = room_of(module.name)
        if here is not None and here.name in ("store", "testing"):
            continue
        for line, text in _strings(module):
            if _SQL.match(text):
                yield Violation(module=module, line=line, text=f"SQL outside flux/store/: {text.strip()[:40]!r}")


def _strings(module: Module) -> Iterator[tuple[int, str]]:
    """Every string of the code but docstrings; of an f-string its text with `?` for the values."""
    seen = set(module.docstrings)
    for _, node in module.nodes:
        if isinstance(node, ast.JoinedStr):
            seen.update(id(part) for part in node.values)
            parts = [str(part.value) if isinstance(part, ast.Constant) else "?" for part in node.values]
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in seen:
            yield node.lineno, node.value


def environment(source: Source) -> Iterator[Violation]:
    """Only `flux/config.py` reads or changes the environment."""
    yield from _attributes(source, home="flux.config", owners={"os"}, names=_ENVIRONMENT, what="the environment")
    yield from _attributes(source, home="flux.config", owners={"path"}, names={"expandvars"}, what="the environment")


def clock(source: Source) -> Iterator[Violation]:
    """Only `flux/clock.py` asks for the time: nobody else imports `time` or calls `now()` and `today()` of datetime."""
    yield from _attributes(source, home="flux.clock", owners={"datetime", "date"}, names=_NOW, what="the clock")
    for module in source.modules.values():
        if module.name != "flux.clock":
            for found in source.imports(module):
                if found.target == "time":
                    yield Violation(module=module, line=found.line, text="the clock is read in flux/clock.py only")


def _attributes(
    source: Source, *, home: str, owners: set[str], names: frozenset[str] | set[str], what: str
) -> Iterator[Violation]:
    """The places outside `home` that say `owner.name`, or import the name from its owner."""
    for module in source.modules.values():
        if module.name == home:
            continue
        for _, node in module.nodes:
            match node:
                case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name):
                    found = owner in owners and name in names
                case ast.ImportFrom(module=owner, names=aliases):
                    found = (owner or "").rpartition(".")[2] in owners and any(alias.name in names for alias in aliases)
                case _:
                    found = False
            if found:
                text = f"{what} belongs to {home.replace('.', '/')}.py"
                yield Violation(module=module, line=getattr(node, "lineno", 1), text=text)


def printing(source: Source) -> Iterator[Violation]:
    """Only `flux/cli/render.py` prints."""
    for module in source.modules.values():
        if module.name == "flux.cli.render":
            continue
        for _, node in module.nodes:
            match node:
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(value=ast.Name(id="click" | "pprint"), attr=name)):
                    if name in _PRINTERS:
                        yield Violation(module=module, line=node.lineno, text=f"{name}() outside flux/cli/render.py")


def broad_excepts(source: Source) -> Iterator[Violation]:
    """`except Exception` that does not end in a `raise` says why life goes on: beside it, or alone on the next line."""
    for module in source.modules.values():
        for _, node in module.nodes:
            if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and not _argued(module, node):
                yield Violation(module=module, line=node.lineno, text="`except Exception` without the reason beside it")


def _argued(module: Module, handler: ast.ExceptHandler) -> bool:
    if isinstance(handler.body[-1], ast.Raise):
        return True
    return handler.lineno in module.comments or module.comments.get(handler.lineno + 1, False)


def _is_broad(caught: ast.expr | None) -> bool:
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException")) for kind in kinds
    )


def docstrings(source: Source) -> Iterator[Violation]:
    """Every module opens with a docstring."""
    for module in source.modules.values():
        if not ast.get_docstring(module.tree):
            yield Violation(module=module, line=1, text="no docstring opens this module")


def names(source: Source) -> Iterator[Violation]:
    """No file or folder is called by a word that says nothing."""
    for module in _everything(source):
        said = set(module.path.relative_to(source.root).with_suffix("").parts)
        for word in sorted(said & NAMELESS):
            yield Violation(module=module, line=1, text=f"{word!r} names no noun: cut by noun")


def sizes(source: Source) -> Iterator[Violation]:
    """No file is longer than 400 lines and no function longer than 50."""
    for module in _everything(source):
        length = len(module.text.splitlines())
        if length > LONGEST_FILE:
            yield Violation(module=module, line=length, text=f"{length} lines, at most {LONGEST_FILE}")
        for _, node in module.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                height = (node.end_lineno or node.lineno) - node.lineno + 1
                if height > LONGEST_FUNCTION:
                    text = f"{node.name}() has {height} lines, at most {LONGEST_FUNCTION}"
                    yield Violation(module=module, line=node.lineno, text=text)


def _everything(source: Source) -> Iterator[Module]:
    """The source, its tests, the examples and the launcher."""
    yield from source.modules.values()
    others = [path for folder in ("tests", "examples") for path in sorted((source.root / folder).rglob("*.py"))]
    for path in [*others, source.root / "flux.py"]:
        if path.is_file() and not path.is_relative_to(source.root / Path(AS_IT_WAS)):
            yield Module(name=path.stem, path=path, text=path.read_text("utf-8"))
