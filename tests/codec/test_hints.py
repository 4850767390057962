"""Hints: they ask a value nothing that could run its code."""

from flux.codec.hints import hint_for


class Proxy:
    """Answers to every name, by going somewhere."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(f"went to the network for {name}")


def test_a_proxy_is_not_asked_for_its_attributes():
    """A lazy object of another package may connect, import or fail."""
    assert "plain data" in hint_for(Proxy())
