"""Where the examples keep what they run on: a folder that is gone afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of Flux for all examples of this run. One for all: a process has one engine."""
    folder = tmp_path_factory.mktemp("flux-home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLUX_HOME", str(folder))
        yield folder
