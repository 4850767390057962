"""Rows of sources, versions and what is offered."""

import json
from dataclasses import replace

from flux.core.catalog import Source, Version, needed
from flux.store import catalog
from flux.store.catalog import LoadError

SOURCE = Source(
    digest="d1", entry="billing/a.py", root="/w", files={"billing/a.py": b"\xff\x00import x", "x.py": "ä".encode()}
)


def a_version(number: int = 1, name: str = "invoice", **changes: object) -> Version:
    """A version of `billing/NAME` with one task."""
    made = Version(
        namespace="billing",
        name=name,
        number=number,
        digest=f"d{number}",
        path="/w/billing/a.py",
        registered=1_000,
        tasks=("charge",),
        about=json.dumps({"doc": "ä", "line": 3}),
        permissions=needed("billing", name, ("charge",)),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # a builder of values


def pinned(tx, *numbers: int) -> None:
    """Sources d1, d2, …"""
    for number in numbers:
        catalog.pin(tx, replace(SOURCE, digest=f"d{number}"))


def test_a_source_comes_back_byte_by_byte(tx):
    """Files need not be text."""
    catalog.pin(tx, SOURCE)

    assert catalog.pinned(tx, "d1") == SOURCE
    assert catalog.pinned(tx, "d2") is None


def test_the_same_content_again_changes_only_where_it_lies(tx):
    """One row per content; a folder may have been moved."""
    catalog.pin(tx, SOURCE)
    catalog.pin(tx, replace(SOURCE, root="/elsewhere"))

    assert catalog.pinned(tx, "d1") == replace(SOURCE, root="/elsewhere")


def test_versions_come_newest_first(tx):
    """Of one workflow only."""
    pinned(tx, 1, 2)
    for version in (a_version(1), a_version(2), a_version(1, "refund")):
        catalog.add(tx, version)

    assert catalog.versions(tx, "billing", "invoice") == [a_version(2), a_version(1)]
    assert catalog.versions(tx, "billing", "nobody") == []


def test_what_is_offered_is_one_version_of_each(tx):
    """Until it is withdrawn; then it stays known."""
    pinned(tx, 1, 2)
    for version in (a_version(1), a_version(2), a_version(1, "refund")):
        catalog.add(tx, version)
    catalog.offer(tx, a_version(2))
    catalog.offer(tx, a_version(1, "refund"))
    first = catalog.offered(tx)
    catalog.offer(tx, a_version(1))
    second = catalog.offered(tx)
    catalog.withdraw(tx, "billing", "invoice")
    third = catalog.offered(tx)

    assert first == [a_version(2), a_version(1, "refund")]
    assert second == [a_version(1), a_version(1, "refund")]
    assert third == [a_version(1, "refund")]
    assert len(catalog.versions(tx, "billing", "invoice")) == 2


def test_a_version_may_be_seen_with_other_eyes(tx):
    """The bytes are the same; where they lie, and what is known of them, may be news."""
    pinned(tx, 1)
    catalog.add(tx, a_version())
    news = a_version(
        path="/moved/a.py", tasks=("charge", "ship"), permissions=needed("billing", "invoice", ("charge", "ship"))
    )

    catalog.describe(tx, news)

    assert catalog.versions(tx, "billing", "invoice") == [news]


def test_a_file_that_does_not_load_is_remembered_until_it_does(tx):
    """One error a file: the newest."""
    old = LoadError("/w/a.py", "x", "SyntaxError", "old", 1, 5)
    new = LoadError("/w/a.py", "y", "ImportError", "new", None, 6)
    other = LoadError("/w/b.py", "z", "SyntaxError", "b", 2, 7)
    for error in (old, other, new):
        catalog.failed(tx, error)
    both = catalog.errors(tx)
    catalog.mended(tx, "/w/a.py")
    catalog.mended(tx, "/w/nobody.py")

    assert both == [new, other]
    assert catalog.errors(tx) == [other]
