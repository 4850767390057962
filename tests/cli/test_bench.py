"""`flux bench`: that it measures and shows, never what."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import flux.cli

ROOT = Path(flux.cli.__file__).parent.parent.parent


def run_bench(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`flux bench` from the code in `root`."""
    command = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(root)!r}); import flux.cli.__main__"]
    return subprocess.run([*command, "bench", *arguments], capture_output=True, text=True, check=False)


def test_a_workload_is_measured_and_shown() -> None:
    """The figure, its unit, and what was written for it; progress is not among the data."""
    done = run_bench(ROOT, "W1", "--tiny", "--no-limit", "--repeat", "1")

    assert done.returncode == 0, done.stderr
    header, row = (line.split("\t") for line in done.stdout.splitlines())
    shown = dict(zip(header, row, strict=True))
    assert shown["key"] == "W1"
    assert shown["ours"].endswith("µs/task")
    assert float(shown["commits"]) > 1
    assert "[1/1] W1" in done.stderr


def test_json_names_machine_and_workloads() -> None:
    """Every figure has its unit and the value of each run; a limit that was not measured is null."""
    done = run_bench(ROOT, "w5", "--tiny", "--no-limit", "--repeat", "2", "--json")

    found = json.loads(done.stdout)
    assert found["machine"]["cores"] >= 1
    entry = found["workloads"]["W5"]
    assert (entry["unit"], entry["limit"], entry["ratio"]) == ("ms", None, None)
    assert len(entry["runs"]) == 2
    assert all(run["ours"] > 0 for run in entry["runs"])


def test_outside_a_checkout_it_says_so(tmp_path: Path) -> None:
    """An installation has no benchmarks: code 2."""
    shutil.copytree(ROOT / "flux", tmp_path / "flux", ignore=shutil.ignore_patterns("__pycache__"))

    done = run_bench(tmp_path, "W1")

    assert done.returncode == 2
    assert "checkout" in done.stderr
