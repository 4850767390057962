"""Standard exceptions: those that can be rebuilt without anybody's index.

Python's builtin ones, those of `flux.errors`, and a fixed table of the standard library. The table is ours,
so that a name out of the data chooses among these and imports nothing else.

Deliberately absent: exceptions that hold open files or sockets (`urllib.error.HTTPError`), and `sqlite3`.
"""

import builtins
import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import flux.errors

TABLE: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "asyncio.exceptions": frozenset(
            {"BrokenBarrierError", "CancelledError", "IncompleteReadError", "InvalidStateError", "LimitOverrunError"}
        ),
        "asyncio.queues": frozenset({"QueueEmpty", "QueueFull"}),
        "binascii": frozenset({"Error", "Incomplete"}),
        "concurrent.futures._base": frozenset({"BrokenExecutor", "CancelledError", "InvalidStateError"}),
        "decimal": frozenset({"DivisionByZero", "InvalidOperation", "Overflow"}),
        "graphlib": frozenset({"CycleError"}),
        "http.client": frozenset({"BadStatusLine", "HTTPException", "IncompleteRead", "RemoteDisconnected"}),
        "json.decoder": frozenset({"JSONDecodeError"}),
        "shutil": frozenset({"Error", "SameFileError"}),
        "socket": frozenset({"gaierror", "herror"}),
        "ssl": frozenset({"SSLCertVerificationError", "SSLError"}),
        "statistics": frozenset({"StatisticsError"}),
        "struct": frozenset({"error"}),
        "subprocess": frozenset({"CalledProcessError", "TimeoutExpired"}),
        "tomllib": frozenset({"TOMLDecodeError"}),
        "urllib.error": frozenset({"URLError"}),
        "zipfile": frozenset({"BadZipFile"}),
        "zoneinfo._common": frozenset({"ZoneInfoNotFoundError"}),
    }
)


def standard_name(cls: type) -> str | None:
    """The name of an exception that needs no index; None for every other class."""
    name = f"{cls.__module__}:{cls.__qualname__}"
    return name if standard_error(name) is cls else None


def standard_error(name: str) -> type[BaseException] | None:
    """The exception of that name, if it is builtin, ours, or in the table."""
    module, _, qualname = name.partition(":")
    if module == "builtins":
        found = vars(builtins).get(qualname)
    elif module == "flux.errors":
        found = vars(flux.errors).get(qualname)
    elif qualname in TABLE.get(module, ()):
        # Imported here, because on replay it must not matter what happens to be loaded already.
        found = vars(importlib.import_module(module)).get(qualname)
    else:
        return None
    return found if isinstance(found, type) and issubclass(found, BaseException) else None
