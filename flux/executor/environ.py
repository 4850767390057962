"""The environment that workers get: the daemon's, without what is the daemon's alone.

`FLUX_…` holds the path of the database and may hold secrets; systemd's variables lead to its socket, its
credentials and its folders. The rest stays, since authors keep settings there.
"""

import os
import site
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_DAEMONS_OWN: Final = frozenset(
    {
        "CACHE_DIRECTORY", "CONFIGURATION_DIRECTORY", "CREDENTIALS_DIRECTORY", "INVOCATION_ID", "JOURNAL_STREAM",
        "LISTEN_FDNAMES", "LISTEN_FDS", "LISTEN_PID", "LOGS_DIRECTORY", "MAINPID", "MANAGERPID", "NOTIFY_SOCKET",
        "PYTHONSTARTUP", "RUNTIME_DIRECTORY", "STATE_DIRECTORY", "WATCHDOG_PID", "WATCHDOG_USEC",
    }
)  # fmt: skip
_HOME: Final = Path(__file__).resolve().parents[2]  # the folder that holds `flux`


def for_workers(given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a launcher, made of the daemon's.

    PYTHONHASHSEED is fixed, so that sets of strings are iterated in the same order by every worker.
    """
    kept = {name: value for name, value in given.items() if not name.startswith("FLUX_") and name not in _DAEMONS_OWN}
    path = [*import_path(), *given.get("PYTHONPATH", "").split(os.pathsep)]
    return {**kept, "PYTHONPATH": os.pathsep.join(entry for entry in path if entry), "PYTHONHASHSEED": "0"}


def import_path() -> list[str]:
    """Where a worker finds the product and its dependencies, beyond what its interpreter knows by itself.

    A single-file bundle unpacks them to a folder that no interpreter knows. Folders that it does know are left
    out: named here, they would come before the standard library.
    """
    known = {*site.getsitepackages(), site.getusersitepackages()}
    installed = (entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages"))
    return [entry for entry in dict.fromkeys([str(_HOME), *installed]) if entry not in known]
