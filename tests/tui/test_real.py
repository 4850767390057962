"""`flux tui` on a real daemon, in a real terminal: what all the other tests only play."""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.house import House

from .terminal import Terminal


@pytest.fixture
def house() -> Iterator[House]:
    """A daemon that offers a workflow with a pause."""
    with tempfile.TemporaryDirectory(prefix="flux-") as folder:  # short: a socket's path has room for 107 bytes
        house = House(Path(folder), workers="1", processes="1")
        try:
            house.start()
            house.offer("greeting")
            yield house
        finally:
            house.close()


@pytest.mark.timeout(180)
def test_an_execution_is_seen_answered_and_followed_to_its_end(house: House) -> None:
    """Live over the event stream; a daemon that dies and comes back is told and survived; SIGTERM ends it all."""
    with Terminal(["-m", "flux.cli", "tui", "--url", f"unix:{house.socket}"]) as terminal:
        terminal.until(lambda screen: "no executions yet" in screen and "● live" in screen, "an empty list")

        house.submit("greeting", "World")
        terminal.until(lambda screen: "‖ paused" in screen and "waits for an answer to again" in screen, "the pause")
        terminal.until(lambda screen: 'IN    "World"' in screen and "✓ greet" in screen, "its preview")

        terminal.press("p")
        terminal.until(lambda screen: "INPUT (JSON)" in screen, "the form")
        terminal.press('"you"')
        terminal.until(lambda screen: "--pause again" in screen and '"you"' in screen, "the answer")
        terminal.press("\x13")
        terminal.until(lambda screen: "✓ completed" in screen, "its end")

        terminal.press("\r")
        terminal.until(lambda screen: "old hello, you" in screen and "✓ again" in screen, "output and timeline")

        house.kill()
        terminal.until(lambda screen: "○ offline" in screen and "retry in" in screen, "that the daemon is gone")
        house.start()
        terminal.until(lambda screen: "● live" in screen, "that it is back")

        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.wait() == 143
        assert terminal.attributes() == terminal.before
