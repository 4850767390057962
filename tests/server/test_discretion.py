"""No credential in a log."""

import io
import logging

import pytest

from flux.server.discretion import Discretion, scrub

KEY = "flux_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8z2-Kgg"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {KEY}",
        f"b'authorization: Bearer {KEY}\\x01'",
        "Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=",
        "{'Authorization': 'Basic dXNlcjpzZWNyZXQ='}",
        f"GET /?key={KEY} HTTP/1.1",
        "the token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.dXNlcjpzZWNyZXQ was refused",
        "Cookie: session=dXNlcjpzZWNyZXQ",
    ],
)
def test_what_opens_something_is_blanked(text):
    """Wherever it stands in a message."""
    clean = scrub(text)

    assert "***" in clean
    assert KEY[5:] not in clean
    assert "dXNlcjpzZWNyZXQ" not in clean


def test_ordinary_words_stay():
    """A log that says nothing helps nobody."""
    assert scrub("flux_app: 3 of 7 authorizations, GET /executions/01E") == (
        "flux_app: 3 of 7 authorizations, GET /executions/01E"
    )


def test_messages_and_tracebacks_are_cleaned():
    """Both, and for every handler behind the logger."""
    logger = logging.Logger("test")  # noqa: LOG001 - one of its own, known to nobody else
    logger.addFilter(Discretion())
    out = io.StringIO()
    logger.addHandler(logging.StreamHandler(out))

    try:
        raise ValueError(f"bad header b'Authorization: Bearer {KEY}'")
    except ValueError:
        logger.exception("request %s failed", KEY)

    shown = out.getvalue()
    assert "Traceback" in shown
    assert "ValueError: bad header" in shown
    assert KEY[5:] not in shown
