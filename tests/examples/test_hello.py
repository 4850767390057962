"""The example `hello.py`."""

import json

from examples.hello import hello


def test_it_greets() -> None:
    """The first thing that anybody runs does what it says, and shows it as JSON."""
    context = hello.run("World")

    assert (context.has_succeeded, context.output) == (True, "Hello, World!")
    assert json.loads(context.to_json())["output"] == "Hello, World!"
