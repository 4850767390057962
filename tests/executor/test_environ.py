"""The environment of workers."""

import os
import subprocess
import sys

from flux.executor.environ import for_workers, import_path


def test_what_is_the_daemons_alone_is_left_out():
    """Our own variables, systemd's socket, and its credentials."""
    given = {"FLUX_PATHS__STATE": "/s", "NOTIFY_SOCKET": "/n", "CREDENTIALS_DIRECTORY": "/c", "OPENAI_API_KEY": "k"}

    kept = for_workers(given)

    assert kept.keys() - {"PYTHONPATH", "PYTHONHASHSEED"} == {"OPENAI_API_KEY"}


def test_the_hash_seed_is_fixed():
    """Sets of strings are iterated alike by every worker."""
    assert for_workers({"PYTHONHASHSEED": "random"})["PYTHONHASHSEED"] == "0"


def test_folders_that_the_daemon_was_told_of_stay():
    """After ours."""
    path = for_workers({"PYTHONPATH": f"/mine{os.pathsep}/yours"})["PYTHONPATH"].split(os.pathsep)

    assert path == [*import_path(), "/mine", "/yours"]


def test_the_product_is_found_from_anywhere(tmp_path):
    """By an interpreter that knows nothing but the given path."""
    command = [sys.executable, "-P", "-c", "import flux.wire.frames; print('found')"]
    done = subprocess.run(command, env=for_workers({}), cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.stdout == "found\n", done.stderr


def test_a_folder_of_packages_that_no_interpreter_knows_comes_along(tmp_path, monkeypatch):
    """As a single-file bundle unpacks them."""
    packages = tmp_path / "site-packages"
    monkeypatch.syspath_prepend(str(packages))

    assert str(packages) in for_workers({})["PYTHONPATH"].split(os.pathsep)
    assert not any("/lib/python" in entry and "site-packages" not in entry for entry in import_path())
