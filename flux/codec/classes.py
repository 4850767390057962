"""Classes: which of an author's classes a recorded value may be made of.

A class is recorded by name and found again only in a `ClassIndex` that the caller built from modules which
are loaded already (`namespaces.py`). Four kinds can be kept: dataclasses, enumerations, named tuples and
exceptions. A class without a name in the index is refused when it is encoded, not when it is read.
"""

import enum
import sys
from collections.abc import Mapping
from dataclasses import is_dataclass
from types import FunctionType, ModuleType
from typing import Final, Literal

from flux.codec.namespaces import Source, enclosed_classes
from flux.codec.standard import standard_name

Kind = Literal["enum", "error", "data", "named"]

_HEAP_TYPE: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a `class` statement, not by C


def kind_of(cls: type) -> Kind | None:
    """Which of the four kinds `cls` is; None for any other class."""
    if issubclass(cls, enum.Enum):
        return "enum" if cls.__members__ else None  # calling one without members makes a new class
    if issubclass(cls, BaseException):
        return "error"
    if issubclass(cls, tuple):
        return "named" if hasattr(cls, "_fields") else None
    return "data" if is_dataclass(cls) and _is_python_only(cls) else None


def _is_python_only(cls: type) -> bool:
    """Whether all that an instance holds is in its attributes; a `dict` among the bases would hold more."""
    return all(base is object or base.__flags__ & _HEAP_TYPE for base in cls.__mro__)


def _is_kept(cls: type) -> bool:
    return kind_of(cls) is not None and standard_name(cls) is None


class ClassIndex:
    """The classes that values may be made of, by name. Built once for each version of a source."""

    def __init__(self, classes: Mapping[str, type] | None = None) -> None:
        self._by_name: dict[str, type] = {}
        self._names: dict[type, str] = {}
        self._learn(classes or {})

    @classmethod
    def of_module(cls, module: ModuleType, *more: ModuleType) -> "ClassIndex":
        """The classes that a workflow's source can name.

        Its own, those of its local modules, and those at the top of what it imports from elsewhere, so that
        `import httpx` is enough for `httpx.ReadTimeout`. `more` are modules of the same source.
        """
        return cls(Source(module, *more).classes(_is_kept))

    @classmethod
    def growing(cls, *modules: ModuleType, near: FunctionType | None = None) -> "ClassIndex":
        """An index for a process that is its own source: a script, a REPL, a notebook.

        It takes in every class that is encoded with it, also one that is local to a function, and finds the
        others in `modules` (`__main__` if none is given) as they are at that moment, and in what `near` uses of
        the functions around it.
        """
        index = _GrowingIndex(modules or (sys.modules["__main__"],))
        for enclosed in () if near is None else filter(_is_kept, enclosed_classes(near)):
            index.name_of(enclosed)
        return index

    def __len__(self) -> int:
        return len(self._by_name)

    def name_of(self, cls: type) -> str | None:
        """The name under which `find` gives exactly `cls`; None if there is none."""
        return self._names.get(cls)

    def find(self, name: str) -> type | None:
        """The class that was recorded as `name`, or None."""
        return self._by_name.get(name)

    def _learn(self, classes: Mapping[str, type]) -> None:
        for name, cls in classes.items():
            self._by_name[name] = cls
            self._names[cls] = name


class _GrowingIndex(ClassIndex):
    """Learns classes as they are encoded. A class that is defined anew takes over the name of the old one."""

    def __init__(self, modules: tuple[ModuleType, ...]) -> None:
        super().__init__()
        self._source = Source(*modules)
        self._labels = {self._source.label(module): module for module in modules}
        self._refresh()

    def name_of(self, cls: type) -> str | None:
        name = self._names.get(cls)
        if name is not None and self.find(name) is cls:
            return name
        self._refresh()
        name = self._names.get(cls)
        if name is None or self.find(name) is not cls:
            name = self._free_name(cls)
            self._learn({name: cls})
        return name

    def find(self, name: str) -> type | None:
        found = self._in_namespace(name) or self._by_name.get(name)
        if found is None:
            self._refresh()
            found = self._by_name.get(name)
        return found

    def _in_namespace(self, name: str) -> type | None:
        """The class that has this name now; a cell of a notebook may have defined it anew."""
        label, _, qualname = name.partition(":")
        found: object = self._labels.get(label)
        for part in qualname.split("."):
            found = vars(found).get(part) if isinstance(found, type | ModuleType) else None
        return found if isinstance(found, type) and _is_kept(found) else None

    def _refresh(self) -> None:
        self._learn(self._source.classes(_is_kept))

    def _free_name(self, cls: type) -> str:
        """A name for a class that no namespace holds; two calls of one function define two such classes."""
        home = sys.modules.get(cls.__module__)
        label = cls.__module__ if home is None else self._source.label(home)
        name = first = f"{label}:{cls.__qualname__}"
        n = 1
        while self.find(name) is not None:
            n += 1
            name = f"{first}#{n}"
        return name
