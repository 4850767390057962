"""What the daemon says about itself: log lines, and word to systemd.

On a terminal a line is time, level and text; elsewhere it is one JSON object, so that a program can read
it. Payloads of users are never logged. The environment is read elsewhere: the address of systemd's
socket is an argument.
"""

import json
import logging
import socket
import sys
from datetime import UTC, datetime
from typing import Final, TextIO

_FORMAT: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """One JSON object a line: instant, level, logger, message, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for `record`."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        elif record.exc_text:  # a filter has rendered it already
            line["traceback"] = record.exc_text
        return json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def start_logging(stream: TextIO | None = None, *, level: int = logging.INFO) -> None:
    """Send log lines of the product to `stream`; None: to what is standard error now."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter(_FORMAT, "%H:%M:%S") if stream.isatty() else JsonLines())
    logger = logging.getLogger("flux")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


class Notifier:
    """Tells systemd how the service is (sd_notify(3)); without an address it says nothing."""

    def __init__(self, address: str | None) -> None:
        self._address = "\0" + address[1:] if address and address.startswith("@") else address

    def tell(self, *assignments: str) -> None:
        """Send lines such as `READY=1`. A manager that is not there is no reason to stop."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            try:
                sender.sendto("\n".join(assignments).encode(), self._address)
            except OSError as exc:
                logging.getLogger("flux.daemon").warning("systemd cannot be told %s: %s", assignments[0], exc)
