"""The table of routes."""

import re

from flux.wire import routes
from flux.wire.routes import Route

ALL = [route for route in vars(routes).values() if isinstance(route, Route)]


def test_no_two_routes_are_the_same():
    """One method on one path is one route."""
    assert len({(route.method, route.path) for route in ALL}) == len(ALL)


def test_paths_are_plain():
    """Lower-case words and braces, no slash at the end."""
    for route in ALL:
        assert re.fullmatch(r"(/([a-z]+|\{[a-z]+\}))+", route.path), route.path
        assert route.summary[0].isupper()
