"""The types of what authors import: a strict checker finds the results of tasks and the mistakes in calls."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def test_mypy_accepts_what_is_right_and_rejects_what_is_wrong() -> None:
    """`rejected.py` ignores each error by its code; strict mypy complains of an ignore that hides nothing."""
    checked = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "mypy",
                "--strict",
                "--no-error-summary",
                "--config-file=",
                "--follow-imports=silent",
            ),
            *("--python-version=3.11", "--explicit-package-bases", "--cache-dir=.mypy_cache/authors"),
            *(str(HERE / "accepted.py"), str(HERE / "rejected.py")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.stdout + checked.stderr, checked.returncode) == ("", 0)
