"""Permissions: parsing, matching, compiled sets, and the roles that are built in."""

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux.core.permissions import BUILT_IN_ROLES, Grants, Permission, author_of, escape, matches
from flux.errors import InvalidPermission

RUN = "workflow:billing:invoice:run"


@pytest.mark.parametrize(
    ("granted", "wanted", "included"),
    [
        ("*", RUN, True),
        ("*", "*", True),
        (RUN, RUN, True),
        (RUN, "workflow:billing:invoice:cancel", False),
        ("workflow:*", RUN, True),
        ("workflow:*", "workflow", False),
        ("workflow:billing:*", RUN, True),
        ("workflow:billing:*", "workflow:billing", False),
        ("workflow:*:*:run", RUN, True),
        ("workflow:*:run", RUN, False),
        ("workflow:*:*:run", "workflow:billing:invoice:task:run", False),
        ("workflow:*:invoice:*", "workflow:billing:invoice:task:charge:execute", True),
        ("*:billing:invoice:run", RUN, True),
        ("*:*", "workflow", False),
        ("workflow:bill", RUN, False),
        ("workflow:billing:*", "workflow:*", False),
        ("workflow:*", "workflow:billing:*", True),
        ("workflow:*:*:run", "workflow:billing:*:run", True),
        ("workflow:*:*:run", "workflow:billing:*", False),
        ("a:*", "a:*:b", True),
        ("a:*:b", "a:*", False),
        ("a:*:*", "a:*", False),
        ("principal:alice%3Ax:impersonate", "principal:alice%3Ax:impersonate", True),
    ],
)
def test_what_a_granted_permission_includes(granted: str, wanted: str, included: bool):
    """`*` alone is everything, a last one is one segment or more, any other exactly one."""
    assert matches(granted, wanted) is included
    assert Grants([granted]).covers(wanted) is included


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1..1024"),
        ("a" * 1_025, "1..1024"),
        ("a::b", "segment 2"),
        (":a", "segment 1"),
        ("a:", "segment 2"),
        ("a:b*", "stands alone"),
        ("a:**", "stands alone"),
        ("a:50%", "%25"),
        ("a:%3a", "'%3A'"),
        ("a:%41", "'A'"),
        ("a:%FF", "%25"),
        ("a:b\n", "'b%0A'"),
        ("a:\ud800", "Unicode"),
    ],
)
def test_a_malformed_permission_is_refused_with_the_reason(text: str, said: str):
    """Whoever edits a role sees which segment is wrong and how to write it."""
    with pytest.raises(InvalidPermission, match=re.escape(said)):
        Permission.parse(text)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_any_name_can_be_a_segment_and_means_only_itself(name: str):
    """Names hold colons (`local:alice`) and stars; escaped they are one segment without meaning."""
    permission = Permission.parse(f"secret:{escape(name)}:use")

    assert str(permission) == f"secret:{escape(name)}:use"
    assert len(permission.segments) == 3
    assert not permission.matches(Permission.parse("secret:other%25:use"))


@pytest.mark.parametrize("name", ["", "\ud800"], ids=["empty", "surrogate"])
def test_what_is_no_name_is_refused(name: str):
    """An empty segment would make another permission of the whole."""
    with pytest.raises(InvalidPermission):
        escape(name)


_SEGMENT = st.sampled_from(["a", "b", "*"])
_PATTERN = st.lists(_SEGMENT, min_size=1, max_size=4).map(":".join)
_CONCRETE = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=5).map(":".join)


def _naive(granted: str, wanted: str) -> bool:
    """The rule of the documentation, as a regular expression."""
    *leading, last = granted.split(":")
    parts = ["[^:]+" if part == "*" else part for part in leading]
    parts.append("[^:]+(:[^:]+)*" if last == "*" else last)
    return re.fullmatch(":".join(parts), wanted) is not None


def _instances(pattern: str) -> list[str]:
    """Permissions that `pattern` gives: every one of up to five segments over three names."""
    names = ("a", "b", "x")
    everything = [":".join(parts) for length in range(1, 6) for parts in product(names, repeat=length)]
    return [one for one in everything if _naive(pattern, one)]


@settings(deadline=None)
@given(st.lists(_PATTERN, max_size=5), _CONCRETE)
def test_a_compiled_set_allows_what_the_rule_says(patterns: list[str], wanted: str):
    """However many permissions are compiled together, each counts for itself."""
    expected = any(_naive(pattern, wanted) for pattern in patterns)

    assert Grants(patterns).allows(wanted) is expected
    assert any(matches(pattern, wanted) for pattern in patterns) is expected


@settings(deadline=None)
@given(_PATTERN, _PATTERN)
def test_a_pattern_is_covered_exactly_if_all_it_gives_is(granted: str, wanted: str):
    """Nobody grants what he does not hold: a pattern reaches no further than the one that covers it."""
    expected = all(_naive(granted, one) for one in _instances(wanted))

    assert matches(granted, wanted) is expected
    assert Grants([granted]).covers(wanted) is expected


def test_missing_names_each_lacking_permission_once_in_order():
    """A 403 lists what is missing, in the order of the call tree."""
    grants = Grants(["workflow:*:*:run"])

    missing = grants.missing(["b:x", RUN, "a:x", "b:x"])

    assert missing == ["b:x", "a:x"]


def test_a_set_of_permissions_checks_them():
    """A role with a malformed permission is refused whole."""
    with pytest.raises(InvalidPermission):
        Grants(["workflow:*", "work*"])


def test_no_permissions_allow_nothing():
    """There is no default."""
    assert not Grants().allows("workflow")
    assert not Grants(["a:b"]).allows("")


_TASK = "workflow:billing:invoice:task:charge:execute"


@pytest.mark.parametrize(
    ("role", "allowed", "refused"),
    [
        ("admin", ["admin:roles:manage", "secret:x:read", "anything"], []),
        (
            "operator",
            [RUN, _TASK, "workflow:a:b:register", "schedule:x:manage", "service:x:manage", "execution:1:read"],
            ["secret:x:read", "secret:x:use", "admin:roles:read", "admin:audit:read", "principal:x:impersonate"],
        ),
        (
            "viewer",
            ["workflow:a:b:read", "execution:1:read", "schedule:x:read", "hook:x:read", "service:x:read"],
            [RUN, _TASK, "secret:x:read", "admin:audit:read", "service:x:call", "workflow:a:b:task:read"],
        ),
        (
            "author",
            ["workflow:default:x:register", "workflow:default:x:run", "workflow:default:x:task:t:execute"],
            [RUN, "workflow:default:x:task:t:approve", "schedule:x:manage", "execution:1:read"],
        ),
    ],
)
def test_built_in_roles_give_what_they_are_for(role: str, allowed: list[str], refused: list[str]):
    """Operators and authors never reach secrets, roles or the audit."""
    grants = Grants(BUILT_IN_ROLES[role])

    assert grants.missing(allowed) == []
    assert grants.missing(refused) == refused


def test_an_author_of_another_namespace_gets_the_same_there():
    """The copy of the role differs in its namespace only."""
    assert author_of("default") == BUILT_IN_ROLES["author"]
    assert Grants(author_of("billing")).allows(RUN)
    assert not Grants(author_of("billing")).allows("workflow:default:x:run")
