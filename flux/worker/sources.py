"""Sources: a workflow's file with its local imports, as bytes, and which name each of them is imported by.

A source is pinned: what counts is the bytes in it, never what the folder holds later. Its digest is over
the entry's path and every (path, bytes). Paths are relative to the root, with `/`.

A name is local if the source has a file for it; it is looked for beside the entry's outermost package (or
beside the entry), then at the root. Names of the standard library and of `flux` are never local:
workflow files are named after what they do, and `email.py` must not take the place of `email`.

Deliberately absent: importing anything. What a source imports is read off its syntax.
"""

import ast
import hashlib
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from flux.wire.frames import Source

_FOREIGN: Final = sys.stdlib_module_names | {"flux"}


class Names:
    """Which file a local module name means in one source."""

    def __init__(self, entry: str, has: Callable[[str], bool]) -> None:
        self._has = has
        base = PurePosixPath(entry).parent
        while base.name and has(str(base / "__init__.py")):
            base = base.parent
        self._bases = list(dict.fromkeys(("" if not base.name else f"{base}/", "")))
        inside = entry.removeprefix(self._bases[0]).removesuffix(".py").removesuffix("/__init__")
        self.entry = inside.replace("/", ".")

    def path(self, name: str) -> str | None:
        """The file of module `name`; None if it has none."""
        place = name.replace(".", "/")
        for base in self._bases:
            for path in (f"{base}{place}/__init__.py", f"{base}{place}.py"):
                if self._has(path):
                    return path
        return None

    def is_above(self, name: str, path: str) -> bool:
        """Whether `name` is a folder that `path` lies in."""
        place = name.replace(".", "/")
        return any(path.startswith(f"{base}{place}/") for base in self._bases)

    def is_local(self, name: str, parts: Collection[str] = ()) -> bool:
        """Whether `import name`, or `from name import parts`, means files of the source."""
        if is_foreign(name):
            return False
        return self.path(name) is not None or any(self.path(f"{name}.{part}") is not None for part in parts)


def is_foreign(name: str) -> bool:
    """Whether an absolute import of `name` never means a file of a source."""
    return name.partition(".")[0] in _FOREIGN


def names_of(source: Source) -> Names:
    """The names of a pinned source."""
    return Names(source.entry, source.files.__contains__)


def gather(root: Path, entry: str) -> Source:
    """The source of the file `entry` below `root`, as the folder holds it now.

    Raises:
        OSError: the entry cannot be read.
    """
    folder = Path(root)
    names = Names(entry, lambda path: (folder / path).is_file())
    files: dict[str, bytes] = {entry: (folder / entry).read_bytes()}
    waiting = list(lineage(names.entry))
    seen = set()
    while waiting:
        name = waiting.pop()
        path = names.path(name)
        if path is not None and name not in seen:
            seen.add(name)
            if path not in files:
                files[path] = (folder / path).read_bytes()
            waiting += _imports(name, path, files[path])
    return Source(digest=digest_of(entry, files), entry=entry, root=str(root), files=files)


def digest_of(entry: str, files: Mapping[str, bytes]) -> str:
    """The digest of a source: 64 hexadecimal digits."""
    total = hashlib.sha256()
    for part in (entry.encode(), *(piece for path in sorted(files) for piece in (path.encode(), files[path]))):
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()


def _imports(name: str, path: str, content: bytes) -> Iterator[str]:
    """Every name that module `name` may import, with the packages above it. None for a file that is no Python."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # importing it will say what is wrong, with the line
    package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from () if is_foreign(alias.name) else lineage(alias.name)
        elif isinstance(node, ast.ImportFrom) and (node.level or not is_foreign(node.module or "")):
            origin = _origin(node, package)
            yield from lineage(origin)
            yield from (f"{origin}.{alias.name}".lstrip(".") for alias in node.names)


def _origin(node: ast.ImportFrom, package: str) -> str:
    """The absolute name of what `from … import` imports from; empty for the top."""
    if not node.level:
        return node.module or ""
    above = package.split(".") if package else []
    above = above[: max(len(above) - node.level + 1, 0)]
    return ".".join([*above, *([node.module] if node.module else [])])


def lineage(name: str) -> Iterator[str]:
    """`a`, `a.b`, `a.b.c` for `a.b.c`; nothing for an empty name."""
    parts = name.split(".") if name else []
    return (".".join(parts[: n + 1]) for n in range(len(parts)))
