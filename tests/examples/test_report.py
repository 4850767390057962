"""The example `report.py`."""

import json
from pathlib import Path

from examples.report import report


def test_a_missing_source_leaves_a_gap_and_not_a_failure(tmp_path: Path) -> None:
    """The fallback's answer stands in the report in place of the figures."""
    for source, days in {"sales": [1, 2, 3, 2, 4], "visits": [10, 20]}.items():
        (tmp_path / f"{source}.json").write_text(json.dumps(days), "utf-8")

    context = report.run({"sources": str(tmp_path), "folder": str(tmp_path / "reports")})

    assert context.output["missing"] == ["tickets"]
    text = Path(context.output["report"]).read_text("utf-8")
    assert "| sales | 12 | 2.4 | ▂▄▆▄█ |" in text
    assert "| visits | 30 | 15.0 | ▄█ |" in text
    assert "| tickets | – | – | no figures this week |" in text
    assert [path.suffix for path in (tmp_path / "reports").iterdir()] == [".md"]
