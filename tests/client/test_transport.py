"""The blocking transport costs what it must and nothing more."""

import subprocess
import sys
from pathlib import Path

import flux

HEAVY = ("aiohttp", "pydantic", "asyncio", "msgspec", "apsw", "click", "flux.engine", "flux.store", "flux.server")


def test_importing_it_imports_nothing_heavy():
    """A command that lists executions must not wait for a framework."""
    code = f"import sys, flux.client.blocking; print([name for name in {HEAVY!r} if name in sys.modules])"
    root = Path(flux.__file__).parent.parent

    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
