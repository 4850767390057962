"""The example `demo.py`."""

from pathlib import Path

from examples.demo import STEPS, demo


def test_every_step_leaves_one_line_in_order(tmp_path: Path) -> None:
    """What the ledger shows when nobody kills anything."""
    ledger = tmp_path / "ledger.txt"

    context = demo.run(str(ledger))

    assert context.output == list(range(1, STEPS + 1))
    assert [int(line.split()[0]) for line in ledger.read_text("utf-8").splitlines()] == context.output
