"""The surroundings of the terminal UI's tests: none of the person's own settings."""

import pytest


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual reads some variables of its own when an app is made."""
    for name in ("NO_COLOR", "TEXTUAL", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
