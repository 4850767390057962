"""The watched folder: which files count, and which folders are not to be trusted."""

import os
import stat

import pytest

from flux.errors import InvalidConfiguration
from flux.executor.folder import check, distrust, scan
from tests.worker.test_sources import write


def names(folder):
    """The workflow files of a folder, relative to it."""
    return sorted(str(path.relative_to(folder)) for path in scan(folder)[0])


def test_only_workflow_files_count(tmp_path):
    """No hidden files, no editors' temporaries, no caches, no environments."""
    write(
        tmp_path,
        {
            "a.py": "", "n/b.py": "", "p/__init__.py": "",
            ".hidden.py": "", ".#a.py": "", "#a.py#": "", "a.py~": "", "a.py.swp": "", "notes.txt": "", "4913": "",
            "__pycache__/a.py": "", ".git/hook.py": "", "venv/pyvenv.cfg": "", "venv/x.py": "", "node_modules/x.py": "",
        },
    )  # fmt: skip

    assert names(tmp_path) == ["a.py", "n/b.py", "p/__init__.py"]


def test_links_are_followed_and_circles_end(tmp_path):
    """A link to a folder that is there already shows nothing twice."""
    write(tmp_path, {"w/a.py": "", "elsewhere/b.py": ""})
    (tmp_path / "w/link.py").symlink_to(tmp_path / "elsewhere/b.py")
    (tmp_path / "w/folder").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "w/loop").symlink_to(tmp_path / "w")
    (tmp_path / "w/nowhere.py").symlink_to(tmp_path / "gone.py")

    assert names(tmp_path / "w") == ["a.py", "folder/b.py", "link.py"]


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    """With its name."""
    with pytest.raises(InvalidConfiguration, match="gone"):
        check(tmp_path / "gone")


def test_a_file_is_no_folder(tmp_path):
    """And says so."""
    (tmp_path / "f").touch()

    with pytest.raises(InvalidConfiguration, match="not a folder"):
        check(tmp_path / "f")


@pytest.mark.parametrize(
    ("mode", "is_own", "is_refused"),
    [(0o755, False, False), (0o775, False, True), (0o757, False, True), (0o777, True, False), (0o700, True, False)],
    ids=["theirs, only they write", "theirs, group writes", "theirs, all write", "ours, all write", "ours"],
)
def test_a_folder_of_somebody_else_that_others_write_to_is_refused(tmp_path, mode, is_own, is_refused):
    """Whoever may write there would run code as the daemon."""
    found = list(tmp_path.stat())
    found[stat.ST_MODE] = stat.S_IFDIR | mode
    found[stat.ST_UID] = os.geteuid() if is_own else os.geteuid() + 1

    reason = distrust(os.stat_result(found))

    assert (reason is not None) == is_refused
    assert reason is None or "chmod" in reason


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_inside_that_cannot_be_trusted_is_left_out(tmp_path):
    """The rest of the folder goes on; the reason is told."""
    write(tmp_path, {"a.py": "", "n/b.py": ""})
    (tmp_path / "n").chmod(0o777)
    os.chown(tmp_path / "n", 12345, -1)

    found, refused = scan(tmp_path)

    assert [path.name for path in found] == ["a.py"]
    assert "12345" in refused[0]
