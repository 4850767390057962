"""The example `pipeline.py`."""

import pytest

from examples.pipeline import pages

LOG = """\
10.0.0.1 - - [01/Feb/2026:10:00:00 +0000] "GET /shop?id=1 HTTP/1.1" 200 512 "-" "Mozilla/5.0"
10.0.0.2 - - [01/Feb/2026:10:00:01 +0000] "GET /shop HTTP/1.1" 200 512 "-" "Mozilla/5.0"
10.0.0.2 - - [01/Feb/2026:10:00:02 +0000] "GET / HTTP/1.1" 200 99 "-" "Mozilla/5.0"
10.0.0.3 - - [01/Feb/2026:10:00:03 +0000] "GET / HTTP/1.1" 200 99 "-" "Googlebot/2.1"
10.0.0.1 - - [01/Feb/2026:10:00:04 +0000] "GET /lost HTTP/1.1" 404 0 "-" "Mozilla/5.0"
this is no line of a log
"""
TABLE = """\
page   hits  visitors
/shop     2         2
/         1         1"""


@pytest.mark.parametrize("log", [LOG, LOG.splitlines()], ids=["text", "lines"])
def test_a_log_becomes_a_table(log: str | list[str]) -> None:
    """Machines, errors and nonsense are left out on the way."""
    assert pages.run(log).output == TABLE


def test_an_empty_log_is_an_empty_table() -> None:
    """A quiet night is no error."""
    assert pages.run("").output == "page  hits  visitors"
