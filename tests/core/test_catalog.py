"""Workflows as the catalog knows them: names, and what running one takes."""

import pytest

from flux.core.catalog import Version, check_names, is_exempt, needed
from flux.errors import InvalidDefinition


def a_version(**changes: object) -> Version:
    """Version 3 of `billing/invoice`."""
    facts: dict[str, object] = {
        "namespace": "billing",
        "name": "invoice",
        "number": 3,
        "digest": "d",
        "path": "/w/invoice.py",
        "registered": 1,
        "tasks": (),
        "about": "{}",
        "permissions": (),
    }
    return Version(**{**facts, **changes})  # type: ignore[arg-type]  # a builder of values


def test_a_workflow_is_called_by_namespace_and_name():
    """So clients write it."""
    assert a_version().ref == "billing/invoice"


@pytest.mark.parametrize(("namespace", "name"), [("default", "a"), ("0", "_"), ("a-b_c", "Invoice2"), ("x", "_1")])
def test_python_names_in_lower_case_namespaces_are_fine(namespace: str, name: str):
    """They fit into a path, a permission and a Python file."""
    check_names(namespace, name)


@pytest.mark.parametrize(
    ("namespace", "name", "told"),
    [
        ("", "a", "namespace ''"),
        ("Billing", "a", "namespace 'Billing'"),
        ("-a", "a", "namespace '-a'"),
        ("a/b", "a", "namespace 'a/b'"),
        ("a\n", "a", "namespace"),
        ("a", "", "name ''"),
        ("a", "2nd", "name '2nd'"),
        ("a", "in-voice", "name 'in-voice'"),
        ("a", "é", "name 'é'"),
        ("a", "b:c", "name 'b:c'"),
        ("a", "b\n", "name"),
    ],
)
def test_every_other_name_is_refused_with_the_rule(namespace: str, name: str, told: str):
    """The message names what is wrong, and how it must be written."""
    with pytest.raises(InvalidDefinition, match="must match") as caught:
        check_names(namespace, name)

    assert told in str(caught.value)


def test_running_a_workflow_takes_run_on_it_and_execute_on_each_task():
    """Names with a colon or a star are escaped: they can never stand for more than themselves."""
    assert needed("billing", "invoice", ("charge", "get:*")) == (
        "workflow:billing:invoice:run",
        "workflow:billing:invoice:task:charge:execute",
        "workflow:billing:invoice:task:get%3A%2A:execute",
    )


@pytest.mark.parametrize(
    ("about", "task", "expected"),
    [
        ('{"exempt": ["ping"]}', "ping", True),
        ('{"exempt": ["ping"]}', "pings", False),
        ('{"exempt": ["get_{key}"]}', "get_a/b", True),
        ('{"exempt": ["get_{key}"]}', "get_", False),
        ('{"exempt": ["a.b"]}', "axb", False),
        ("{}", "ping", False),
    ],
)
def test_only_what_the_inspection_found_exempt_is(about: str, task: str, expected: bool):
    """A name may be a template over the arguments; everything else in it means itself."""
    assert is_exempt(a_version(about=about), task) is expected
