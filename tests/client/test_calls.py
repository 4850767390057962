"""Requests as data."""

import pytest

from flux.client import calls
from flux.client.calls import LONGEST_WAIT, PATIENCE, Options
from flux.errors import Invalid


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        ("work", "/workflows/default/work/run"),
        ("shop/pay", "/workflows/shop/pay/run"),
        ("shop/a b?#", "/workflows/shop/a%20b%3F%23/run"),
    ],
)
def test_a_ref_becomes_a_path(ref, path):
    """Whatever is in a name, it stays one segment."""
    assert calls.submit(ref, None, Options()).path == path


@pytest.mark.parametrize("ref", ["", "/", "a/", "/a", "a/b/c", "../x/y"])
def test_what_is_no_ref_is_refused(ref):
    """Before anything is sent."""
    with pytest.raises(Invalid, match="namespace/name"):
        calls.submit(ref, None, Options())


def test_options_go_into_the_query_and_the_header():
    """What is not given is not sent."""
    call = calls.run("w", {"a": 1}, Options(version=2, labels={"env": "x y"}, key="k"), 5)

    assert call.path == "/workflows/default/w/run/sync?wait=5&version=2&label=env%3Ax+y"
    assert call.headers["Idempotency-Key"] == "k"
    assert call.body == b'{"a":1}'


def test_a_wait_is_cut_and_its_answer_waited_for_longer():
    """Silence for as long as the wait is no sign of a dead daemon."""
    call = calls.wait("E", 1_000)

    assert call.path == f"/executions/E?wait={LONGEST_WAIT}"
    assert call.patience == PATIENCE + LONGEST_WAIT


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), float("inf"), object(), b"x"], ids=repr)
def test_only_json_is_sent(value):
    """What JSON cannot say is refused here, not mangled."""
    with pytest.raises(Invalid, match="no JSON value"):
        calls.encode(value)


def test_a_file_name_cannot_break_out_of_the_form():
    """Quotes and line ends would begin another header."""
    call = calls.register('a"\r\nX: y.py', b"x", "BOUNDARY", None)

    assert call.body is not None
    assert b'filename="a___X: y.py"' in call.body
