"""Standard exceptions: the fixed table holds what it says, on every Python we support."""

import asyncio
import json
import subprocess

import pytest

from flux.codec.standard import TABLE, standard_error, standard_name
from flux.errors import FluxError, StaleLease


def test_every_name_in_the_table_is_an_exception_under_that_name():
    """A typo would only show in somebody's failed workflow."""
    for module, names in TABLE.items():
        for name in names:
            found = standard_error(f"{module}:{name}")
            assert found is not None, f"{module}:{name}"
            assert standard_name(found) == f"{module}:{name}"


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (ValueError, "builtins:ValueError"),
        (StaleLease, "flux.errors:StaleLease"),
        (asyncio.CancelledError, "asyncio.exceptions:CancelledError"),
        (json.JSONDecodeError, "json.decoder:JSONDecodeError"),
        (subprocess.CalledProcessError, "subprocess:CalledProcessError"),
        (int, None),
        (type("ValueError", (Exception,), {"__module__": "builtins"}), None),
        (type("Own", (FluxError,), {}), None),
    ],
)
def test_a_standard_exception_is_known_by_itself_only(cls: type, name: str | None):
    """A class that borrows a name is not the class of that name."""
    assert standard_name(cls) == name


@pytest.mark.parametrize("name", ["builtins:eval", "builtins:int", "os:error", "flux.errors:ClassVar", "x", ""])
def test_nothing_but_exceptions_of_the_table_is_found(name: str):
    """The table is a wall, not a door."""
    assert standard_error(name) is None
