"""Where a database may lie, and that one process at a time has it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flux.errors import UnusableDatabase
from flux.store.place import NETWORK_TYPES, Lock, refuse_network_disk, type_of_mount

MOUNTS = """\
23 29 0:21 / /proc rw,nosuid shared:5 - proc proc rw
29 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
41 29 0:40 / /home rw - autofs systemd-1 rw
42 41 0:41 / /home/ada rw,nosuid shared:20 master:2 - nfs4 server:/export/ada rw,vers=4.2
43 42 8:2 /local /home/ada/local rw - xfs /dev/sdb1 rw
44 29 0:44 / /mnt/two\\040words\\134x rw - cifs //server/share rw
45 29 8:3 / /srv rw - ext4 /dev/sdc1 rw
46 45 0:46 / /srv rw - fuse.sshfs host:/srv rw
a line that is none
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/var/lib/flux", "ext4"),
        ("/home/bob", "autofs"),
        ("/home/ada", "nfs4"),
        ("/home/ada/flux", "nfs4"),
        ("/home/adamant", "autofs"),
        ("/home/ada/local/flux", "xfs"),
        ("/mnt/two words\\x/flux", "cifs"),
        ("/srv/flux", "fuse.sshfs"),
    ],
)
def test_the_innermost_and_newest_mount_counts(folder: str, kind: str):
    """Mounts lie in one another, and over one another; a name that only begins alike is another folder."""
    assert type_of_mount(Path(folder), MOUNTS) == kind


def test_an_empty_table_tells_nothing():
    """Then the folder is taken."""
    assert type_of_mount(Path("/srv"), "") is None


@pytest.mark.parametrize("kind", sorted(NETWORK_TYPES))
def test_network_disks_are_refused_by_their_type(tmp_path: Path, kind: str):
    """SQLite's WAL needs memory that all of its users share; the message names the type."""
    table = f"29 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 29 0:30 / {tmp_path} rw - {kind} server:/x rw\n"

    with pytest.raises(UnusableDatabase, match=rf"\({kind}\)"):
        refuse_network_disk(tmp_path / "state", table)


def test_a_link_to_a_network_disk_is_one(tmp_path: Path):
    """What counts is where the file really lies."""
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to("far")
    table = f"29 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 29 0:30 / {tmp_path}/far rw - nfs server:/x rw\n"

    with pytest.raises(UnusableDatabase):
        refuse_network_disk(tmp_path / "near", table)


def test_the_disk_of_this_machine_is_taken(tmp_path: Path):
    """By the kernel's own table."""
    refuse_network_disk(tmp_path)


# ---------------------------------------------------------------------- the lock

HOLDER = """
import sys
from pathlib import Path
from flux.store.place import Lock

lock = Lock.take(Path(sys.argv[1]))
print("mine", flush=True)
sys.stdin.read()
"""


def a_holder(database: Path) -> "subprocess.Popen[str]":
    """Another process that has the lock, until it is killed."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "mine\n"
    return holder


def test_a_second_daemon_is_refused_and_told_who_the_first_is(tmp_path: Path):
    """By its pid: whoever reads that knows what to stop. Once it is dead, however it died, the file is free."""
    database = tmp_path / "flux.db"
    holder = a_holder(database)

    with pytest.raises(UnusableDatabase, match=rf"in use by another Flux \(pid {holder.pid}\)") as caught:
        Lock.take(database)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    lock = Lock.take(database)

    assert caught.value.facts == {"pid": str(holder.pid)}
    assert lock.path.read_text() == f"{os.getpid()}\n"
    lock.release()


def test_the_lock_is_that_of_the_file_whatever_it_is_called(tmp_path: Path):
    """Two names of one file are one file."""
    (tmp_path / "real").mkdir()
    (tmp_path / "other.db").symlink_to("real/flux.db")
    lock = Lock.take(tmp_path / "real" / "flux.db")

    with pytest.raises(UnusableDatabase, match="in use"):
        Lock.take(tmp_path / "other.db")

    lock.release()


FORKS = """
import os, sys
from pathlib import Path
from flux.store.place import Lock

lock = Lock.take(Path(sys.argv[1]))
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    if sys.argv[2] == "the child lets go":
        lock.release()
    else:
        os.close(writing)
        os.read(reading, 1)  # until the parent has closed its end
    os._exit(0)
os.close(reading)
if sys.argv[2] == "the child lets go":
    os.waitpid(child, 0)
else:
    lock.release()
try:
    Lock.take(Path(sys.argv[1]))
    print("free")
except Exception as exc:
    print(exc)
"""


@pytest.mark.parametrize(
    ("who", "told"), [("the parent lets go", "free"), ("the child lets go", "in use by another Flux")]
)
def test_a_lock_is_its_takers_and_no_forked_childs(tmp_path: Path, who: str, told: str):
    """A child that knows nothing of it neither keeps the file from others nor gives away what is its parent's."""
    done = subprocess.run(
        [sys.executable, "-c", FORKS, str(tmp_path / "flux.db"), who],
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    assert told in done.stdout


def test_a_folder_that_cannot_be_written_is_an_error_in_our_words(tmp_path: Path):
    """Not a traceback."""
    with pytest.raises(UnusableDatabase, match="cannot be opened"):
        Lock.take(tmp_path / "missing" / "flux.db")
