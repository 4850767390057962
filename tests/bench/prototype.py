"""The limit prototype in the same run: what the machine could do at this moment without an engine."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.bench.daemon import fresh_folder

_SCRIPT: Final = Path(__file__).parent / "limit" / "limit.py"
_PATIENCE: Final = 120.0  # seconds


def limit_of(workload: str) -> Mapping[str, float]:
    """The medians of one run of the prototype.

    Raises:
        RuntimeError: it failed.
    """
    with fresh_folder() as folder:
        done = subprocess.run(
            [sys.executable, "-B", str(_SCRIPT), workload, "--repeat", "1"],
            env={**os.environ, "BENCH_WORK": str(folder)},
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    result = json.loads(lines[-1]) if lines else {}
    if done.returncode or "error" in result or not lines:
        raise RuntimeError(f"the limit prototype failed at {workload}:\n{done.stderr[-4000:]}")
    return {name: found["median"] for name, found in result["summary"].items() if isinstance(found, dict)}
