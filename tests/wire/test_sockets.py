"""The file that stands in for a socket."""

import pytest

from flux.wire.sockets import pointer, target


@pytest.mark.parametrize("path", ["/tmp/flux-x/flux.sock", "/tmp/ü/f.sock", "/tmp/a b/f.sock"])
def test_a_pointer_names_the_socket(path):
    """What was written is read again."""
    assert target(pointer(path)) == path


@pytest.mark.parametrize("content", [b"", b"/tmp/x", b"hello", b"unix:" + b"x" * 5000])
def test_another_file_is_no_pointer(content):
    """A file that lies there for another reason is not followed."""
    assert target(content) is None
