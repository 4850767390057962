"""No credential in a log: a filter for loggers whose messages hold pieces of requests.

aiohttp writes a header that it cannot parse whole into its error log, with whatever stands in it. So its
loggers get this filter, which blanks the value of every `Authorization`-like header and everything that
begins like an API key, in the message and in the traceback.
"""

import logging
import re
from typing import Final

_FORMATTER: Final = logging.Formatter()
_HEADER: Final = re.compile(r"(?i)((?:proxy-)?authorization|cookie)(['\"]?\s*[:=,]\s*)[^\r\n]*")
_KEY: Final = re.compile(r"flux_[A-Za-z0-9_-]{4,}")
_TOKEN: Final = re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]+")

LOGGERS: Final = ("aiohttp.server", "aiohttp.web", "aiohttp.access", "asyncio")


class Discretion(logging.Filter):
    """Lets every record through, without its secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True, always; the record may have been changed."""
        record.msg, record.args = scrub(record.getMessage()), None
        if record.exc_info:
            # Formatters print exc_text as it stands; a traceback left in exc_info would be rendered again.
            record.exc_text, record.exc_info = scrub(_FORMATTER.formatException(record.exc_info)), None
        return True


def scrub(text: str) -> str:
    """`text` without credentials."""
    return _TOKEN.sub("***", _KEY.sub("flux_***", _HEADER.sub(r"\1\2***", text)))


def be_discreet() -> None:
    """Put the filter on every logger that may see a request. Doing it again changes nothing."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(found, Discretion) for found in logger.filters):
            logger.addFilter(Discretion())
