"""The example `nightly_import.py`."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from examples.nightly_import import Places, nightly_import

GOOD = "id,name,email\n1,Ada,ada@example.org\n2,Grace,Grace@Example.org\n"
MIXED = (
    "id,name,email\n3,Alan,alan@example.org\nx,Nobody,no@example.org\n4,Edsger,nowhere\nonly one\n5,Tony,t@x.org,more\n"
)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """An inbox with two files, and no database yet."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.csv").write_text(GOOD, "utf-8")
    (inbox / "b.csv").write_text(MIXED, "utf-8")
    return {"inbox": str(inbox), "database": str(tmp_path / "customers.db")}


def customers(places: Places) -> dict[int, str]:
    """Who is in the table: id -> address."""
    with closing(sqlite3.connect(places["database"])) as db:
        return dict(db.execute("SELECT id, email FROM customers"))


def test_rows_are_stored_and_nonsense_is_kept_aside(places: Places) -> None:
    """One bad line costs one line."""
    context = nightly_import.run(places)

    rejects = Path(places["database"]).with_name("rejects.jsonl")
    assert context.output == {"files": 2, "rows": 3, "rejected": 4, "rejects": str(rejects)}
    assert customers(places) == {1: "ada@example.org", 2: "grace@example.org", 3: "alan@example.org"}
    assert [json.loads(line)["line"] for line in rejects.read_text("utf-8").splitlines()] == [3, 4, 5, 6]


def test_a_second_night_imports_only_what_is_new(places: Places) -> None:
    """Files are known by what is in them; a changed row replaces the old one."""
    nightly_import.run(places)
    Path(places["inbox"], "c.csv").write_text("id,name,email\n1,Ada,ada@new.example\n", "utf-8")

    assert nightly_import.run(places).output == {"files": 1, "rows": 1, "rejected": 0}
    assert nightly_import.run(places).output == {"files": 0, "rows": 0, "rejected": 0}
    assert customers(places)[1] == "ada@new.example"
