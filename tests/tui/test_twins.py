"""The same on a command line."""

import shlex

from tui import twins

ID = "01JDX9KQ2ABCDEFGHJKMNPQRST"


def test_a_socket_and_an_address_each_have_their_curl() -> None:
    """It can be pasted into a shell as it is."""
    assert twins.show(ID, "unix:/run/flux/flux.sock").curl == (
        f"curl -s --unix-socket /run/flux/flux.sock http://flux/executions/{ID}"
    )
    assert twins.cancel(ID, "http://127.0.0.1:8377").curl == (
        f"curl -s -X POST http://127.0.0.1:8377/executions/{ID}/cancel"
    )


def test_an_answer_survives_the_shell() -> None:
    """Quotes and dollars in it stay what they are."""
    value = {"note": 'it\'s $5 "net"'}

    twin = twins.resume(ID, value, "ok?", "unix:/s")

    assert shlex.split(twin.cli) == ["flux", "resume", ID, '{"note": "it\'s $5 \\"net\\""}', "--pause", "ok?"]
    assert shlex.split(twin.curl)[5] == '{"input": {"note": "it\'s $5 \\"net\\""}, "pause": "ok?"}'


def test_the_oldest_pause_needs_no_name() -> None:
    """As in the API."""
    assert twins.resume(ID, None, None, "unix:/s").cli == f"flux resume {ID} null"
