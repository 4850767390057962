"""The source as data: modules, what they import and where, functions and their lengths.

Everything is read from the files by `ast`; nothing is imported. Names are dotted as Python has them,
with `flux.tui` written `tui`, the way the checkout has it.
"""

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

PACKAGES = ("flux", "tui")


@dataclass(frozen=True, kw_only=True)
class Import:
    """One imported name: what it is, the line, and the function around it (empty at module level)."""

    target: str
    line: int
    function: str


@dataclass(frozen=True, kw_only=True)
class Module:
    """One source file."""

    name: str
    path: Path
    text: str = field(repr=False)

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text, filename=str(self.path))

    @cached_property
    def comments(self) -> dict[int, bool]:
        """The lines that carry a comment; True where nothing else stands on them."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {t.start[0]: not t.line[: t.start[1]].strip() for t in tokens if t.type == tokenize.COMMENT}

    @cached_property
    def docstrings(self) -> frozenset[int]:
        """The identities of all nodes that are docstrings, or strings that stand alone."""
        return frozenset(
            id(node.value)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        )

    @property
    def is_package(self) -> bool:
        """Whether this is the `__init__.py` of a package."""
        return self.path.name == "__init__.py"

    @cached_property
    def nodes(self) -> tuple[tuple[str, ast.AST], ...]:
        """Every node with the qualified name of the innermost function around it."""
        return tuple(_walk(self.tree, "", ""))


@dataclass(frozen=True, kw_only=True)
class Source:
    """All modules of a checkout."""

    root: Path
    modules: dict[str, Module] = field(repr=False)

    def imports(self, module: Module) -> list[Import]:
        """What `module` imports, also inside functions and for types only.

        `from a import b` is `a.b` where that is a module of ours, and `a` where it is a name in `a`.
        """
        return [
            Import(target=target, line=node.lineno, function=function)
            for function, node in module.nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for target in self._targets(module, node)
        ]

    def _targets(self, module: Module, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            return
        origin = _absolute(module, node)
        for alias in node.names:
            full = f"{origin}.{alias.name}"
            yield full if full in self.modules or self._is_folder(full) else origin

    def _is_folder(self, name: str) -> bool:
        return name.partition(".")[0] in PACKAGES and self.root.joinpath(*name.split(".")).is_dir()


def load(root: Path) -> Source:
    """The source below `root`: `flux/` and `tui/`, as far as they exist."""
    paths = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    modules = [Module(name=_name(root, path), path=path, text=path.read_text("utf-8")) for path in paths]
    return Source(root=root, modules={module.name: module for module in modules})


def _name(root: Path, path: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    """The module that a `from` names, without dots in front."""
    if node.level == 0:
        return node.module or ""
    parts = module.name.split(".")
    kept = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _walk(node: ast.AST, scope: str, function: str) -> Iterator[tuple[str, ast.AST]]:
    """Every node below `node`, each with the function it stands in."""
    for child in ast.iter_child_nodes(node):
        yield function, child
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{scope}.{child.name}".lstrip(".")
            yield from _walk(child, name, name)
        elif isinstance(child, ast.ClassDef):
            yield from _walk(child, f"{scope}.{child.name}".lstrip("."), function)
        else:
            yield from _walk(child, scope, function)
