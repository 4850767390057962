"""The example `documents.py`."""

from pathlib import Path

from examples.documents import documents

SPEECH = "we choose to go to the harbour because the harbour is there and because ships leave it"


def test_many_texts_are_read_and_compared(tmp_path: Path) -> None:
    """Every text once, however many at a time; copies are found, other files are left alone."""
    (tmp_path / "one.txt").write_text(SPEECH, "utf-8")
    (tmp_path / "two.md").write_text(f"{SPEECH} today", "utf-8")
    (tmp_path / "three.txt").write_text("nothing of the kind", "utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")

    context = documents.run({"folder": str(tmp_path), "limit": 2})

    output = context.output
    assert (output["documents"], output["words"]) == (3, 39)
    assert output["common"][0] == ("harbour", 4)
    assert [copy[:2] for copy in output["copies"]] == [("one.txt", "two.md")]
