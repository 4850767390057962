"""The Python client: `FluxClient` (async) and `FluxClient.sync()`.

    calls         every request as data           discovery     which daemon, which token
    transport     HTTP of the standard library    problems      answered errors as ours
    blocking      the client on it                follow        what a broken stream asks next
    asynchronous  the client on aiohttp

`FluxClient` needs aiohttp, which takes longer to import than most commands to run: it is imported on
first use. The blocking client needs nothing but the standard library.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flux.client.asynchronous import FluxClient as FluxClient

__all__ = ["FluxClient"]


def __getattr__(name: str) -> object:
    """The one name of this package that costs something."""
    if name == "FluxClient":
        return import_module("flux.client.asynchronous").FluxClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
