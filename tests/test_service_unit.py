"""`fluxd.service`: what systemd is told about the daemon."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parent.parent / "fluxd.service"
DRAIN = 60  # seconds that running bodies get after TERM, unless configured otherwise
EXPOSURE = 2.0  # of 10; above it, something that protects has been lost

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")


@pytest.fixture
def settings() -> dict[str, str]:
    """The keys of all sections; of a key that stands there twice, the last."""
    lines = [line for line in UNIT.read_text().splitlines() if line and not line.startswith(("#", "["))]
    return dict(line.split("=", 1) for line in lines)


def test_no_line_ends_in_a_comment() -> None:
    """systemd takes a comment at the end of a line for a part of the value."""
    assert [
        line for line in UNIT.read_text().splitlines() if re.search(r"=.*\s[#;]", line) and line[0] not in "#;"
    ] == []


def test_the_daemon_says_when_it_is_ready_and_that_it_lives(settings) -> None:
    """systemd waits for READY=1 and restarts a daemon whose loop or disk has stopped."""
    assert settings["Type"] == "notify"
    assert int(settings["WatchdogSec"]) > 0
    assert settings["ExecReload"].endswith("-HUP $MAINPID")


def test_stopping_leaves_time_to_drain(settings) -> None:
    """TERM goes to the daemon alone, and nothing is killed before the drain is over."""
    assert settings["KillMode"] == "mixed"
    assert int(settings["TimeoutStopSec"]) > DRAIN


def test_a_wrong_configuration_is_not_tried_for_ever(settings) -> None:
    """Exit code 78 says that a restart cannot help."""
    assert settings["Restart"] == "on-failure"
    assert settings["RestartPreventExitStatus"] == "78"


def test_a_client_of_another_user_can_be_known(settings) -> None:
    """Who connects is asked of the kernel; these would hide it and refuse everybody."""
    assert {"PrivateUsers", "ProtectProc", "DynamicUser"}.isdisjoint(settings)


def test_folders_and_key_come_from_systemd(settings) -> None:
    """State, runtime folder and master key are handed in; no path stands in the command."""
    assert settings["StateDirectory"] == settings["RuntimeDirectory"] == "flux"
    assert settings["LoadCredential"] == "master-key"
    assert settings["ExecStart"] == "/usr/local/bin/fluxd serve"


@needs_systemd
def test_systemd_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    """The unit is understood whole. Its program is not installed here, so another one stands in its place."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/usr/local/bin/fluxd", shutil.which("true") or "/bin/true"))

    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)

    # Complaints about other units of this machine are none of ours.
    assert [line for line in done.stderr.splitlines() if UNIT.name in line] == []


@needs_systemd
def test_the_unit_stays_hardened() -> None:
    """systemd's own measure of what a service could do stays at or below 2.0."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    if found is None:
        pytest.skip(f"this systemd cannot measure a unit offline: {done.stderr.strip()}")

    assert float(found[1]) <= EXPOSURE
