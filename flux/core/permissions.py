"""Permissions: what a role may grant, and whether what is wanted is among it.

    permission  =  segment(:segment)*           workflow:billing:invoice:cancel
    `*` alone      everything
    a last `*`     one segment or more          workflow:billing:*
    any other `*`  exactly one segment          workflow:*:*:run

There are no deny rules: what no grant matches is not allowed. A name that is put into a segment goes through
`escape`, so that a colon or a star in it means nothing. Each name has exactly one spelling, so comparing
permissions is comparing text.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote

from flux.errors import InvalidPermission

ANY: Final = "*"
LONGEST: Final = 1_024  # characters; names of tasks and subjects fit in many times over

_CONTROL: Final = (*map(chr, range(0x20)), "\x7f")
_ESCAPES: Final = str.maketrans({character: f"%{ord(character):02X}" for character in (*_CONTROL, *"%:*")})


def escape(name: str) -> str:
    """`name` as one segment: `a:b` → `a%3Ab`.

    Raises:
        InvalidPermission: it is empty, or no text that UTF-8 can hold.
    """
    if name.isidentifier() and name.isascii():  # most names, and this is on every task's way
        return name
    if not name:
        raise InvalidPermission("a name in a permission must not be empty")
    if not _is_text(name):
        raise InvalidPermission("a name in a permission must be valid Unicode text, got a lone surrogate")
    return name.translate(_ESCAPES)


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission, wanted or granted, known to be well-formed."""

    segments: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Permission":
        """The permission that `text` says.

        Raises:
            InvalidPermission: the message says which segment is wrong, and how to write it.
        """
        if not text or len(text) > LONGEST:
            raise InvalidPermission(f"a permission has 1..{LONGEST} characters, got {len(text)}")
        segments = tuple(text.split(":"))
        for number, segment in enumerate(segments, 1):
            _check(segment, number, text)
        return cls(segments)

    def matches(self, wanted: "Permission") -> bool:
        """Whether whoever is granted this has all that `wanted` says, be it one permission or a pattern."""
        granted, asked = self.segments, wanted.segments
        if granted[-1] == ANY:
            if len(asked) < len(granted):
                return False
            granted, asked = granted[:-1], asked[: len(granted) - 1]
        elif len(asked) != len(granted) or asked[-1] == ANY:
            return False  # a last `*` asks for more segments than a grant of this length can give
        return all(mine in (ANY, theirs) for mine, theirs in zip(granted, asked, strict=True))

    def __str__(self) -> str:
        return ":".join(self.segments)


def matches(granted: str, wanted: str) -> bool:
    """Whether the permission `granted` includes `wanted`. Raises InvalidPermission."""
    return Permission.parse(granted).matches(Permission.parse(wanted))


def _check(segment: str, number: int, text: str) -> None:
    if segment == ANY:
        return
    where = f"segment {number} of the permission {text!r}"
    if not segment:
        raise InvalidPermission(f"{where} is empty")
    if ANY in segment:
        raise InvalidPermission(f"{where} mixes `*` with text; a `*` stands alone, as a name it is written %2A")
    if not _is_text(segment):
        raise InvalidPermission(f"{where} is not valid Unicode text")
    try:
        canonical = escape(unquote(segment, errors="strict"))
    except UnicodeDecodeError:
        raise InvalidPermission(f"{where} holds a `%` that begins no character; as a name it is written %25") from None
    if canonical != segment:
        raise InvalidPermission(f"{where} must be written {canonical!r}")


def _is_text(name: str) -> bool:
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


_Node = dict[str, "_Node"]
_END: Final = ""  # no segment is empty: as keys, these two cannot be mistaken for one
_REST: Final = ":"


class Grants:
    """A set of permissions, compiled: asking costs a few look-ups, however many there are. It never changes."""

    __slots__ = ("_tree", "permissions")

    def __init__(self, permissions: Iterable[str] = ()) -> None:
        """Raises InvalidPermission."""
        self.permissions: frozenset[str] = frozenset(permissions)
        self._tree: _Node = {}
        for permission in self.permissions:
            self._add(Permission.parse(permission).segments)

    def allows(self, wanted: str) -> bool:
        """Whether one of these permissions includes `wanted`, which the caller built with `escape`."""
        return _has(self._tree, wanted.split(":"), 0)

    def covers(self, pattern: str) -> bool:
        """Whether whoever holds these may grant `pattern`: one of them includes all that it does.

        Raises:
            InvalidPermission: it is malformed.
        """
        return _has(self._tree, list(Permission.parse(pattern).segments), 0)

    def missing(self, wanted: Iterable[str]) -> list[str]:
        """Those of `wanted` that are not allowed, in their order, each once."""
        return [one for one in dict.fromkeys(wanted) if not self.allows(one)]

    def _add(self, segments: tuple[str, ...]) -> None:
        node = self._tree
        *leading, last = segments
        for segment in leading:
            node = node.setdefault(segment, {})
        if last == ANY:
            node[_REST] = {}
        else:
            node.setdefault(last, {})[_END] = {}

    def __repr__(self) -> str:
        return f"Grants({sorted(self.permissions)})"


def _has(node: _Node, wanted: list[str], at: int) -> bool:
    """Whether a grant below `node` includes what is wanted from segment `at` on."""
    if at == len(wanted):
        return _END in node
    if _REST in node:
        return True
    # The last `*` of a pattern stands for any number of segments: only a grant's own last `*` includes that.
    if wanted[at] == ANY and at + 1 == len(wanted):
        return False
    exact, any_one = node.get(wanted[at]), node.get(ANY)
    return (exact is not None and _has(exact, wanted, at + 1)) or (
        any_one is not None and any_one is not exact and _has(any_one, wanted, at + 1)
    )


def _each(prefix: str, *actions: str) -> tuple[str, ...]:
    return tuple(f"{prefix}:{action}" for action in actions)


def author_of(namespace: str) -> tuple[str, ...]:
    """The permissions of an author in one namespace: what the role `author` has in `default`."""
    place = f"workflow:{escape(namespace)}:*"
    return (*_each(place, "run", "read", "register", "resume", "cancel"), f"{place}:task:*:execute")


_VIEWER: Final = ("workflow:*:*:read", "execution:*:read", "schedule:*:read", "hook:*:read", "service:*:read")
_OPERATOR: Final = (
    *_VIEWER,
    *_each("workflow:*:*", "run", "resume", "cancel", "register", "task:*:execute"),
    "schedule:*:manage",
    *_each("service:*", "call", "manage"),
)

BUILT_IN_ROLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"admin": (ANY,), "operator": _OPERATOR, "viewer": _VIEWER, "author": author_of("default")}
)
"""Never edited or deleted. An author of another namespace gets a role of his own from `author_of`."""
