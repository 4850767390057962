"""The loader: pinned sources → modules, many versions side by side in one process.

A source is imported from its bytes, never from the folder. Each version is a package of its own,
`flux_source_<digest>`, below which its modules stand under their local names. Modules of a version get their own
`__builtins__`, whose `__import__` leads local names below that package and all others where they always
led. So two versions of `helpers` live in one process, and everything else is as usual.

`__file__` is where the file was, and `linecache` holds the pinned lines, so tracebacks and
`inspect.getsource` show what ran. When two versions of one path are loaded, the later one's lines are
filed under the path and its version.
"""

import builtins
import contextlib
import importlib
import importlib.util
import linecache
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

from flux.codec import ClassIndex
from flux.errors import InvalidDefinition
from flux.runtime import ImportEnds
from flux.task import Task
from flux.wire.frames import Source
from flux.worker.job import Loaded
from flux.worker.load_errors import load_error
from flux.worker.sources import names_of
from flux.workflow import Workflow

PREFIX: Final = "flux_source_"
_DIGITS: Final = 16  # of the digest, in module names; 64 bits tell the versions of one machine apart


def load(source: Source, *, for_tasks: bool = False) -> Loaded:
    """The imported source. A second call with the same digest gives the same modules.

    Args:
        for_tasks: its workflows are not wanted; a script may define one of them anew.

    Raises:
        InvalidDefinition: importing it failed; the message and `facts` say type, detail, file and line.
    """
    version = _versions.get(_package(source.digest)) or _Version(source)
    if version.loaded is not None and version.loaded_among == len(sys.modules):
        return version.loaded
    try:
        module = version.load()
        workflows = {} if for_tasks else workflows_of(module, version.modules())
    except BaseException as exc:
        version.forget()
        error = load_error(exc, source, version.prefix)
        raise InvalidDefinition(
            f"{error.file}:{error.line}: {error.type}: {error.message}",
            type=error.type,
            detail=error.message,
            file=error.file,
            line=error.line,
        ) from exc
    classes = ClassIndex.of_module(module, *version.modules())
    version.loaded = Loaded(digest=source.digest, module=module, workflows=workflows, classes=classes)
    version.loaded_among = len(sys.modules)
    return version.loaded


def is_pinned(module: str) -> bool:
    """Whether a module of this name was imported from a pinned source."""
    return module.startswith(PREFIX)


def find_function(loaded: Loaded, module: str, qualname: str) -> Callable[..., object]:
    """The plain function of that module and qualified name, in a loaded source.

    Raises:
        InvalidDefinition: no name in the module leads to it.
    """
    home = loaded.module if module == "__main__" else importlib.import_module(module)
    found: object = home
    for part in qualname.split("."):
        found = getattr(found, part, None)
    for candidate in (found, *vars(home).values()):
        function = candidate.fn if isinstance(candidate, Task) else candidate
        if callable(function) and getattr(function, "__qualname__", None) == qualname:
            return function
    raise InvalidDefinition(
        f"{qualname} in {module.removeprefix(_package(loaded.digest) + '.')} runs in a process of its own, "
        "and so must be found there by name: define it at the top of the module, or give it run='loop'"
    )


def workflows_of(module: ModuleType, local: Sequence[ModuleType]) -> dict[str, Workflow]:
    """The workflows of a module by name, in the order of their lines; not those it imports from `local` modules.

    Raises:
        InvalidDefinition: two of them have one name.
    """
    elsewhere = {id(thing) for other in local if other is not module for thing in vars(other).values()}
    found: dict[str, Workflow] = {}
    for thing in list(vars(module).values()):
        if not isinstance(thing, Workflow):
            continue
        if thing.__module__ != module.__name__ and id(thing) in elsewhere:
            continue
        other = found.setdefault(thing.name, thing)
        if other is not thing:
            first, second = sorted((other.line, thing.line))
            raise InvalidDefinition(
                f"two workflows are called {thing.name!r}, at lines {first} and {second}; rename one", line=second
            )
    return dict(sorted(found.items(), key=lambda item: item[1].line))


def forget() -> None:
    """Drop every loaded version. For processes that look at many sources one after the other."""
    for version in list(_versions.values()):
        version.forget()


def _package(digest: str) -> str:
    return PREFIX + digest[:_DIGITS]


class _Version:
    """One loaded source: a package in `sys.modules`, and the finder's knowledge about it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.prefix = _package(source.digest)
        self.names = names_of(source)
        self.builtins: dict[str, object] = {**vars(builtins), "__import__": self._import}
        self._filenames: dict[str, str] = {}
        # Looking for classes costs more than a short workflow; they are looked for again only when a body
        # has imported something since.
        self.loaded: Loaded | None = None
        self.loaded_among = 0

    def load(self) -> ModuleType:
        """The entry's module."""
        if self.prefix not in _versions:
            root = ModuleType(self.prefix, "A version of a workflow's source.")
            root.__path__ = []
            sys.modules[self.prefix] = root
            _versions[self.prefix] = self
        return importlib.import_module(f"{self.prefix}.{self.names.entry}")

    def modules(self) -> list[ModuleType]:
        """The modules of this version that are imported by now."""
        inside = f"{self.prefix}."
        return [module for name, module in list(sys.modules.items()) if name.startswith(inside)]

    def forget(self) -> None:
        """Drop everything of this version."""
        _versions.pop(self.prefix, None)
        for name in [n for n in sys.modules if n == self.prefix or n.startswith(f"{self.prefix}.")]:
            del sys.modules[name]
        for filename in self._filenames.values():
            linecache.cache.pop(filename, None)

    def place(self, path: str) -> str:
        """Where the file was when it was pinned."""
        return os.path.join(self.source.root, path)  # noqa: PTH118 - a root may be empty, and must stay so

    def filename(self, path: str) -> str:
        """The name under which `linecache` holds the pinned lines of `path`."""
        known = self._filenames.get(path)
        if known is None:
            lines = _lines(self.source.files[path])
            known = self.place(path)
            if _is_pinned(known) and linecache.cache[known][2:3] != (lines,):
                known = f"{known} (version {self.source.digest[:8]})"
            linecache.cache[known] = (len(self.source.files[path]), None, lines, known)
            self._filenames[path] = known
        return known

    def is_folder(self, name: str) -> bool:
        """Whether `name` is a folder of the source that is no package."""
        return any(self.names.is_above(name, path) for path in self.source.files)

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """What `import` does in modules of this version."""
        if level or not self.names.is_local(name, fromlist or ()):
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        inside = f"{self.prefix}.{name}"
        if fromlist:
            return builtins.__import__(inside, globals, locals, fromlist, 0)
        importlib.import_module(inside)
        return sys.modules[f"{self.prefix}.{name.partition('.')[0]}"]


def _is_pinned(filename: str) -> bool:
    """Whether `linecache` holds lines of ours: those have no time of change."""
    entry = linecache.cache.get(filename)
    return entry is not None and len(entry) > 1 and entry[1] is None


def _lines(content: bytes) -> list[str]:
    try:
        return importlib.util.decode_source(content).splitlines(keepends=True)
    except (SyntaxError, UnicodeDecodeError):
        return content.decode(errors="replace").splitlines(keepends=True)


class _Finder(Loader):
    """Finds modules below the packages of loaded versions, and executes them. Stands first in `sys.meta_path`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module of some version; None for all others."""
        prefix, _, name = fullname.partition(".")
        version = _versions.get(prefix)
        if version is None or not name:
            return None
        found = version.names.path(name)
        if found is None:
            spec = ModuleSpec(fullname, None, is_package=True)
            return spec if version.is_folder(name) else None
        spec = ModuleSpec(
            fullname, self, origin=version.place(found), is_package=found.endswith("__init__.py"), loader_state=found
        )
        spec.has_location = True
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """None: an ordinary module will do."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run the pinned bytes of `module`; a script that runs a workflow is there for what stands above that."""
        version, path = self._home(module.__name__)
        code = compile(version.source.files[path], version.filename(path), "exec", dont_inherit=True)
        vars(module)["__builtins__"] = version.builtins
        with contextlib.suppress(ImportEnds):
            exec(code, vars(module))  # noqa: S102 - this process is there to run what the author wrote

    def get_source(self, fullname: str) -> str:
        """The pinned text of a module."""
        version, path = self._home(fullname)
        return "".join(_lines(version.source.files[path]))

    def _home(self, fullname: str) -> tuple[_Version, str]:
        prefix, _, name = fullname.partition(".")
        version = _versions[prefix]
        path = version.names.path(name)
        if path is None:
            raise ImportError(f"{name} has no file in its source", name=fullname)
        return version, path


_versions: Final[dict[str, _Version]] = {}
_FINDER: Final = _Finder()
sys.meta_path.insert(0, _FINDER)
