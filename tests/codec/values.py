"""Values for the codec's tests: classes as authors write them, a strategy over everything that can be kept,
and a comparison that is stricter than `==`.
"""

import enum
import math
import struct
from collections import namedtuple
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import PosixPath, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

T = TypeVar("T")


class Colour(enum.Enum):
    RED = "red"
    DARK = ("deep", 1)
    ROUGE = "red"  # noqa: PIE796 - an alias is what authors write by that


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Word(enum.StrEnum):
    YES = "yes"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Bits(enum.IntFlag, boundary=enum.KEEP):
    ONE = 1


class Handle(enum.Enum):
    """Its values cannot be kept; its members can."""

    NOTHING = object()


@dataclass
class Line:
    name: str
    price: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    id: int
    lines: tuple[Any, ...] = ()
    total: Any = field(init=False, default=None)

    class Note(NamedTuple):
        text: Any
        at: Any = None


@dataclass
class Express(Line):
    """Inherits, computes a field, and keeps something that is no field."""

    days: int = 1
    label: str = field(init=False)

    def __post_init__(self) -> None:
        self.label = f"{self.name}!"
        self.remembered = [self.days]


@dataclass
class Box(Generic[T]):
    content: T


Point = namedtuple("Point", "x y")  # noqa: PYI024 - authors write both kinds


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal in type, content and order, all the way down; NaN equals the same NaN."""
    return type(one) is type(other) and bool(_INSIDE[_family(one)](one, other))


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other)


def _family(value: Any) -> type:
    if hasattr(value, "__dataclass_fields__"):
        return Line
    return next(cls for cls in _INSIDE if isinstance(value, cls))


def _same_items(one: Any, other: Any) -> bool:
    return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))


def _attributes(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__} | getattr(value, "__dict__", {})


def _same_members(one: Any, other: Any) -> bool:
    return len(one) == len(other) and all(any(same(a, b) for b in other) for a in one)


_INSIDE: dict[type, Any] = {
    enum.Enum: _equal,
    float: lambda one, other: struct.pack(">d", one) == struct.pack(">d", other),
    complex: lambda one, other: same([one.real, one.imag], [other.real, other.imag]),
    Decimal: lambda one, other: str(one) == str(other),
    datetime: lambda one, other: repr(one) == repr(other),
    time: lambda one, other: repr(one) == repr(other),
    BaseException: lambda one, other: same([one.args, vars(one)], [other.args, vars(other)]),
    list: _same_items,
    tuple: _same_items,
    dict: lambda one, other: same(list(one.items()), list(other.items())),
    set: _same_members,
    frozenset: _same_members,
    Line: lambda one, other: same(_attributes(one), _attributes(other)),
    object: _equal,
}


# Each strategy is a function of its own: Hypothesis prints strategies, and these would fill a book.
_FLAGS = [*Colour, *Level, *Word, *Access, Access.READ | Access.WRITE, Access(0), Bits(5), Handle.NOTHING]
_PATHS = [PosixPath, PurePosixPath, PureWindowsPath]
_TEXTS = st.one_of(st.sampled_from(["$", "v", "c", '"$"', "\x00", "\U0001f600"]), st.text())
_OFFSETS = st.timedeltas(min_value=timedelta(hours=-23), max_value=timedelta(hours=23))
_ZONES = st.one_of(
    st.none(),
    st.just(UTC),
    st.builds(timezone, _OFFSETS),
    st.builds(timezone, _OFFSETS, st.sampled_from(["CET", "x/y", ""])),
    st.sampled_from(["Europe/Berlin", "America/New_York", "UTC", "Asia/Kathmandu"]).map(ZoneInfo),
)
# A day off either end: the offset of a time zone at the very first instant is out of Python's range.
_NAIVE = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001 - the zone comes
_HASHABLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(0, 2_500).map(lambda bits: -(1 << bits)),
    st.floats(),
    _TEXTS,
    st.binary(max_size=40),
    st.complex_numbers(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.dates(),
    st.timedeltas(),
    st.builds(lambda at, zone, fold: at.replace(tzinfo=zone, fold=fold), _NAIVE, _ZONES, st.integers(0, 1)),
    st.builds(lambda at, zone, fold: at.replace(tzinfo=zone, fold=fold), st.times(), _ZONES, st.integers(0, 1)),
    st.sampled_from(_FLAGS),
    st.builds(lambda cls, name: cls(name), st.sampled_from(_PATHS), _TEXTS),
)
_UNHASHABLE = st.sampled_from([Decimal("sNaN12"), Decimal("-NaN"), Decimal("-0E+7"), math.nan, -0.0, -math.inf])


@st.composite
def atoms(draw: st.DrawFn) -> Any:
    """A value without content."""
    return draw(st.one_of(_HASHABLE, _UNHASHABLE))


@st.composite
def keys(draw: st.DrawFn, depth: int = 2) -> Any:
    """What may be a key or a member of a set: hashable all the way down."""
    shape = draw(st.integers(0, 6)) if depth else 0
    if shape < 3:
        return draw(_HASHABLE)
    content = draw(st.lists(keys(depth - 1), max_size=3))
    return _HASHABLE_SHAPES[shape - 3](tuple(content))


@st.composite
def values(draw: st.DrawFn, depth: int = 3) -> Any:
    """Anything that can be kept."""
    if not depth or draw(st.booleans()):
        return draw(atoms())
    if draw(st.integers(0, 2)) == 0:
        return draw(st.one_of(st.sets(keys(), max_size=4), st.frozensets(keys(), max_size=4)))
    content = draw(st.lists(values(depth - 1), max_size=4))
    return draw(st.sampled_from(_SHAPES))(draw, content)


_HASHABLE_SHAPES: list[Any] = [tuple, frozenset, Order.Note, lambda items: Point(items, 0)]
_SHAPES: list[Any] = [
    lambda _, items: items,
    lambda _, items: tuple(items),
    lambda draw, items: {draw(_TEXTS): item for item in items},
    lambda draw, items: {draw(keys()): item for item in items},
    lambda draw, items: Line(draw(_TEXTS), items),
    lambda draw, items: Express(draw(_TEXTS), items),
    lambda _, items: Box(items),
    lambda _, items: Order(id=1, lines=tuple(items)),
    lambda _, items: Order.Note(items, tuple(items)),
    lambda _, items: Point(items, None),
    lambda _, items: ValueError(*items),
    lambda _, items: KeyError(tuple(items)),
]


EXAMPLES: list[Any] = [
    None,
    {},
    {"$": "tuple", "v": [1]},
    {1: "a", None: "b", (1, 2): {"$": 0}},
    10**5_000,
    -(10**700),
    datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(2026, 3, 29, 2, 30),  # noqa: DTZ001 - naive, and in the hour that Berlin does not have
    datetime(2026, 1, 1, tzinfo=timezone(timedelta(microseconds=1))),
    time(1, 2, tzinfo=timezone(timedelta(seconds=-1), "x")),
    timedelta(microseconds=-1),
    date(1, 1, 1),
    [Line("a", Line("b")), Order(id=1, lines=(Line("c"),)), Express("d", 2), Box([Point(1, 2)])],
    {Colour.RED, Colour.DARK},
    PurePath("a/b"),
]
