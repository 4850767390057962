"""Namespaces: every class that the source of a workflow can name, and what to call it.

The walk starts at modules that are loaded already, and follows what they use as long as it is *local*:
a file below the folder of the workflow's file, neither installed nor of the standard library. Of other
modules only the top is looked at, so that `import httpx` makes `httpx.ReadTimeout` known.

A name is `label:qualname`. The label of a local module is its place below the folder (`orders`,
`billing.models`), whatever name it was loaded under: that one may be `__main__`, or begin with the digest of
a version, and a value must be found again by the next version and by other workflows.

Deliberately absent: imports. This file only looks at what is there.
"""

import sys
import sysconfig
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Final

VERSION_PREFIX: Final = "flux_source_"
"""How the package begins below which the modules of one version of a source are loaded."""

_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_FOREIGN: Final = (Path(__file__).resolve().parents[1], Path(sysconfig.get_paths()["stdlib"]).resolve())
_FAMILY: Final = 64  # classes nested in one class; more is a program that makes classes, not an author


class Source:
    """The modules that belong together, and their labels. The first one says which folder is theirs."""

    def __init__(self, entry: ModuleType, *more: ModuleType) -> None:
        self.entries = (entry, *more)
        self._root = _root(entry)
        self._version = _version(entry.__name__)

    def holds(self, module: ModuleType) -> bool:
        """Whether `module` is part of the source: given as such, of the same version, or a local file."""
        if any(module is entry for entry in self.entries):
            return True
        if self._version or _version(module.__name__):
            return self._version == _version(module.__name__)
        file = _file(module)
        if file is None or self._root is None or not file.is_relative_to(self._root):
            return False
        return not any(file.is_relative_to(folder) for folder in _FOREIGN) and _INSTALLED.isdisjoint(file.parts)

    def label(self, module: ModuleType) -> str:
        """The module's place in the source, dotted; its own name if it lives elsewhere."""
        file = _file(module)
        is_placed = self.holds(module) and not _version(module.__name__)
        if file is None or self._root is None or not is_placed or not file.is_relative_to(self._root):
            return unversioned(module.__name__)
        place = file.relative_to(self._root).with_suffix("")
        return ".".join(place.parts[:-1] if place.name == "__init__" else place.parts)

    def classes(self, wanted: Callable[[type], bool]) -> dict[str, type]:
        """Name → class for every wanted class that the source can name."""
        return _Walk(self, wanted).run()


def enclosed_classes(function: FunctionType) -> Iterator[type]:
    """The classes that a function uses of the functions around it, also by functions and tasks that it uses so."""
    waiting = [function]
    for user in waiting:  # grows while it is walked
        for cell in user.__closure__ or ():
            try:
                thing = cell.cell_contents
            except ValueError:
                continue  # nothing has been assigned yet
            is_ours = type(thing).__module__.startswith("flux.")  # a task; what others wrap may be a proxy
            inner = getattr(thing, "__dict__", {}).get("__wrapped__") if is_ours else thing
            if isinstance(thing, type):
                yield thing
            elif isinstance(inner, FunctionType) and inner not in waiting:
                waiting.append(inner)


def unversioned(module: str) -> str:
    """The name of a module without the version it was loaded under: `flux_source_1a2b.orders` → `orders`."""
    return module.removeprefix(_version(module))


def _version(module: str) -> str:
    package, dot, _ = module.partition(".")
    return package + dot if package.startswith(VERSION_PREFIX) else ""


class _Walk:
    def __init__(self, source: Source, wanted: Callable[[type], bool]) -> None:
        self._source = source
        self._wanted = wanted
        self._found: dict[str, type] = {}
        self._modules = list(source.entries)

    def run(self) -> dict[str, type]:
        for module in self._modules:  # grows while it is walked
            is_ours = self._source.holds(module)
            for variable, thing in list(vars(module).items()):
                if isinstance(thing, type):
                    self._take(thing, variable, module)
                if is_ours:
                    self._follow(thing)
        return self._found

    def _follow(self, thing: object) -> None:
        """Queue the module that `thing` is, or, if that is local, the one that it was defined in."""
        used = thing if isinstance(thing, ModuleType) else _home(thing)
        if used is None or any(used is module for module in self._modules):
            return
        if used is thing or self._source.holds(used):
            self._modules.append(used)

    def _take(self, cls: type, variable: str, module: ModuleType) -> None:
        home = module if cls.__module__ == module.__name__ else sys.modules.get(cls.__module__)
        label = unversioned(cls.__module__) if home is None else self._source.label(home)
        for member in _family(cls):
            if self._wanted(member) and self._found.setdefault(f"{label}:{member.__qualname__}", member) is not member:
                # Two classes of one qualified name, as a function that makes classes gives: the variable tells.
                self._found.setdefault(f"{self._source.label(module)}:{variable}", member)


def _family(cls: type) -> Iterator[type]:
    """`cls` and the classes defined inside it."""
    family = [cls]
    for member in family:
        yield member
        for thing in list(vars(member).values()):
            inside = isinstance(thing, type) and thing.__qualname__.startswith(f"{member.__qualname__}.")
            if inside and thing not in family and len(family) < _FAMILY:
                family.append(thing)


def _home(thing: object) -> ModuleType | None:
    """The module where a class, a function, a task or an instance's class was defined."""
    if isinstance(thing, type | FunctionType):
        name: object = thing.__module__
    else:
        # Not getattr: a proxy in the namespace may go to the network for an attribute.
        attributes = getattr(thing, "__dict__", {}) if type(thing).__module__.startswith("flux.") else {}
        name = attributes.get("__module__", type(thing).__module__)
    return sys.modules.get(name) if isinstance(name, str) else None


def _file(module: ModuleType) -> Path | None:
    file = vars(module).get("__file__")
    return _resolved(file) if isinstance(file, str) else None


@lru_cache(maxsize=4_096)  # each module is asked for many times; a file that moves is loaded under a new name
def _resolved(file: str) -> Path:
    return Path(file).resolve()


def _root(module: ModuleType) -> Path | None:
    """The module's folder, or the one above its outermost package; None if it has no file."""
    file = _file(module)
    if file is None:
        return None
    return next(folder for folder in file.parents if not (folder / "__init__.py").exists() or folder == folder.parent)
