"""Sources: which files belong to a workflow, and what they are called."""

from pathlib import Path

import pytest

from flux.worker.sources import digest_of, gather, names_of


def write(root: Path, files: dict[str, str]) -> None:
    """Make a folder with these files."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


PACKAGE = {"p/__init__.py": "name = 1", "p/q.py": "", "p/r.py": ""}
RELATIVE = {"p/a.py": "from . import q\nfrom .c import x", "p/c.py": "x = 1", **PACKAGE}


@pytest.mark.parametrize(
    ("entry", "files", "found"),
    [
        ("a.py", {"a.py": "import b", "b.py": "import c", "c.py": "", "d.py": ""}, {"a.py", "b.py", "c.py"}),
        ("a.py", {"a.py": "import os, json", "json.py": ""}, {"a.py"}),
        ("a.py", {"a.py": "import flux", "flux.py": ""}, {"a.py"}),
        ("email.py", {"email.py": "import email, b", "b.py": ""}, {"email.py", "b.py"}),
        ("a.py", {"a.py": "def f():\n import b", "b.py": ""}, {"a.py", "b.py"}),
        ("a.py", {"a.py": "import p.q", **PACKAGE}, {"a.py", "p/__init__.py", "p/q.py"}),
        ("a.py", {"a.py": "from p import q, name", **PACKAGE}, {"a.py", "p/__init__.py", "p/q.py"}),
        ("a.py", {"a.py": "from p import q", "p/q.py": ""}, {"a.py", "p/q.py"}),
        ("p/a.py", RELATIVE, {"p/a.py", "p/__init__.py", "p/q.py", "p/c.py"}),
        ("n/a.py", {"n/a.py": "import b, top", "n/b.py": "", "top.py": "", "b.py": ""}, {"n/a.py", "n/b.py", "top.py"}),
        ("a.py", {"a.py": "import b", "b.py": "import a"}, {"a.py", "b.py"}),
        ("a.py", {"a.py": "def ("}, {"a.py"}),
    ],
    ids=[
        "through others", "standard library", "flux itself", "a name of the standard library", "inside a function",
        "submodule", "from package", "folder without __init__", "relative", "beside, then at the root", "circle",
        "no Python",
    ],
)  # fmt: skip
def test_local_imports_belong_to_the_source(tmp_path, entry, files, found):
    """The entry, and every file of the folder that it imports, directly or not."""
    write(tmp_path, files)

    assert set(gather(tmp_path, entry).files) == found


@pytest.mark.parametrize(
    ("entry", "files", "name"),
    [
        ("a.py", {"a.py": ""}, "a"),
        ("n/a.py", {"n/a.py": ""}, "a"),
        ("p/a.py", {"p/a.py": "", "p/__init__.py": ""}, "p.a"),
        ("n/p/a.py", {"n/p/a.py": "", "n/p/__init__.py": ""}, "p.a"),
        ("p/__init__.py", {"p/__init__.py": ""}, "p"),
    ],
    ids=["file", "in a folder", "in a package", "package in a folder", "the package itself"],
)
def test_the_entry_has_the_name_by_which_its_neighbours_import_it(tmp_path, entry, files, name):
    """Folders are no packages unless they have an `__init__.py`."""
    write(tmp_path, files)

    assert names_of(gather(tmp_path, entry)).entry == name


def test_the_digest_is_over_paths_and_bytes():
    """Moving a byte from one file to another, or renaming one, is another version."""
    base = digest_of("a.py", {"a.py": b"xy", "b.py": b"z"})

    assert base == digest_of("a.py", {"b.py": b"z", "a.py": b"xy"})
    assert (
        len({base, digest_of("a.py", {"a.py": b"x", "b.py": b"yz"}), digest_of("a.py", {"a.py": b"xy", "c.py": b"z"})})
        == 3
    )
    assert base != digest_of("b.py", {"a.py": b"xy", "b.py": b"z"})


def test_other_files_do_not_change_the_digest(tmp_path):
    """What a workflow does not import is not its business."""
    write(tmp_path, {"a.py": "", "b.py": "1"})
    before = gather(tmp_path, "a.py").digest
    write(tmp_path, {"b.py": "2"})

    assert gather(tmp_path, "a.py").digest == before
