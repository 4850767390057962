"""The rules about imports: each gives the places where the source breaks it.

A rule is a function of the whole source. `RULES` in `test_architecture.py` names them all.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from tests.architecture.rooms import CLIMBS, allowed, room_of
from tests.architecture.tree import PACKAGES, Import, Module, Source

NEVER_ANYWHERE = {
    "pickle": "never pickle", "cloudpickle": "never pickle", "dill": "never pickle", "shelve": "never pickle",
    "joblib": "never pickle", "sqlite3": "a second SQLite on one file loses locks and rows",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One place that breaks a rule."""

    module: Module
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.module.path}:{self.line}: {self.text}"


def every_import(source: Source) -> Iterator[tuple[Module, Import]]:
    """All imports of all modules."""
    for module in source.modules.values():
        for found in source.imports(module):
            yield module, found


def is_ours(target: str) -> bool:
    """Whether `target` is a module of this repository."""
    return target.partition(".")[0] in PACKAGES


def climbs(module: Module, found: Import) -> bool:
    """Whether this import is one of the few that may go up."""
    return CLIMBS.get((module.name, found.function.partition(".")[0])) == found.target


def rooms(source: Source) -> Iterator[Violation]:
    """Every file stands in a room of the table."""
    for module in source.modules.values():
        if room_of(module.name) is None:
            yield Violation(
                module=module, line=1, text=f"{module.name} stands in no room of tests/architecture/rooms.py"
            )


def floors(source: Source) -> Iterator[Violation]:
    """An import goes to the module's own room or to one that its row names."""
    for module, found in every_import(source):
        here, there = room_of(module.name), room_of(found.target)
        if here is None or there is None or here is there or not is_ours(found.target) or climbs(module, found):
            continue
        if there not in allowed(here, in_function=bool(found.function)):
            text = f"{here.name} (floor {here.floor}) may not import {there.name} (floor {there.floor}): {found.target}"
            yield Violation(module=module, line=found.line, text=text)


def third_party(source: Source) -> Iterator[Violation]:
    """A room imports the packages of its row, in the places that the row says."""
    for module, found in every_import(source):
        package, here = found.target.partition(".")[0], room_of(module.name)
        if here is None or is_ours(package) or package in sys.stdlib_module_names:
            continue
        if not here.may_import(package, module.name, in_function=bool(found.function)):
            where = "in a function" if found.function else "at the top"
            yield Violation(module=module, line=found.line, text=f"{module.name} may not import {package} {where}")


def standard_library(source: Source) -> Iterator[Violation]:
    """A room keeps away from the modules that would break its promise; nobody pickles or opens sqlite3."""
    for module, found in every_import(source):
        package, here = found.target.partition(".")[0], room_of(module.name)
        if package in NEVER_ANYWHERE:
            yield Violation(module=module, line=found.line, text=f"{package}: {NEVER_ANYWHERE[package]}")
        elif here is not None and package in here.never.split():
            yield Violation(module=module, line=found.line, text=f"{here.name} never imports {package}")


def face(source: Source) -> Iterator[Violation]:
    """Inside the repository nobody imports from the public face `flux`."""
    for module, found in every_import(source):
        if found.target == "flux":
            yield Violation(module=module, line=found.line, text="import from the room, not from the face `flux`")


def deferred(source: Source) -> Iterator[Violation]:
    """No import hides in a function, but in commands, heavy packages of the row (`?`), and the named climbs."""
    for module, found in every_import(source):
        here = room_of(module.name)
        if not found.function or here is None or here.name == "cli" or climbs(module, found):
            continue
        package = found.target.partition(".")[0]
        if is_ours(package) or f"{package}?" not in here.others.split():
            text = f"{found.function} imports {found.target} inside the function"
            yield Violation(module=module, line=found.line, text=text)


def circles(source: Source) -> Iterator[Violation]:
    """No module reaches itself by following imports, those for types only included."""
    graph = {
        module.name: {
            found.target
            for found in source.imports(module)
            if found.target in source.modules and not climbs(module, found)
        }
        for module in source.modules.values()
    }
    told: set[str] = set()
    for start in graph:
        path = _way_back(graph, start)
        if path and start not in told:
            told.update(path)
            yield Violation(module=source.modules[start], line=1, text="circle: " + " → ".join([start, *path]))


def _way_back(graph: dict[str, set[str]], start: str) -> list[str]:
    """The shortest way from `start` along imports back to it; empty if there is none."""
    before: dict[str, str] = {}
    waiting = [start]
    for here in waiting:
        for there in sorted(graph.get(here, ())):
            if there == start:
                path = [start]
                while here != start:
                    path.insert(0, here)
                    here = before[here]  # noqa: PLW2901 - walking back along the way
                return path
            if there not in before:
                before[there] = here
                waiting.append(there)
    return []
